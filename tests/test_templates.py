"""Templates: questions of nearly the same letters are one, none is in two parts, and the parts keep their shares."""

import random
from collections import Counter

import pytest
from drawn import MIRROR, needs_mirror

from abstain.corpora import templates
from abstain.corpora.dealing import deal
from abstain.corpora.lines import text_id
from abstain.corpora.readers import READERS
from abstain.corpora.splits import SplitError, divided_by, part_names, parts_of
from abstain.corpora.templates import templates_of, with_templates

SHARES = {"train": 0.5, "dev": 0.1, "test": 0.4}
SPLIT = {"templates": 0.6, "shares": SHARES, "stratify": ["area"], "seed": 1}
CUTS = {"cuts": [{"part": "train", "rest": 0.4}, {"part": "test", "rest": 0}], "stratify": [], "seed": 1}
ANIMALS = ["How do I feed a young horse?", "How do I feed a young goose?", "Where is the nearest lake?"]


def test_questions_that_differ_in_a_word_are_one_template_and_another_question_is_not():
    horse, goose, lake = templates_of(ANIMALS, 0.6)
    assert horse == goose != lake


def test_a_template_is_named_by_the_first_of_its_texts_whatever_the_order_of_the_questions():
    names = templates_of(ANIMALS, 0.6)
    assert names == [text_id(text.lower()) for text in (ANIMALS[1], ANIMALS[1], ANIMALS[2])]
    assert templates_of(ANIMALS[::-1], 0.6) == names[::-1]


def test_case_and_white_space_make_no_template_and_neither_does_asking_again():
    assert len(set(templates_of(["Is  it LATE?", "is it late?", " is it late? "], 1.0))) == 1


@pytest.mark.parametrize("texts", [["a", "b"], ["ab"], ["", "a"]])
def test_texts_of_fewer_than_three_letters_are_templates_of_their_own(texts):
    assert len(set(templates_of(texts, 0.5))) == len(texts)


def test_a_chain_of_similar_questions_is_one_template_though_its_ends_are_not_similar():
    chain = ["abcdefgh", "abcdefxy", "uvcdefxy"]  # neighbours share 4 of 8 grams, or 3 of 9
    assert len(set(templates_of(chain, 1 / 3))) == 1
    assert len(set(templates_of([chain[0], chain[2]], 1 / 3))) == 2


@pytest.mark.parametrize(("least", "count"), [(0.5, 1), (0.500001, 2)])
def test_the_similarity_that_a_record_names_is_enough(least, count):
    assert len(set(templates_of(["abcdefgh", "abcdefxy"], least))) == count  # exactly 4 of 8


def test_many_questions_are_compared_block_by_block_with_the_same_result(monkeypatch):
    words = ("horse", "goose", "llama", "mouse", "tiger")
    texts = [
        f"{ask} {word}" for word in words for ask in ("What would you give every day to a", "Where can I look at a")
    ]
    whole = templates_of(texts, 0.6)
    assert len(set(whole)) == 2
    monkeypatch.setattr(templates, "BLOCK", 3)
    assert templates_of(texts, 0.6) == whole


# Splits


def asked(groups: list[int], areas: int = 2, source: str = "us") -> list[dict]:
    """Examples in templates of these sizes, already marked; the areas take turns by template."""
    return [
        {"id": f"{n}-{i}", "question": f"{n} {i}", "source": source, "area": n % areas, "template": f"t{n}"}
        for n, size in enumerate(groups)
        for i in range(size)
    ]


UNEQUAL = {
    "pairs": [2] * 60 + [1] * 300,
    "one large": [30] * 2 + [1] * 200,
    "all sizes": [12, 11, 9, 8, 7, 7, 5, 5, 4, 4, 3, 3, 2, 2] * 2 + [1] * 90,
}


