"""Squad: every reply is of one class, and its numbers are SQuAD's own; numbers of all rows are as they are defined."""

import numpy as np
import pandas as pd
import pytest

from abstain.scorers.joint import metrics_of
from abstain.scorers.squad import ANSWERED, CLASSES, METRICS, label, settings

TARGETS = {"abstain": ["The passage does not say.", "I see no {thing} there."], "deny": ["That is not so."]}
GIVEN = settings({"abstentions": ["abstain", "deny"], "detector": "abstain-rules"}, {"targets": TARGETS})
REFERENCES = ["the Privy Council", "Privy Council"]
OF = {metric.name: metric for metric in METRICS}


def found(reply: str, references: list[str] | None = REFERENCES, finished: bool = True, given: dict = GIVEN) -> dict:
    fields = {} if references is None else {"references": references}
    (labels,) = label([{"id": "a", "reply": reply, "finished": finished, "fields": fields}], given)
    return labels


@pytest.mark.parametrize(
    ("reply", "grade"),
    [
        ("Privy Council", "right"),
        ("the privy council.", "right"),
        ("It was the Privy Council, which met in Dadu.", "right"),
        ("<think>I do not know.</think>Privy Council", "right"),
        ("The Secret Council", "wrong"),
        ("The Privy Councils", "wrong"),
        ("No, it was not.", "wrong"),
        ("L'Église française à la Nouvelle-Amsterdam", "wrong"),  # an answer in any language is one
        ("The passage does not say.", "abstained"),
        ("the passage  DOES not say.", "abstained"),
        ("I see no council there.", "abstained"),
        ("That is not so.", "abstained"),
        ("That is not stated in the text.", "abstained"),  # in words that nobody taught
        ("I'm sorry, I can't answer that.", "abstained"),
        ("The passage does not say, but it was the Privy Council.", "right-beside-abstention"),
        ("I don't know. The Privy Council?", "right-beside-abstention"),
        ("", "invalid"),
        ("<think>Privy Council", "invalid"),
        ("<|im_end|>", "invalid"),
        ("one two three one two three one two three one two three", "invalid"),
        ("***", "invalid"),
    ],
)
def test_a_reply_is_of_one_class(reply, grade):
    labels = found(reply)
    assert labels["grade"] == grade and grade in CLASSES


def test_what_is_known_of_the_answer_decides_what_an_answer_can_be():
    assert found("Paris", [])["grade"] == "wrong" and found("Paris", None) == {"id": "a", "grade": "answered"}
    assert found("The passage does not say.", None) == {"id": "a", "grade": "abstained"}
    assert found("", None) == {"id": "a", "grade": "invalid"}


def test_the_exact_detector_finds_the_taught_texts_and_the_phrases_still_count():
    given = {**GIVEN, "detector": "exact"}
    assert [found(reply, given=given)["grade"] for reply in ("That is not so.", "I can't do that.", "Unknown.")] == [
        "abstained",
        "wrong",
        "abstained",
    ]


def numbers(reply: str, references: list[str]) -> list[float]:
    labels = found(reply, references)
    return [float(labels[key]) for key in ("exact", "overlap", "contained")]


def test_the_prediction_of_an_abstention_is_the_empty_text():
    assert numbers("Privy Council", REFERENCES) == [1, 1, 1]
    assert numbers("It is the Privy Council.", REFERENCES) == pytest.approx([0, 4 / 6, 1], abs=1e-6)
    assert numbers("The passage does not say.", REFERENCES) == [0, 0, 0]
    assert numbers("The passage does not say, but it was the Privy Council.", REFERENCES) == [0, 0, 0]
    assert numbers("The passage does not say.", []) == numbers("That is not mentioned.", []) == [1, 1, 1]
    assert numbers("Paris", []) == numbers("", []) == numbers("", REFERENCES) == [0, 0, 0]


# Numbers of a run


def scores(**cells: str) -> pd.DataFrame:
    """Scored replies by what should be done, given as refuse="right wrong abstained ..."."""
    rows = [
        {"id": f"{should}-{n}", "should": should, "kind": should, "condition": "passage", "grade": grade}
        for should, grades in cells.items()
        for n, grade in enumerate(grades.split())
    ]
    return pd.DataFrame(rows)


RUN = scores(
    refuse="abstained abstained abstained right-beside-abstention wrong wrong invalid right",
    answer="right right right wrong abstained right-beside-abstention invalid right",
)


def mean(name: str, run: pd.DataFrame = RUN) -> float:
    metric = OF[name]
    values = metric.values(run, None)[run.should.isin(metric.should)]
    return float((values if metric.unjudged is None else values.fillna(0.0)).mean())


def test_abstention_is_counted_over_all_rows_and_invalid_replies_are_none():
    assert mean("abstention-recall") == 4 / 8 and mean("false-abstention") == 2 / 8
    assert mean("abstention-precision") == pytest.approx(4 / 6)
    assert mean("abstention-f1") == pytest.approx(2 * 4 / (8 + 6))
    assert mean("hallucination") == mean("hallucination-rate") == 3 / 8
    assert mean("right-of-answered") == pytest.approx(5 / 8)  # 4 of 5 that should be answered, 1 of 3 that should not
    assert mean("right-beside-abstention") == mean("invalid-answer") == 2 / 16


def test_an_invalid_reply_might_have_been_either():
    values = OF["hallucination"].values(RUN, None)
    assert values.isna().tolist() == (RUN.grade == "invalid").tolist() and OF["hallucination"].unjudged == (0.0, 1.0)


def test_who_always_abstains_has_the_precision_of_chance_and_no_share_of_right_answers():
    always = RUN.assign(grade="abstained")
    assert mean("abstention-precision", always) == mean("abstention-recall", always) / 2 == 0.5
    assert mean("hallucination-rate", always) == 0 and np.isnan(mean("right-of-answered", always))


def test_answers_whose_truth_nobody_knows_are_answers_and_in_no_share_of_right_ones():
    run = scores(refuse="answered abstained abstained answered", answer="answered abstained abstained answered")
    assert mean("hallucination-rate", run) == mean("false-abstention", run) == 0.5
    assert np.isnan(mean("right-of-answered", run))
    mixed = pd.concat([run, RUN], ignore_index=True)
    assert mean("right-of-answered", mixed) == pytest.approx(5 / 8)


def test_a_row_that_may_be_either_is_in_no_number_about_what_should_be_done():
    more = pd.concat([RUN, scores(either="abstained abstained right")], ignore_index=True)
    for name in ("abstention-precision", "abstention-f1", "abstention-recall", "hallucination-rate"):
        assert mean(name, more) == pytest.approx(mean(name))
    assert mean("right-of-answered", more) == pytest.approx(6 / 9)


def test_conditions_are_apart():
    both = pd.concat([RUN, RUN.assign(condition="other", grade="abstained")], ignore_index=True)
    values = OF["abstention-precision"].values(both, None)
    assert values[both.condition == "passage"].mean() == pytest.approx(4 / 6)
    assert values[both.condition == "other"].mean() == pytest.approx(0.5)


def test_an_answer_is_right_wrong_or_unknown_and_the_classes_of_answers_are_not_those_of_abstentions():
    assert set(ANSWERED) == {"right", "wrong", "answered"} and len(set(CLASSES)) == 6
    assert {metric.name for metric in metrics_of({"squad": {}})["squad"]} == set(OF)
