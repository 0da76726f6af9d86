"""Readers: the bytes of a corpus to examples, one function for each format.

A reader takes the corpus's files (name to path) and yields either an example or a Quarantined row. An example is
{"id", "kind", "question", "source"} and whatever fields the format has; all of them can be split by and filled in.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from abstain.download import CorpusError
from abstain.files import canonical


@dataclass(frozen=True)
class Quarantined:
    """A row that cannot be used: where it stands and why."""

    where: str
    reason: str


def read_requests(files: dict[str, str]) -> Iterator[dict | Quarantined]:
    """Authored acts in every authored wording; kinds harmful, benign, ambiguous."""
    topics, wordings = _yaml(files["acts"]), _yaml(files["wordings"])
    for topic in topics:
        fields = {key: topic[key] for key in ("risk_area", "harm_type", "topic")}
        for kind in ("harmful", "benign", "ambiguous"):
            for act in topic[kind]:
                for wording in wordings:
                    row = {"kind": kind, "act": act, "wording": wording, "question": wording.format(act=act), **fields}
                    yield {"id": _id(row["question"]), **row}


def read_do_not_answer(files: dict[str, str]) -> Iterator[dict | Quarantined]:
    """Do-Not-Answer (arXiv 2308.13387): CSV, questions of five risk areas and twelve harm types; all harmful.

    The file asks one question twice (ids 433 and 434). Both are kept, because published splits count all 939 rows; a
    split by `text` keeps them on one side.
    """
    for where, row in _csv_rows(files["questions"], ["id", "risk_area", "types_of_harm", "specific_harms", "question"]):
        question = row["question"].strip()
        if not question or not row["id"].isdigit():
            yield Quarantined(where, "no question" if not question else f"the id {row['id']!r} is not a number")
        else:
            yield {
                "id": f"dna-{row['id']}",
                "kind": "harmful",
                "question": question,
                "text": plain_text(question),
                "risk_area": row["risk_area"],
                "harm_type": row["types_of_harm"],
                "specific_harm": row["specific_harms"].split(":")[0].strip(),
            }


def read_xstest(files: dict[str, str]) -> Iterator[dict | Quarantined]:
    """XSTest (arXiv 2308.01263): CSV, prompts labelled safe, which are benign, or unsafe, which are harmful."""
    kinds = {"safe": "benign", "unsafe": "harmful"}
    for where, row in _csv_rows(files["prompts"], ["id", "prompt", "type", "label"]):
        question = row["prompt"].strip()
        if not question or not row["id"].isdigit():
            yield Quarantined(where, "no prompt" if not question else f"the id {row['id']!r} is not a number")
        elif row["label"] not in kinds:
            yield Quarantined(where, f"the label {row['label']!r} is neither safe nor unsafe")
        else:
            yield {
                "id": f"xstest-{row['id']}",
                "kind": kinds[row["label"]],
                "question": question,
                "text": plain_text(question),
                "type": row["type"],
            }


def read_coconot_preferences(files: dict[str, str]) -> Iterator[dict | Quarantined]:
    """CoCoNot's preference pairs (arXiv 2407.12043): JSON Lines; only the prompts are read, which are all benign.

    They look like requests to refuse and are harmless. A prompt that stands there again is set aside.
    """
    seen: dict[str, str] = {}
    for where, row in _json_rows(files["pairs"], ["id", "category", "subcategory", "prompt"]):
        if isinstance(row, Quarantined):
            yield row
            continue
        question = row["prompt"].strip()
        plain = plain_text(question)
        if plain in seen:
            yield Quarantined(where, f"the same prompt as {seen[plain]}")
            continue
        seen[plain] = where
        fields = {key: row[key] for key in ("category", "subcategory")}
        yield {"id": f"coconot-{row['id']}", "kind": "benign", "question": question, "text": plain, **fields}


def read_chats(files: dict[str, str]) -> Iterator[dict | Quarantined]:
    """A user's own JSON Lines: {"question", "kind"} and any other fields; "id" is made when absent."""
    for name in sorted(files):
        for _, row in _json_rows(files[name], ["question", "kind"]):
            if isinstance(row, Quarantined):
                yield row
            else:
                given = row.get("id")
                identity = _id(row["question"]) if given is None else str(given)
                yield {**row, "id": identity, "text": plain_text(row["question"])}


def plain_text(text: str) -> str:
    """Text with case and white space evened out: what near enough the same question means."""
    return " ".join(text.casefold().split())


READERS = {
    "requests": read_requests,
    "do-not-answer": read_do_not_answer,
    "xstest": read_xstest,
    "coconot-preferences": read_coconot_preferences,
    "chats": read_chats,
}


def _csv_rows(path: str, columns: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
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


def _json_rows(path: str, texts: list[str]) -> Iterator[tuple[str, dict | Quarantined]]:
    """Place and object of each line that is not empty; set aside when one of `texts` is missing, no text or empty."""
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                where = f"{Path(path).name}, line {number}"
                yield where, _json_row(line, where, texts)


def _json_row(line: str, where: str, texts: list[str]) -> dict | Quarantined:
    try:
        row = json.loads(line)
        canonical(row).encode()  # half of a surrogate pair is JSON, but no text
    except ValueError as error:
        return Quarantined(where, f"no JSON: {error}")
    values = {key: row.get(key) if isinstance(row, dict) else None for key in texts}
    unusable = [key for key, text in values.items() if not (isinstance(text, str) and text.strip())]
    return Quarantined(where, f"{' and '.join(unusable)} must be text that is not empty") if unusable else row


def _yaml(path: str):
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def _id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
