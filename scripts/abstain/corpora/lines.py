"""Rows as people write them: JSON Lines, with a reason for every line that is no object, JSON arrays and CSV."""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from abstain.corpora.download import CorpusError


@dataclass(frozen=True)
class Quarantined:
    """A row that cannot be used: where it is and why."""

    where: str
    reason: str


def json_rows(path: str, texts: list[str]) -> Iterator[tuple[str, dict | Quarantined]]:
    """Place and object of each line that is not empty; set aside when one of `texts` is missing, no text or empty.

    Raises CorpusError when the whole file is one JSON array.
    """
    expected = "expected is one object a line, such as " + json.dumps(dict.fromkeys(texts, "..."))
    _refuse_array(path, expected)
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                where = f"{Path(path).name}, line {number}"
                yield where, _row(line.strip(), where, texts, expected)


def json_array(path: str) -> list:
    """The items of a file that is one JSON array; else CorpusError."""
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise CorpusError(f"{path} is no JSON ({error}); bring the published file back") from error
    if not isinstance(rows, list):
        raise CorpusError(f"{path} is no JSON array; bring the published file back")
    return rows


def csv_rows(path: str, columns: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Place and row of each record; columns that a record cut short lacks are empty. Line breaks may be of any kind."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="")
        missing = [column for column in columns if column not in (reader.fieldnames or [])]
        if missing:
            raise CorpusError(
                f"{path} has no column {', '.join(missing)}; its first line must name {', '.join(columns)}"
            )
        for number, row in enumerate(reader, start=1):
            yield f"row {number}", row


def text_id(text: str) -> str:
    """An id made of a text: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_text(value) -> bool:
    """Whether a value is text and more than white space."""
    return isinstance(value, str) and bool(value.strip())


def plain_text(text: str) -> str:
    """Text with case and white space normalised; questions with equal plain text count as the same."""
    return " ".join(text.casefold().split())


def _refuse_array(path: str, expected: str) -> None:
    with open(path, encoding="utf-8-sig") as file:
        if not file.read(4096).lstrip().startswith("["):
            return
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except ValueError:  # a line of it is at fault, and is named
        return
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        raise CorpusError(
            f"{path} is one JSON array of {len(rows)} objects; {expected}. Convert it: python -c 'import json, sys; "
            f"[print(json.dumps(row)) for row in json.load(sys.stdin)]' < {quote(path)} > one-object-a-line.jsonl"
        )


def _row(line: str, where: str, texts: list[str], expected: str) -> dict | Quarantined:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode()  # half of a surrogate pair is JSON, but no text
    except ValueError as error:
        return Quarantined(where, _why_no_json(line, error, expected))
    if not isinstance(row, dict):
        return Quarantined(where, f"it is {'a list' if isinstance(row, list) else 'a single value'}; {expected}")
    unusable = [key for key in texts if not is_text(row.get(key))]
    return Quarantined(where, f"{' and '.join(unusable)} must be text that is not empty") if unusable else row


def _why_no_json(line: str, error: ValueError, expected: str) -> str:
    if "JSON compliant" in str(error):
        return "no JSON: a number is NaN or infinite; write null, or leave the field out"
    if line.endswith(",") and _is_json(line[:-1]):
        return f"it ends in a comma; {expected}, with nothing behind it"
    return f"no JSON: {error}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
        return True
    except ValueError:
        return False
