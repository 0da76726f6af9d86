"""Files: hashes, JSON Lines, room on the disk, and outputs that appear whole or not at all."""

import csv
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from abstain.jobs.errors import AbstainError


def sha256(path: str | Path) -> str:
    """Hex SHA-256 of a file's bytes, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical(value) -> str:
    """JSON with sorted keys and real letters: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def digest(value) -> str:
    """Hex SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


FULL = {os.strerror(code): code for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)}


class SpaceError(AbstainError, OSError):
    """No room to write to; the message says where and how much is needed."""


def require_room(folder: str | Path, size: int, purpose: str) -> None:
    """Raise SpaceError unless `size` bytes are free on the disk where `folder` is or will be."""
    place = next(path for path in (Path(folder).absolute(), *Path(folder).absolute().parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    if free < size:
        raise SpaceError(
            f"{folder}: {purpose} needs {size / 1e6:.1f} MB and the disk has {free / 1e6:.1f} MB free. Nothing was "
            "written; make room, or put the folder on a larger disk, and run again"
        )


def no_room(error: BaseException | None) -> str | None:
    """The system's words when an error, or one that it came from, says that a disk, a quota or a limit is full."""
    while error is not None:
        for words, code in FULL.items():
            if getattr(error, "errno", None) == code or words in str(error):
                return words
        if "unexpected pos" in str(error):  # all that torch's writer says
            return os.strerror(errno.ENOSPC)
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; synced and renamed when all went well, removed otherwise."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text whole."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def copy_file(source: str | Path, target: str | Path) -> None:
    """Write a file's bytes to another place, whole."""
    with whole(target) as part:
        shutil.copyfile(source, part)


def write_json(path: str | Path, value) -> None:
    """Write readable canonical JSON with a final newline."""
    write_text(path, json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1) + "\n")


def write_jsonl(path: str | Path, rows: Iterable[dict]) -> None:
    """Write one canonical JSON object per line, without holding them all."""
    with whole(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(canonical(row) + "\n" for row in rows)


def read_json(path: str | Path):
    """Read one JSON value."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def read_jsonl(path: str | Path) -> Iterator[dict]:
    """Rows of a JSON Lines file, one at a time; empty lines are skipped."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def write_csv(path: str | Path, rows: list[dict], columns: list[str]) -> None:
    """Write rows as CSV with the given columns, LF line ends.

    The csv module of Python 3.11 quotes a lone carriage return only where lines end in CRLF; each is made LF after it.
    """
    with whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        lines = SimpleNamespace(write=lambda line: file.write(line.removesuffix("\r\n") + "\n"))
        writer = csv.DictWriter(lines, columns, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def read_csv(path: str | Path) -> list[dict]:
    """Rows of a CSV file as dictionaries of text."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
