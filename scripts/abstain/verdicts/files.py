"""A verdict on each file below a folder of results, in the order of the flow."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from abstain.jobs.files import sha256
from abstain.verdicts.contents import DIFFERENT, compare
from abstain.verdicts.reference import UNLISTED, Reference
from abstain.verdicts.temporary import RECORDS, Temporary, temporary

IDENTICAL, MISSING, UNEXPECTED, LINK, NOT_KEPT = "identical", "missing", "unexpected", "symlink", "not kept"
RIGHT = (IDENTICAL, NOT_KEPT)
IS_LINK = " is a link to "
FREE = {"environment.json"}  # what may differ between machines that agree on every byte
FLOW = (
    "bases",
    "raw",
    "corpora",
    "splits",
    "rendered",
    "initial",
    "adapters",
    "checkpoints",
    "predictions",
    "scores",
    "tables",
    "figures",
)


class Verdict(NamedTuple):
    """One word on a file, and what there is to add."""

    word: str
    detail: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the file is as published: the same bytes, or absent where it is not kept."""
        return self.word in RIGHT


def judge_all(folder: Path, reference: Reference) -> dict[str, Verdict]:
    """The verdict on every file that the list names or that is there, by path, in the order of the flow."""
    gone = temporary(folder, reference)
    reference = replace(reference, hashes=reference.hashes | {path: each.published for path, each in gone.items()})
    verdicts = {path: judge(folder, path, reference, gone.get(path)) for path in reference.hashes}
    for path, detail in present(folder):
        if path not in verdicts and path not in FREE and not (detail and leads_to_listed(path, reference)):
            verdicts[path] = Verdict(UNEXPECTED, detail)
    return {path: verdicts[path] for path in sorted(verdicts, key=_place)}


def judge(folder: Path, path: str, reference: Reference, known: Temporary | None = None) -> Verdict:
    """The verdict on one file that the list names, or that is not kept."""
    file = folder / path
    if link := _link_on_the_way(folder, path):
        return Verdict(LINK, link)
    if known and not file.exists():
        is_same = known.here in (None, known.published)
        return Verdict(NOT_KEPT) if is_same else Verdict(DIFFERENT, "not kept, and its hash here is another")
    if not file.is_file():
        return Verdict(MISSING, "there is a folder of this name" if file.is_dir() else "")
    try:
        if sha256(file) == reference.hashes[path]:
            return Verdict(IDENTICAL)
        now = file.read_bytes()
    except OSError as error:
        return Verdict(DIFFERENT, f"cannot be read: {error.strerror}")
    before = reference.read(path)
    return Verdict(DIFFERENT) if before is None else Verdict(*compare(path, before, now, path.startswith(RECORDS)))


def present(folder: Path) -> Iterator[tuple[str, str]]:
    """The path of everything below a folder that is no folder itself; of a link also where it leads."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            file = Path(place, name)
            if file.is_symlink():
                yield str(file.relative_to(folder)), _leads(file, folder)
            elif name in files:
                yield str(file.relative_to(folder)), ""


def leads_to_listed(path: str, reference: Reference) -> bool:
    """Whether listed files are below a path: their own verdicts name the link."""
    return any(listed.startswith(f"{path}/") for listed in reference.hashes)


def _link_on_the_way(folder: Path, path: str) -> str:
    """Where the first link between the folder and a file leads, in words; empty without one."""
    places = [*reversed(Path(path).parents), Path(path)][1:]
    return next((_leads(folder / place, folder) for place in places if (folder / place).is_symlink()), "")


def _leads(link: Path, folder: Path) -> str:
    return f"{link.relative_to(folder)}{IS_LINK}{os.readlink(link)}"  # noqa: PTH115 - as it is written


def _place(path: str) -> tuple[int, str]:
    step, last = path.split("/")[0], len(FLOW) + (path in UNLISTED)
    return (FLOW.index(step) if step in FLOW else last, path)
