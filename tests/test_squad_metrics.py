"""SQuAD's own numbers: the official definitions, row by row, on the whole development set and on cases of our own."""

import pytest
from conftest import ROOT, load
from drawn import MIRROR, needs_mirror
from squad_replies import KNOWN, NAMES, THRESHOLD, digest, no_answers, questions, replies

from abstain.scorers.squad_metrics import best, contains, evaluated, exact_match, f1, normalised

DEV = MIRROR / "squad_v2/rebuilt/dev-v2.0.rebuilt.json"
EXPECTED = load(ROOT / "tests/fixtures/squad_expected.yaml")


@needs_mirror
@pytest.mark.parametrize("way", NAMES)
def test_every_row_of_the_development_set_is_scored_as_the_official_evaluator_does(way):
    rows = questions(DEV)
    references, said = {row["id"]: row["references"] for row in rows}, replies(rows, way)
    scores = {
        key: {name: best(score, said[name], given) for name, given in references.items()}
        for key, score in (("exact", exact_match), ("f1", f1))
    }
    assert len(rows) == 11873 and digest(scores) == EXPECTED[way]["rows"]
    for name, known in KNOWN.items():
        found = evaluated(references, said, no_answers(rows, known), THRESHOLD)
        assert found == pytest.approx(EXPECTED[way][name], abs=1e-9)


REFERENCES = {"a": ["the Privy Council", "Privy Council"], "b": ["10th and 11th centuries"], "c": [], "d": []}


def test_who_always_abstains_is_right_on_every_question_without_an_answer_and_on_no_other():
    found = evaluated(REFERENCES, dict.fromkeys(REFERENCES, ""))
    kinds = {
        "HasAns_exact": 0,
        "HasAns_f1": 0,
        "HasAns_total": 2,
        "NoAns_exact": 100,
        "NoAns_f1": 100,
        "NoAns_total": 2,
    }
    assert found == {"exact": 50, "f1": 50, "total": 4} | kinds


def test_who_always_answers_is_wrong_on_every_question_without_one():
    said = {"a": "privy council", "b": "In the 11th century", "c": "France", "d": "1066"}
    found = evaluated(REFERENCES, said)
    assert (found["HasAns_exact"], found["NoAns_exact"], found["NoAns_f1"], found["exact"]) == (50, 0, 0, 25)
    assert found["HasAns_f1"] == pytest.approx(100 * (1 + 2 * 1 / (3 + 4)) / 2)


def test_only_one_kind_of_question_has_no_numbers_for_the_other():
    found = evaluated({"c": []}, {"c": ""})
    assert found == {"exact": 100, "f1": 100, "total": 1, "NoAns_exact": 100, "NoAns_f1": 100, "NoAns_total": 1}


@pytest.mark.parametrize(
    ("reply", "reference", "exact", "overlap"),
    [
        ("The Normans", "normans", 1, 1),
        ("a  theatre", "an theatre", 1, 1),  # articles are whole words
        ("Theatre", "the atre", 0, 0),
        ("U.S.A.", "USA", 1, 1),  # punctuation leaves no gap
        ("twenty-one", "twentyone", 1, 1),
        ("“Rollo”", "Rollo", 0, 0),  # typographic signs are no punctuation to it
        ("the", "", 1, 1),
        ("the", "a", 1, 1),
        ("", "France", 0, 0),
        ("France", "", 0, 0),
        ("in France in France", "in France", 0, 2 * 2 / 6),
        ("north of France", "France", 0, 2 * 1 / 4),
    ],
)
def test_articles_punctuation_and_the_empty_text(reply, reference, exact, overlap):
    assert exact_match(reply, reference) == exact
    assert f1(reply, reference) == pytest.approx(overlap)


def test_of_several_references_the_best_counts_and_those_that_are_no_text_do_not():
    assert best(f1, "10th century", ["the 10th and 11th centuries", "10th century"]) == 1
    assert best(exact_match, "", ["."]) == best(exact_match, "the", []) == 1
    assert best(exact_match, "", [".", "France"]) == 0


def test_a_reference_stands_in_a_reply_as_whole_words():
    assert contains("The answer is Privy Council.", REFERENCES["a"])
    assert contains("It was in the 10th, and 11th centuries!", REFERENCES["b"])
    assert not contains("the privy councils", REFERENCES["a"]) and not contains("11th centuries", REFERENCES["b"])
    assert not contains("anything", []) and not contains("anything.", ["."]) and not contains("", ["France"])


def test_a_probability_above_the_threshold_makes_a_reply_the_empty_one():
    said, no_answer = (
        {"a": "Privy Council", "b": "1066", "c": "France", "d": ""},
        {"a": 0.2, "b": 0.9, "c": 0.7, "d": 0.7},
    )
    found = evaluated(REFERENCES, said, no_answer, threshold=0.7)
    assert (found["HasAns_exact"], found["NoAns_exact"]) == (50, 50)  # 0.7 itself is not above
    assert evaluated(REFERENCES, said, no_answer, threshold=0.5)["NoAns_exact"] == 100
    assert (found["best_exact"], found["best_exact_thresh"]) == (75, 0.2)


def test_where_no_threshold_is_better_than_to_abstain_always_it_is_zero():
    said = {"a": "1066", "b": "1066", "c": "France", "d": "France"}
    found = evaluated(REFERENCES, said, dict.fromkeys(REFERENCES, 0.5))
    assert (found["best_exact"], found["best_exact_thresh"], found["best_f1"]) == (50, 0, 50)


def test_a_text_is_compared_in_small_letters_with_single_spaces():
    assert normalised(" An  Old\tCASTLE, the \n one ") == "old castle one"
