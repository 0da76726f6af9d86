"""What results are compared with: the committed list of hashes, or a published copy of it that no run writes."""

import hashlib
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from abstain.jobs.errors import AbstainError
from abstain.jobs.paths import HOME

LIST = "SHA256SUMS"
UNLISTED = (LIST, "records/checksum.json")  # the list and its record, which the list cannot hold


class ListError(AbstainError):
    """There is nothing independent to compare results with, or what there is is damaged."""


@dataclass(frozen=True)
class Reference:
    """The hash of every published file by its path below the folder of results, and contents where Git has them."""

    hashes: dict[str, str]
    source: str  # where the list is from, in words
    notes: tuple[str, ...] = ()  # what Git said when it gave no list
    contradiction: str = ""  # what the published copy says otherwise than the committed list
    committed: Callable[[str], bytes | None] = lambda path: None  # a file below the folder, in the last commit
    of_project: Callable[[str], bytes | None] = lambda path: None  # a file of the project, in the last commit

    def read(self, path: str) -> bytes | None:
        """The published content of a file, where it is committed as the list says."""
        content = self.committed(path)
        return content if content is not None and _sha256(content) == self.hashes.get(path) else None


def find_reference(folder: Path) -> Reference:
    """The list in the last commit, else the published copy of it; raises ListError without either."""
    if not folder.is_dir():
        raise ListError(f"there is no folder {folder}: run {making(folder)} first")
    published = HOME / "published" / f"{folder.resolve().name}.sha256"
    try:
        reference = _of_commit(folder)
        return replace(reference, contradiction=_contradiction(reference, published))
    except GitError as error:
        notes = (str(error),)
    if not published.is_file():
        raise ListError(
            "\n".join(notes)
            + f"\nNo verdict: there is no list of hashes for {folder} that a run cannot have written, neither in the "
            f"last commit nor as published/{published.name}."
        )
    name = f"published/{published.name}, which no run writes"
    return Reference(parse(published.read_text(encoding="utf-8", errors="replace"), name), name, notes)


def making(folder: Path) -> str:
    """What makes the results in a folder, in words."""
    return f"`make reproduce`, or Snakemake with the files of the scale {folder.resolve().name!r},"


def _contradiction(reference: Reference, published: Path) -> str:
    """The first path at which the published copy is not the committed list, in a sentence; empty without a copy."""
    if not published.is_file():
        return ""
    name = f"published/{published.name}"
    try:
        copy = parse(published.read_text(encoding="utf-8", errors="replace"), name)
    except ListError as error:
        return str(error).removeprefix("No verdict: ")
    differing = sorted(path for path, _ in reference.hashes.items() ^ copy.items())
    return f"the committed list and {name} differ at {differing[0]}" if differing else ""


def _of_commit(folder: Path) -> Reference:
    committed, project = partial(_blob, folder), partial(_blob, HOME)
    content = _git(folder, "cat-file", "blob", f"HEAD:./{LIST}")
    commit = _git(folder, "rev-parse", "--short", "HEAD").decode().strip()
    hashes = parse(content.decode("utf-8", errors="replace"), f"{LIST} in commit {commit}")
    unlisted = {path: committed(path) for path in UNLISTED}
    hashes |= {path: _sha256(blob) for path, blob in unlisted.items() if blob is not None}
    return Reference(hashes, f"commit {commit}", committed=committed, of_project=project)


def parse(text: str, source: str) -> dict[str, str]:
    """`sha256sum`'s lines to hashes by path; ListError for a damaged line, no line, or a path listed twice."""
    lines = [line for line in text.split("\n") if line]
    damaged = [line for line in lines if not (found := re.fullmatch(r"[0-9a-f]{64}  (.+)", line)) or _leaves(found[1])]
    twice = [path for path, count in Counter(line[66:] for line in lines).items() if count > 1]
    if damaged or twice or not lines:
        what = f"holds the line {damaged[0][:80]!r}" if damaged else f"names {twice[0]} twice" if twice else "is empty"
        raise ListError(f"No verdict: the list of hashes ({source}) is damaged, it {what}; bring it back from git.")
    return {line[66:]: line[:64] for line in lines}


def _leaves(path: str) -> bool:
    """Whether a path is not one that a list can hold: written otherwise than `sha256sum` does, or out of the folder."""
    return str(PurePosixPath(path)) != path or path[0] == "/" or ".." in path.split("/") or "\r" in path


class GitError(AbstainError):
    """What Git said instead of giving a file, and what to do."""


def _git(folder: Path, *arguments: str) -> bytes:
    """Git's output for a command in a folder, whatever repository the environment names; raises GitError."""
    kept = {
        key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    }
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, env={**kept, "LC_ALL": "C"}, check=False)
    except OSError as error:
        raise GitError(f"Git cannot be asked for the committed list: {error.strerror or error}: git") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", errors="replace").strip()  # for a folder of another user also the remedy
        raise GitError(f"Git gives no committed list. It says: {words}")
    return done.stdout


def _blob(folder: Path, path: str) -> bytes | None:
    try:
        return _git(folder, "cat-file", "blob", f"HEAD:./{path}")
    except GitError:
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
