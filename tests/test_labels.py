"""Labels of form fields: an example for each concept and language, faulty ones set aside, no concept in two parts."""

from collections import Counter

import pytest
from conftest import ROOT
from corpora_helpers import sorted_out
from drawn import MIRROR, PAPER, SMALL, needs_mirror

from abstain.corpora.catalogues import read_public_labels
from abstain.corpora.labels import LANGUAGES, read_labels
from abstain.corpora.splits import parts_of
from abstain.jobs.files import write_csv

SCALES = {"small": SMALL, "paper": PAPER}
OURS = ROOT / SMALL.scale["corpora"]["labels"]["files"]["labels"]["path"]
READERS = {"labels": read_labels, "public-labels": read_public_labels}
MARKS = {"describes_person": "yes", "sensitive": "yes", "hard": "no", "pocket": "no"}


def row(name: str, /, **changed: str) -> dict[str, str]:
    """A row of our table with a label of its own in each language."""
    return {"concept": name, **MARKS, **{code: f"{name} {code}" for code in LANGUAGES}, **changed}


def read(tmp_path, *rows: dict) -> tuple[list[dict], list[tuple[str, str]]]:
    write_csv(tmp_path / "labels.csv", list(rows), list(rows[0]))
    return sorted_out(read_labels(str(tmp_path / "labels.csv")))


def examples() -> list[dict]:
    """Those of both corpora, as the scales have them."""
    found = []
    for corpus, reader in READERS.items():
        files = SMALL.scale["corpora"][corpus]["files"]
        paths = {
            name: ROOT / file["path"] if "path" in file else MIRROR / file["in_mirror"] for name, file in files.items()
        }
        found += [{**example, "source": corpus} for example in sorted_out(reader(**paths))[0]]
    return found


def test_a_concept_is_an_example_in_each_language_with_the_right_word_and_the_wrong_one(tmp_path):
    good, bad = read(tmp_path, row("shoe-size", de=" Schuh größe "), row("ship", sensitive="no", hard="yes"))
    assert bad == [] and [example["kind"] for example in good[:8]] == [LANGUAGES[code] for code in LANGUAGES]
    assert good[1] == {
        "id": "shoe-size-de",
        "kind": "german",
        "question": "Schuh größe",
        "text": "schuh grösse",
        "concept": "shoe-size",
        "answer": "yes",
        "other": "no",
        "hard": "no",
        "describes_person": "yes",
        "pocket": "no",
    }
    assert [good[8][key] for key in ("answer", "other", "hard")] == ["no", "yes", "yes"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"concept": " "}, "no concept"),
        ({"concept": "first"}, "the concept 'first' again"),
        ({"hard": "", "sensitive": "Yes"}, "sensitive and hard must be yes or no"),
    ],
)
def test_a_faulty_row_of_our_table_is_set_aside_whole(tmp_path, changed, reason):
    good, bad = read(tmp_path, row("first"), row("second", **changed), row("third"))
    assert bad == [("row 2", reason)] and {example["concept"] for example in good} == {"first", "third"}


def test_an_empty_label_and_one_of_another_concept_are_set_aside_alone(tmp_path):
    good, bad = read(tmp_path, row("first", en="Name", fr="name"), row("second", de="NAME", pl=" "))
    assert bad == [("row 2, column de", "the same label as of 'first'"), ("row 2, column pl", "no label")]
    assert len(good) == 14 and [example["text"] for example in good].count("name") == 2


def test_our_table_is_whole_and_balanced_in_each_language_and_half_of_it_is_hard():
    good, bad = sorted_out(read_labels(str(OURS)))
    assert bad == [] and len({example["concept"] for example in good}) == 144
    for code in LANGUAGES:
        found = Counter((e["answer"], e["hard"]) for e in good if e["kind"] == LANGUAGES[code])
        assert set(found.values()) == {36} and len(found) == 4


@needs_mirror
@pytest.mark.parametrize("scale", SCALES)
def test_no_concept_and_no_text_is_in_two_parts_and_at_least_45_concepts_of_our_own_are_scored(scale):
    rows, split = examples(), SCALES[scale].values("pii-sensitivity")["splits"]["concepts"]
    parts = parts_of(rows, split)
    for field in ("concept", "text"):
        found = {part: {row[field] for row, mine in zip(rows, parts, strict=True) if mine == part} for part in parts}
        assert not found["train"] & found["test"] and not found["validation"] & (found["train"] | found["test"])
    ours = {(row["concept"], part) for row, part in zip(rows, parts, strict=True) if row["source"] == "labels"}
    assert Counter(part for _, part in ours) == {"train": 80, "test": 49, "validation": 15}
