"""Faults of places: files and folders that a run needs and that are not there, a path that no job could start from, and
a disk that is full.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from abstain.jobs.paths import named
from abstain.settings.schema import Fault

LEAST_ROOM = 10_000_000  # bytes


def own_file_faults(config: dict, root: str | Path) -> Iterator[Fault]:
    """Files of one's own that are not there, as seen from the Snakefile's folder, or are empty.

    For a base that is fetched also a chat template that is given in two ways.
    """
    for where, file in _corpus_files(config):
        path = Path(root, file.get("path", ""))
        if "path" in file and not path.is_file():
            yield Fault(f"{where}.path", f"there is no file {file['path']!r}; paths start at the Snakefile's folder")
        elif "path" in file and not path.stat().st_size:
            yield Fault(f"{where}.path", f"the file {file['path']!r} is empty; bring it back or name another")
    for name, base in config["bases"].items():
        for key in sorted(base.keys() & {"gguf", "chat_template"}):
            if not Path(root, base[key]).is_file():
                where = f"bases.{name}.{key}"
                yield Fault(where, f"there is no file {base[key]!r}; paths start at the Snakefile's folder")
        if {"chat_template", "named_template"} <= base.keys():
            yield Fault(f"bases.{name}", "chat_template and named_template both say which template is used; keep one")


def mirror_faults(config: dict, environment: Mapping[str, str]) -> list[Fault]:
    """A mirror that is named, would be asked, and is no folder."""
    named = {"ABSTAIN_MIRROR": environment.get("ABSTAIN_MIRROR"), "mirror": config["mirror"]}
    if not any("url" in file for _, file in _corpus_files(config)):
        return []
    return [
        Fault(what, f"there is no folder {folder!r}; correct it, or take it away and the files are downloaded")
        for what, folder in named.items()
        if folder and not Path(folder).expanduser().is_dir()
    ]


def room_faults(folder: str | Path) -> list[Fault]:
    """A disk so full that Snakemake could not even keep its notes and logs in the folder that it runs in."""
    free = shutil.disk_usage(folder).free
    words = f"the disk has {free / 1e6:.1f} MB free; at least 10 MB are needed"
    return [] if free >= LEAST_ROOM else [Fault(str(folder), words)]


def interpreter_faults(python: str) -> list[Fault]:
    """A path of Python that a shell would take apart: Snakemake starts each job with it, without quotes."""
    odd = "".join(sorted(set(re.findall(r"[^\w@%+=:,./~-]", python))))
    words = f"Snakemake cannot start jobs with it, because of {odd!r} in its path; move the folder to a path without"
    return [Fault(python, words)] if odd else []


def needed_faults(needed: Mapping[str, str], config: dict, home: Path) -> Iterator[Fault]:
    """Files that are not there and that no job makes; `needed` gives for each a rule that reads it.

    Those of a base are at its key in the configuration, and a folder that is not there is one fault.
    """
    bases = {(home / base["folder"]).resolve(): name for name, base in config["bases"].items() if "folder" in base}
    for file, rule in needed.items():
        folder = Path(file).resolve().parent
        if folder in bases and not folder.is_dir():
            words = f"there is no folder {config['bases'][bases[folder]]['folder']!r}; bring it back, or name another"
            yield Fault(f"bases.{bases[folder]}.folder", words)
        elif not Path(file).is_file():
            pieces = Path(f"{file}.index.json").is_file()
            advice = "save_pretrained(folder, max_shard_size='1TB') joins the pieces" if pieces else "bring it back"
            where, reader = f"rule {rule}", "which it reads"
            if folder in bases:
                where, reader = f"bases.{bases[folder]}.folder", f"and {rule} reads it"
            yield Fault(where, f"there is no file {named(file)!r}, {reader}; {advice}")


def _corpus_files(config: dict) -> list[tuple[str, dict]]:
    corpora = config["corpora"].items()
    return [(f"corpora.{name}.files.{key}", file) for name, corpus in corpora for key, file in corpus["files"].items()]
