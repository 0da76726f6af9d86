"""The configuration, checked whole before any job starts: names against each other, metrics against the evaluation.

Errors say where (file, line, key), what was found and what to do.
"""

import sys
from collections.abc import Iterable, Mapping
from inspect import signature
from pathlib import Path

import yaml

from abstain.corpora.readers import READERS
from abstain.jobs.packages import check_declared
from abstain.jobs.paths import HOME
from abstain.jobs.watch import check_unchanged, remember
from abstain.settings.arms import run_here
from abstain.settings.bases import base_faults
from abstain.settings.files import Document, file_faults, located
from abstain.settings.labels import label_faults
from abstain.settings.places import interpreter_faults, mirror_faults, needed_faults, own_file_faults, room_faults
from abstain.settings.schema import Fault, schema_faults
from abstain.settings.studies import SCALE_KEYS, check_command_line, read_scale, refuse, resolve
from abstain.studies.here import here_faults, with_figures
from abstain.studies.metrics import claim_faults, figure_faults, headline_faults, margin_faults, scorer_faults
from abstain.studies.names import condition_faults, name_faults
from abstain.studies.rows import row_faults

SCHEMA = "schemas/scale.yaml"


def check_files(files: list[Path], command_line: Mapping) -> None:
    """Check the scale's files before Snakemake reads them, and what `--config` sets; raises ConfigError."""
    check_command_line(command_line)
    refuse([fault for path in files for fault in file_faults(path)])
    refuse(command_line_faults(files, command_line) if command_line else [])


def read_studies(config: dict, files: list[Path], home: Path, is_main: bool) -> dict[str, dict]:
    """The resolved record of every study of a scale; raises ConfigError with every fault, or ChangedError in a job.

    `files` are the scale's files in the order in which they were read, `home` is the Snakefile's folder. The process
    that plans the run notes what the study files hold; a job that parses the Snakefile again compares.
    """
    if not is_main:
        check_unchanged()
    refuse(overlay_faults(config, files, home))
    sources = read_scale(config, files, home)
    studies = resolved_studies(config, sources, files, home)
    if is_main:
        remember(document.path for document in sources.values())
    return studies


def resolved_studies(config: dict, sources: dict[str, Document], files: list[Path], home: Path) -> dict[str, dict]:
    """The resolved record of every study, from the study files by study; raises ConfigError with every fault.

    A study file is checked whole, so that a fault in it shows at every scale, and then what of it is run here.
    """
    documents = [Document(path) for path in files]
    studies = resolve(config, sources, home)
    faults = [located(fault, documents) for fault in file_name_faults(config)]
    for name, study in studies.items():
        for fault in study_faults(config, study):
            if fault.place.split(".")[0] in SCALE_KEYS:
                faults.append(located(fault._replace(place=f"studies.{name}.{fault.place}"), documents))
            else:
                faults.append(located(fault, [sources[name]]))
    refuse(faults)
    return {name: with_figures(run_here(study)) for name, study in studies.items()}


def command_line_faults(files: list[Path], command_line: Mapping) -> list[str]:
    """Faults of shape of what `--config` sets, which no file has."""
    config = {key: value for path in files for key, value in Document(path).value.items()} | dict(command_line)
    faults = schema_faults(config, HOME / SCHEMA)
    return [f"--config {fault}" for fault in faults if fault.place.split(".")[0] in command_line]


def overlay_faults(config: dict, files: list[Path], home: Path) -> list[str]:
    """Files that together lack most of what a scale must say: overlays, given without their scale."""
    required = (
        yaml.safe_load((home / SCHEMA).read_text(encoding="utf-8"))["required"] if "studies" not in config else []
    )
    missing = [key for key in required if key not in config]
    if not files or 2 * len(missing) <= len(required):
        return []
    listed = " ".join(map(str, files))
    lacks = f"{listed}: there is no {', no '.join(missing)}"
    return [f"{lacks}; an overlay comes after its scale: --configfile config.yaml {listed}"]


def check_places(config: dict, home: Path, environment: Mapping[str, str], files: Iterable[Path] = ()) -> None:
    """Check declared versions, own files, the mirror where it will be asked, room on the disk, the path of Python.

    `files` are the scale's, whose lines are named. Raises ConfigError, and VersionError for a declaration.
    """
    check_declared()
    faults = [*own_file_faults(config, home), *label_faults(config, home), *mirror_faults(config, environment)]
    _refuse_start([*faults, *room_faults(Path.cwd()), *interpreter_faults(sys.executable)], files)


def check_needed(
    needed: Mapping[str, str], config: dict, studies: dict, home: Path, results: Path, files: Iterable[Path] = ()
) -> None:
    """Check that every file is there that a job reads and none makes, and that bases have what is asked of them.

    `needed` gives for each file a rule that reads it; below `results` are the bases that are fetched.
    """
    _refuse_start(needed_faults(needed, config, home), files)
    _refuse_start(base_faults(config, studies, home, results / "bases"), files)


def _refuse_start(faults: Iterable[Fault], files: Iterable[Path]) -> None:
    documents = [Document(path) for path in files]
    listed = [
        located(fault, documents) if any(document.depth(fault.place) for document in documents) else str(fault)
        for fault in faults
    ]
    refuse(listed, "the run cannot start")


def file_name_faults(config: dict) -> list[Fault]:
    """Corpora whose files do not have the names under which their reader knows them, which are its parameters."""
    faults = []
    for name, corpus in config["corpora"].items():
        reader, files = signature(READERS[corpus["reader"]]), corpus["files"]
        try:
            reader.bind(**files)
        except TypeError:
            known, found = " and ".join(reader.parameters), " and ".join(files)
            words = f"the reader {corpus['reader']!r} knows its files as {known}, found {found}; name them so"
            faults.append(Fault(f"corpora.{name}.files", words))
    return faults


def study_faults(config: dict, study: dict) -> list[Fault]:
    """Faults of a whole study; each kind is looked for when the kinds before it, which it builds on, are clear."""
    faults = name_faults(config, study) or row_faults(study) or condition_faults(study)
    faults = faults or [
        *scorer_faults(study),
        *margin_faults(study),
        *figure_faults(study),
        *claim_faults(study),
        *headline_faults(study),
    ]
    return faults or here_faults(study)
