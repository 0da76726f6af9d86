"""Lengths: a long question is set aside with its row, and a long reference ends behind a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstain.corpora.lengths import shortened, within
from abstain.corpora.lines import Quarantined

LONGEST = {"question": 20, "reference": 30}


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("One is short", 12, "One is short"),
        ("It is one. It is two. It is three.", 25, "It is one. It is two."),
        ("Is it one? It is! So it is said.", 20, "Is it one? It is!"),
        ("It is one. It is two.", 10, "It is one."),
        ("Yes. It is one that goes on and on.", 30, ""),
        ("It was Dr. Ada Birch who said so", 20, ""),
        ("It is in the U.S. and in Peru too", 20, ""),
        ("Take fruit, e.g. apples or pears", 20, ""),
        ("Run it:\n```\nprint(1).\n```\nDone.", 24, ""),
        ("It is one. It is two.", 9, ""),
        ("It is one.\nIt is two.", 15, "It is one."),
        ("It is 1.5 metres. It is long.", 20, "It is 1.5 metres."),
        ("Begin so:\n1. Stir.\n2. Wait.\n3. Eat.", 21, "Begin so:\n1. Stir."),
        ("Begin so:\n1. Stir it\n2. Wait for it", 25, ""),
        ('He said "yes." Then he went.', 20, 'He said "yes."'),
        ("He said \u201cyes.\u201d Then he went.", 20, "He said \u201cyes.\u201d"),
        ("(It is so.) Then he went on.", 15, "(It is so.)"),
        ("See a.b/c for more of it", 12, ""),
        ("Wait... then go on from here", 12, "Wait..."),
        ("no end of it is anywhere", 10, ""),
        ("", 10, ""),
    ],
    ids=[
        "short",
        "whole sentences",
        "other marks",
        "just so long",
        "too little",
        "a title",
        "initials",
        "an abbreviation",
        "code that is cut",
        "one too long",
        "a line's end",
        "a decimal",
        "a numbered list",
        "numbers alone",
        "quotes",
        "curly quotes",
        "brackets",
        "no space behind",
        "dots",
        "none ends",
        "nothing",
    ],
)
def test_of_a_long_text_the_sentences_are_kept_that_end_within(text, most, kept):
    assert shortened(text, most) == kept


@given(st.text(alphabet="ab1 .!?\"'\n)", max_size=60), st.integers(1, 60))
def test_what_is_kept_is_a_beginning_that_is_short_enough_and_as_it_was_where_it_was_short(text, most):
    kept = shortened(text, most)
    assert text.startswith(kept) and len(kept) <= most
    assert kept == text or len(text) > most
    if len(text) > most and kept:
        assert kept.rstrip("\"')")[-1] in ".!?" and text[len(kept)].isspace()


def example(question: str, reference: str | None = None) -> dict:
    made = {"id": question[:1], "kind": "ordinary", "question": question}
    return made if reference is None else {**made, "reference": reference}


def test_a_row_with_a_long_question_is_set_aside_and_a_long_reference_shortened():
    long, aside = "It is one. It is two. It is three.", Quarantined("row 1", "no text")
    rows = [example("a" * 20, long), example("b" * 21, "It."), aside, example("c"), example("d", "no end " * 5)]
    assert list(within(rows, LONGEST)) == [
        example("a" * 20, "It is one. It is two."),
        Quarantined(f"b ({'b' * 21!r})", "its question has 21 characters, more than 20"),
        aside,
        example("c"),
        Quarantined("d ('d')", "no sentence of its reference ends well within 30 characters, outside of code"),
    ]
    assert rows[0]["reference"] == long


@pytest.mark.parametrize("reference", [None, 3, ["It is so."], "  "])
def test_a_reference_that_is_no_text_sets_its_row_aside(reference):
    row = {**example("c"), "reference": reference}
    (aside,) = within([row], LONGEST)
    assert isinstance(aside, Quarantined) and "must be text" in aside.reason


def test_without_a_limit_every_row_is_kept_as_it_is():
    rows = [example("a" * 999, "b" * 999), Quarantined("row 2", "no text")]
    assert list(within(rows, None)) == rows
