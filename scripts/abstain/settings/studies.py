"""A scale and the files of its studies: read, checked for shape, and resolved into one record a study.

A study file says what is asked; a scale says on what it is run and holds the values: the corpora that the requests come
from, how they are divided, and how much of each mix there is, too, so that one study file serves every scale. A study
has the keys of both side by side: no key is in both, so nothing is merged or inherited.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from abstain.settings.files import Document, file_faults, located
from abstain.settings.schema import ConfigError, Fault, schema_faults

# A study's keys that its scale gives.
OF_CORPORA = ("corpora", "splits", "clusters", "compared", "scored", "labelled", "sizes")
SCALE_KEYS = ("base", "seeds", "generation", *OF_CORPORA, "recipes", "adapters")
PARTS = {"figures": ("plots", "plot"), "scorers": ("scorers", None)}  # a study's records with schemas of their own


def refuse(faults: list[str], why: str = "the configuration cannot be used") -> None:
    """Raise ConfigError with every fault, once and on a line of its own, when there are any."""
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in dict.fromkeys(faults))
        raise ConfigError(f"{why}:\n{listed}\nNothing was started. Correct it and run again.")


def check_command_line(settings: Mapping) -> None:
    """Raise ConfigError when `--config` sets studies, which belong to a file that others can read, or a map or a list,
    in which Snakemake reads every number as text.
    """
    why = {
        key: "studies are not changed on the command line"
        if key == "studies"
        else "Snakemake reads numbers inside a map or a list as text"
        for key, value in settings.items()
        if key == "studies" or isinstance(value, Mapping | list)
    }
    advice = (
        "write the values that differ into a file, such as mine.yaml, and run with --configfile config.yaml mine.yaml"
    )
    refuse([f"--config {key}=...: {words}; {advice}" for key, words in why.items()])


def read_scale(config: dict, files: list[Path], home: Path) -> dict[str, Document]:
    """Check the scale's shape; gives the study files by study. `home` is the folder of the Snakefile.

    A path to a study file starts at the folder of the scale's file that names it, the last one where several do.
    """
    documents = [Document(path) for path in files]
    refuse([located(fault, documents) for fault in schema_faults(config, home / "schemas/scale.yaml")])
    return {
        name: Document(_relative(_folder(name, documents, home) / study["file"]))
        for name, study in config["studies"].items()
    }


def _folder(study: str, documents: list[Document], home: Path) -> Path:
    place = f"studies.{study}.file"
    naming = [document for document in documents if document.depth(place) == 3]
    return naming[-1].path.parent if naming else home


def _relative(path: Path) -> Path:
    return Path(os.path.relpath(path))


def resolve(config: dict, sources: dict[str, Document], home: Path) -> dict[str, dict]:
    """Every study whole: the keys of its file, and those that the scale gives; ConfigError names file, line, key.

    What of it is run at the scale, abstain.settings.arms says.
    """
    refuse([fault for document in sources.values() for fault in file_faults(document.path)])
    faults = [
        located(fault, [document])
        for document in sources.values()
        for fault in schema_faults(document.value, home / "schemas/study.yaml") or part_faults(document.value, home)
    ]
    refuse(faults)
    return {
        name: {**document.value, **{key: config["studies"][name][key] for key in SCALE_KEYS}}
        for name, document in sources.items()
    }


def part_faults(study: dict, home: Path) -> list[Fault]:
    """Faults of shape of the figures and scorers, each against the schema of its plot or scorer."""
    faults = []
    for key, (folder, chooser) in PARTS.items():
        for name, record in study[key].items():
            schema = home / f"schemas/{folder}/{record[chooser] if chooser else name}.yaml"
            faults += [
                fault._replace(place=".".join(filter(None, (key, name, fault.place))))
                for fault in schema_faults(record, schema)
            ]
    return faults
