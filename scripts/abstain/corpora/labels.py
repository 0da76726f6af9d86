"""Readers of labels of form fields, each of which is sensitive or not: our own table, and a list of public labels.

An example's `answer` is yes for a sensitive label and no for any other, and `other` is the wrong one of the two. Each
language is a kind, named in English. What the languages say of one thing is one `concept`.
"""

import re
from collections.abc import Iterator

from abstain.corpora.lines import Quarantined, csv_rows, plain_text

LANGUAGES = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
    "pl": "polish",
    "ru": "russian",
    "ja": "japanese",
    "zh": "chinese",
}
OURS = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")  # of our own table
OTHER = {"yes": "no", "no": "yes"}
MARKS = ("describes_person", "sensitive", "hard", "pocket")  # columns of our own table that are yes or no


def read_labels(labels: str) -> Iterator[dict | Quarantined]:
    """Our own table: CSV, a row for each concept, with its label in eight languages.

    Set aside are a row whose marks are not yes or no, a concept that occurs again, an empty label, and one that is also
    the label of another concept. A label that is the same in two languages is an example of each.
    """
    concepts, known = set(), {}
    for where, row in csv_rows(labels, ["concept", *MARKS, *OURS]):
        concept = row["concept"].strip()
        if reason := _why_unusable(row, concept, concepts):
            yield Quarantined(where, reason)
            continue
        concepts.add(concept)
        marks = {"describes_person": row["describes_person"], "pocket": row["pocket"]}
        for code in OURS:
            if reason := _why_no_label(row[code], concept, known):
                yield Quarantined(f"{where}, column {code}", reason)
            else:
                found = _example(row[code], concept, row["sensitive"], row["hard"])
                yield {"id": f"{concept}-{code}", "kind": LANGUAGES[code], **found, **marks}


def read_public_labels(labels: str) -> Iterator[dict | Quarantined]:
    """The list in data/public-labels: CSV, a row for each label in one of ten languages; kinds public-english, ...

    Its classes differ in topic, so surface words tell them apart, and none of its labels is hard. The concept is the
    label's English name, or its key where that is a sign; our own table may have the same one. Set aside are a
    sensitive label that was left in English, one that is also the label of another concept, and a key that occurs again
    in its language.
    """
    ids, known = set(), {}
    for where, row in csv_rows(labels, ["lang", "key", "label", "label_en", "sensitive", "source"]):
        concept = "-".join(re.findall(r"\w+", row["label_en"].casefold())) or row["key"]
        identity = f"{row['lang']}-{row['key']}"
        if reason := _why_not_public(row, identity in ids) or _why_no_label(row["label"], concept, known):
            yield Quarantined(where, reason)
            continue
        ids.add(identity)
        found = _example(row["label"], concept, row["sensitive"], hard="no")
        yield {"id": f"public-{identity}", "kind": f"public-{LANGUAGES[row['lang']]}", **found, "origin": row["source"]}


def _example(label: str, concept: str, sensitive: str, hard: str) -> dict[str, str]:
    """What the examples of both readers have."""
    texts = {"question": label.strip(), "text": plain_text(label), "concept": concept}
    return {**texts, "answer": sensitive, "other": OTHER[sensitive], "hard": hard}


def _why_unusable(row: dict, concept: str, concepts: set[str]) -> str | None:
    if not concept:
        return "no concept"
    if concept in concepts:
        return f"the concept {concept!r} again"
    odd = [column for column in MARKS if row[column] not in OTHER]
    return f"{' and '.join(odd)} must be yes or no" if odd else None


def _why_not_public(row: dict, is_known: bool) -> str | None:
    if row["lang"] not in LANGUAGES:
        return f"the language {row['lang']!r} is none of {', '.join(LANGUAGES)}"
    if not row["key"]:
        return "no key"
    if is_known:
        return f"the key {row['key']!r} again"
    if row["sensitive"] not in OTHER:
        return "sensitive must be yes or no"
    if row["sensitive"] == "yes" and row["lang"] != "en" and row["label"] == row["label_en"]:
        return "it was left in English"
    return None


def _why_no_label(label: str, concept: str, known: dict[str, str]) -> str | None:
    """Why a label cannot be used; `known` are the labels so far with their concepts, and gets one that can."""
    if not (plain := plain_text(label)):
        return "no label"
    first = known.setdefault(plain, concept)
    return f"the same label as of {first!r}" if first != concept else None
