"""Labels of form fields: an example for each concept and language, faulty ones set aside, no concept in two parts."""

from collections import Counter

import pytest
from conftest import ROOT
from corpora_helpers import PUBLIC_LABELS, sorted_out
from drawn import MIRROR, PAPER, SMALL, needs_mirror

from abstain.corpora.labels import LANGUAGES, OURS, read_labels, read_public_labels
from abstain.corpora.splits import parts_of
from abstain.jobs.files import read_csv, sha256, write_csv

SCALES = {"small": SMALL, "paper": PAPER}
FILES = {
    name: ROOT / SCALES["small"].scale["corpora"][name]["files"]["labels"]["path"]
    for name in ("labels", "public-labels")
}
READERS = {"labels": read_labels, "public-labels": read_public_labels}
MARKS = {"describes_person": "yes", "sensitive": "yes", "hard": "no", "pocket": "no"}


def row(name: str, /, **changed: str) -> dict[str, str]:
    """A row of our table with a label of its own in each language."""
    return {"concept": name, **MARKS, **{code: f"{name} {code}" for code in OURS}, **changed}


def read(tmp_path, *rows: dict) -> tuple[list[dict], list[tuple[str, str]]]:
    write_csv(tmp_path / "labels.csv", list(rows), list(rows[0]))
    return sorted_out(read_labels(str(tmp_path / "labels.csv")))


def examples() -> list[dict]:
    """Those of both files, as the corpora of the scales have them."""
    return [
        {**found, "source": corpus}
        for corpus, reader in READERS.items()
        for found in sorted_out(reader(labels=str(FILES[corpus])))[0]
    ]


def test_a_concept_is_an_example_in_each_language_with_the_right_word_and_the_wrong_one(tmp_path):
    good, bad = read(tmp_path, row("shoe-size", de=" Schuh größe "), row("ship", sensitive="no", hard="yes"))
    assert bad == [] and [example["kind"] for example in good[:8]] == [LANGUAGES[code] for code in OURS]
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


def test_the_public_list_has_kinds_of_its_own_and_sets_aside_what_cannot_be_used():
    good, bad = sorted_out(read_public_labels(str(PUBLIC_LABELS)))
    assert [(example["id"], example["kind"], example["concept"]) for example in good] == [
        ("public-en-swan-card-number", "public-english", "swan-card-number"),
        ("public-de-swan-card-number", "public-german", "swan-card-number"),
        ("public-en-unit-mass-pebble", "public-english", "pebbles"),
        ("public-nl-unit-mass-pebble", "public-dutch", "pebbles"),
        ("public-en-unit-concentr-percent", "public-english", "unit-concentr-percent"),
        ("public-zh-date-day", "public-chinese", "day"),
    ]
    assert {example["hard"] for example in good} == {"no"} and good[0]["answer"] == good[2]["other"] == "yes"
    assert bad == [
        ("row 3", "it was left in English"),
        ("row 6", "the same label as of 'pebbles'"),
        ("row 9", f"the language 'sv' is none of {', '.join(LANGUAGES)}"),
        ("row 10", "no label"),
        ("row 11", "sensitive must be yes or no"),
        ("row 12", "the key 'unit-mass-pebble' again"),
        ("row 13", "sensitive must be yes or no"),
    ]


def test_our_table_is_whole_and_balanced_in_each_language_and_half_of_it_is_hard():
    good, bad = sorted_out(read_labels(str(FILES["labels"])))
    assert bad == [] and len({example["concept"] for example in good}) == 144
    for code in OURS:
        found = Counter((e["answer"], e["hard"]) for e in good if e["kind"] == LANGUAGES[code])
        assert set(found.values()) == {36} and len(found) == 4


@needs_mirror
def test_the_public_list_is_the_mirrors():
    assert sha256(FILES["public-labels"]) == sha256(MIRROR / "pii/labels/labels.csv")
    good, bad = sorted_out(read_public_labels(str(FILES["public-labels"])))
    assert len(good) + len(bad) == len(read_csv(FILES["public-labels"])) == 2907
    assert Counter(reason.split(" of ")[0] for _, reason in bad) == {
        "it was left in English": 33,
        "the same label as": 2,
    }


@pytest.mark.parametrize("scale", SCALES)
def test_no_concept_and_no_text_is_in_two_parts_and_at_least_45_concepts_of_our_own_are_scored(scale):
    rows, split = examples(), SCALES[scale].values("pii-sensitivity")["splits"]["concepts"]
    parts = parts_of(rows, split)
    for field in ("concept", "text"):
        found = {part: {row[field] for row, mine in zip(rows, parts, strict=True) if mine == part} for part in parts}
        assert not found["train"] & found["test"] and not found["validation"] & (found["train"] | found["test"])
    ours = {(row["concept"], part) for row, part in zip(rows, parts, strict=True) if row["source"] == "labels"}
    assert Counter(part for _, part in ours) == {"train": 80, "test": 49, "validation": 15}
