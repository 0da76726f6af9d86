"""A reader of labels of form fields, each of which is sensitive or not: our own table.

An example's `answer` is yes for a sensitive label and no for any other, and `other` is the wrong one of the two. Each
language is a kind, named in English. What the languages say of one thing is one `concept`.
"""

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
}
OTHER = {"yes": "no", "no": "yes"}
MARKS = ("describes_person", "sensitive", "hard", "pocket")  # columns of our own table that are yes or no


def read_labels(labels: str) -> Iterator[dict | Quarantined]:
    """Our own table: CSV, a row for each concept, with its label in eight languages.

    Set aside are a row whose marks are not yes or no, a concept that occurs again, an empty label, and one that is also
    the label of another concept. A label that is the same in two languages is an example of each.
    """
    concepts, known = set(), {}
    for where, row in csv_rows(labels, ["concept", *MARKS, *LANGUAGES]):
        concept = row["concept"].strip()
        if reason := _why_unusable(row, concept, concepts):
            yield Quarantined(where, reason)
            continue
        concepts.add(concept)
        marks = {"describes_person": row["describes_person"], "pocket": row["pocket"]}
        for code in LANGUAGES:
            if reason := why_no_label(row[code], concept, known):
                yield Quarantined(f"{where}, column {code}", reason)
            else:
                found = example_of(row[code], concept, row["sensitive"], row["hard"])
                yield {"id": f"{concept}-{code}", "kind": LANGUAGES[code], **found, **marks}


def example_of(label: str, concept: str, sensitive: str, hard: str) -> dict[str, str]:
    """What the examples of our own table and of public labels have; `sensitive` and `hard` are yes or no."""
    texts = {"question": label.strip(), "text": plain_text(label), "concept": concept}
    return {**texts, "answer": sensitive, "other": OTHER[sensitive], "hard": hard}


def _why_unusable(row: dict, concept: str, concepts: set[str]) -> str | None:
    if not concept:
        return "no concept"
    if concept in concepts:
        return f"the concept {concept!r} again"
    odd = [column for column in MARKS if row[column] not in OTHER]
    return f"{' and '.join(odd)} must be yes or no" if odd else None


def why_no_label(label: str, concept: str, known: dict[str, str]) -> str | None:
    """Why a label cannot be used; `known` are the labels so far with their concepts, and gets one that can."""
    if not (plain := plain_text(label)):
        return "no label"
    first = known.setdefault(plain, concept)
    return f"the same label as of {first!r}" if first != concept else None
