"""Files below a scale's results that no job makes any more: of a seed, an arm or a study that is gone."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from abstain.jobs.agreement import read_record
from abstain.jobs.files import write_json

VARIABLE = "ABSTAIN_LEFTOVERS"  # where to write the names, for a program that asks for them


def leftovers(folder: str | Path, planned: Iterable[str]) -> list[str]:
    """Every file below a folder that is not planned, by path, and every link to a folder with nothing planned in it."""
    kept = set(map(os.path.normpath, planned))
    above = {str(place) for file in kept for place in Path(file).parents}
    files = (path for path in Path(folder).rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(str(path) for path in files if str(path) not in (above if path.is_dir() else kept))


def outlived(folder: str | Path, planned: Iterable[str]) -> list[str]:
    """Records that no job writes any more, of files that another job writes now: a scorer's that costs something else
    than before, so that another rule runs it.
    """
    kept = set(map(os.path.normpath, planned))
    records = [file for file in leftovers(Path(folder, "records"), kept) if file.endswith(".json")]
    return [file for file in records if kept & set((read_record(file) or {"outputs": ()})["outputs"])]


def note(folder: str | Path, planned: Iterable[str], command: str) -> None:
    """Write the names where VARIABLE says, else say in one line how many there are and which command removes them."""
    found = leftovers(folder, planned)
    if place := os.environ.get(VARIABLE):
        write_json(place, {"folder": str(folder), "files": found})
    elif found:
        print(f"{folder}: {counted(found)} that no job makes any more; {command} removes them", file=sys.stderr)


def counted(files: list) -> str:
    """1 file, 2 files."""
    return f"{len(files)} file{'s' * (len(files) != 1)}"


def remove(folder: str | Path, files: Iterable[str]) -> None:
    """Remove files and links, never what a link leads to, and every folder below `folder` that is then empty."""
    for file in files:
        Path(file).unlink()
    for path in sorted(Path(folder).rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()
