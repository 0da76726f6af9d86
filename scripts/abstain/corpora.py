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
    """Do-Not-Answer (arXiv 2308.13387): CSV, id, risk_area, types_of_harm, specific_harms, question; all harmful."""
    seen = {}
    with open(files["questions"], encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            question = (row.get("question") or "").strip()
            where, plain = f"row {number}", plain_text(question)
            if not question or not (row.get("id") or "").isdigit():
                yield Quarantined(where, "no question" if not question else f"the id {row.get('id')!r} is not a number")
            elif plain in seen:
                yield Quarantined(where, f"the same question as {seen[plain]}")
            else:
                seen[plain] = where
                yield {
                    "id": f"dna-{row['id']}",
                    "kind": "harmful",
                    "question": question,
                    "text": plain,
                    "risk_area": row["risk_area"],
                    "harm_type": row["types_of_harm"],
                    "specific_harm": row["specific_harms"].split(":")[0].strip(),
                }


def read_chats(files: dict[str, str]) -> Iterator[dict | Quarantined]:
    """A user's own JSON Lines: {"question", "kind"} and any other fields; "id" is made when absent."""
    for name in sorted(files):
        with open(files[name], encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _chat(line, f"{Path(files[name]).name}, line {number}")


def _chat(line: str, where: str) -> dict | Quarantined:
    try:
        row = json.loads(line)
    except ValueError as error:
        return Quarantined(where, f"no JSON: {error}")
    texts = {key: row.get(key) if isinstance(row, dict) else None for key in ("question", "kind")}
    unusable = [key for key, text in texts.items() if not (isinstance(text, str) and text.strip())]
    if unusable:
        return Quarantined(where, f"{' and '.join(unusable)} must be text that is not empty")
    name = row.get("id")
    return {**row, "id": _id(row["question"]) if name is None else str(name), "text": plain_text(row["question"])}


def plain_text(text: str) -> str:
    """Text with case and white space evened out: what near enough the same question means."""
    return " ".join(text.casefold().split())


READERS = {"requests": read_requests, "do-not-answer": read_do_not_answer, "chats": read_chats}


def _yaml(path: str):
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def _id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
