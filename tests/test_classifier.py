"""The control that is a classifier: it is fitted on a mix, reads the question alone, and says the same every time."""

import pytest

from abstain.corpora.classifier import classified
from abstain.corpora.splits import SplitError
from abstain.jobs.files import read_jsonl, write_jsonl
from abstain.pages.controls import about_controls
from classify import classify

CONTROL = {"from": None, "fits": "standard", "field": "answer", "kinds": ["english", "german"]}
WORDS = {"yes": ["number", "account number", "card number", "Kartennummer"], "no": ["metres", "square metres", "Meter"]}


def rows(*asked: tuple[str, str, str]) -> list[dict]:
    """Rows of a mix: kind, question, answer."""
    return [
        {"id": f"{n}/{condition}", "request": str(n), "kind": kind, "question": question, "answer": answer}
        for n, (kind, question, answer) in enumerate(asked)
        for condition in ("plain", "opposite")
    ]


LEARNED = rows(*(("english", word, answer) for answer, words in WORDS.items() for word in words))
ASKED = rows(("english", "bank number", "?"), ("german", "Quadratmeter", "?"), ("polish", "numer", "?"))


def test_it_tells_the_field_by_letters_for_its_kinds_alone_as_a_model_that_ended():
    assert list(classified(LEARNED, ASKED, CONTROL)) == [
        {"id": f"{n}/{condition}", "reply": reply, "tokens": 0, "finished": True}
        for n, reply in enumerate(["yes", "no"])
        for condition in ("plain", "opposite")
    ]


def test_the_program_writes_the_same_bytes_twice_whatever_else_the_mix_holds(tmp_path):
    write_jsonl(tmp_path / "learned", LEARNED)
    write_jsonl(tmp_path / "asked", ASKED)
    for name in ("one", "two"):
        classify(tmp_path / "learned", tmp_path / "asked", CONTROL, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert [row["reply"] for row in read_jsonl(tmp_path / "one")] == ["yes", "yes", "no", "no"]


def test_a_mix_with_one_value_or_without_the_field_is_refused():
    with pytest.raises(SplitError, match="all 4 questions of the mix 'standard' have one value of the field 'answer'"):
        list(classified([row for row in LEARNED if row["answer"] == "yes"], ASKED, CONTROL))
    with pytest.raises(SplitError, match=r"'\{colour\}' names the field 'colour'"):
        list(classified(LEARNED, ASKED, {**CONTROL, "field": "colour"}))


def test_a_page_says_what_it_is():
    assert about_controls({"n-grams": CONTROL}, {}) == [
        "n-grams is a classifier of character n-grams, and no language model: it knows how words are written; it was "
        "fitted on the mix standard, and says the answer that it tells by the question alone to english and german "
        "requests."
    ]