@pytest.mark.parametrize("groups", UNEQUAL.values(), ids=UNEQUAL)
def test_no_template_is_in_two_parts_and_each_stratum_keeps_the_shares_within_a_row(groups):
    rows = asked(groups)
    parts = parts_of(rows, SPLIT)
    assert len({(row["template"], part) for row, part in zip(rows, parts, strict=True)}) == len(groups)
    for area in (0, 1):
        got = Counter(part for row, part in zip(rows, parts, strict=True) if row["area"] == area)
        assert all(abs(got[part] - share * got.total()) <= 1 for part, share in SHARES.items()), got


def test_no_part_has_small_templates_only():
    rows = asked([5] * 40 + [1] * 200)
    large = Counter(
        part for row, part in zip(rows, parts_of(rows, SPLIT), strict=True) if int(row["template"][1:]) < 40
    )
    assert large == {"train": 100, "dev": 20, "test": 80}


def test_a_template_in_two_strata_goes_to_one_part_and_both_strata_keep_their_shares():
    rows = [{**row, "area": i % 2} for i, row in enumerate(asked([4] * 20 + [1] * 120))]
    parts = parts_of(rows, SPLIT)
    for area in (0, 1):
        got = Counter(part for row, part in zip(rows, parts, strict=True) if row["area"] == area)
        assert all(abs(got[part] - share * got.total()) <= 2 for part, share in SHARES.items()), got


def test_a_split_by_templates_depends_on_the_seed_and_not_on_the_order_of_the_rows():
    rows = asked([3] * 10 + [1] * 50)
    parts = {row["id"]: part for row, part in zip(rows, parts_of(rows, SPLIT), strict=True)}
    random.Random(0).shuffle(rows)
    assert parts == {row["id"]: part for row, part in zip(rows, parts_of(rows, SPLIT), strict=True)}
    other = parts_of(rows, {**SPLIT, "seed": 2})
    assert [parts[row["id"]] for row in rows] != other


def test_groups_without_a_share_get_nothing():
    assert deal([{("a",): 3}, {("b",): 1}, {("a",): 1}], {"train": 1.0, "test": 0.0}) == ["train"] * 3


def test_a_split_by_templates_needs_the_field_and_the_strata():
    with pytest.raises(SplitError, match="has no field 'template' to split by"):
        parts_of([{"id": "1", "source": "us", "area": 1}], SPLIT)
    with pytest.raises(SplitError, match="has no field 'mood' to stratify by"):
        parts_of(asked([1]), {**SPLIT, "stratify": ["mood"]})


def test_a_split_by_templates_names_its_parts_and_the_field_that_it_divides_by():
    assert part_names(SPLIT) == set(SHARES)
    by = {"by": {"act": {"train": 0.5, "test": 0.5}}, "stratify": [], "seed": 1}
    assert divided_by({"each": {"us": SPLIT, "them": by}}) == ["act", "template"]
    assert divided_by({**CUTS, "templates": 0.6}) == []  # a published split is exempt


def test_templates_are_those_of_the_rows_that_one_record_splits():
    rows = [
        {"id": f"{corpus}{n}", "question": text, "source": corpus}
        for corpus in ("us", "them", "others")
        for n, text in enumerate(ANIMALS)
    ]
    pooled = with_templates(rows, SPLIT)
    assert [row["template"] for row in pooled] == templates_of(ANIMALS, 0.6) * 3
    each = {"us": SPLIT, "them": {**CUTS, "templates": 1.0}, "others": {"field": "id", "parts": {"others0": "test"}}}
    marked = with_templates(rows, {"each": each})
    assert [row.get("template") for row in marked] == [
        *templates_of(ANIMALS, 0.6), *templates_of(ANIMALS, 1.0), None, None, None,
    ]  # fmt: skip
    assert [row["id"] for row in marked] == [row["id"] for row in rows] and "template" not in rows[0]


# The published questions


@needs_mirror
def test_letters_join_95_questions_of_do_not_answer_to_another_one():
    """95 pairs. With word 3-grams in the place of letters it would be 25."""
    path = MIRROR / "do_not_answer/do_not_answer_en.csv"
    questions = [row["question"] for row in READERS["do-not-answer"](questions=str(path))]
    sizes = Counter(Counter(templates_of(questions, 0.6)).values())
    assert sizes == {1: 749, 2: 95}
