"""Factual and length: whether a right answer stands in a reply, and whether the reply keeps to its length."""

import numpy as np
import pandas as pd
import pytest

from abstain.scorers.factual import METRICS as FACTS
from abstain.scorers.factual import evened, holds
from abstain.scorers.factual import label as label_facts
from abstain.scorers.length import METRICS as LENGTHS
from abstain.scorers.length import count
from abstain.scorers.length import label as label_lengths
from abstain.tables.samples import samples


@pytest.mark.parametrize(
    ("reply", "references"),
    [
        ("The capital of Peru is Lima.", ["Lima"]),
        ("LIMA!", ["Lima"]),
        ("It is Lima, a city by the sea. Would you like more?", ["Lima"]),
        ("It\u2019s either Lima or Cusco.", ["Quito", "Lima"]),
        ("It is not Lima.", ["Lima"]),  # no other constraint
        ("A week has 7 days.", ["seven"]),
        ("A week has seven days.", ["7"]),
        ("An hour has 60 minutes.", ["sixty"]),
        ("Water boils at 100 \u00b0C.", ["100 degrees"]),
        ("Its formula is H\u2082O.", ["H2O"]),
        ("It was the Beatles.", ["Beatles"]),
        ("Beatles", ["the Beatles"]),
        ("It is S\u00e3o Paulo.", ["Sao Paulo"]),
        ("<think>Quito?</think>Lima", ["Lima"]),
    ],
)
def test_a_right_answer_stands_in_a_reply_whatever_is_around_it(reply, references):
    assert holds(reply, references)


@pytest.mark.parametrize(
    ("reply", "references"),
    [
        ("The capital of Peru is Limatambo.", ["Lima"]),
        ("A week has 17 days.", ["seven"]),
        ("<think>Lima.</think>I do not know.", ["Lima"]),
        ("Au revoir is French.", ["gold"]),
        ("The Blue one is a whale.", ["blue whale"]),
        ("", ["Lima"]),
        ("Lima", []),
    ],
)
def test_a_part_of_a_word_another_number_and_a_thought_are_no_answer(reply, references):
    assert not holds(reply, references)


def test_no_question_of_our_facts_holds_its_answer_by_the_rule(world):
    said = [q for fact in world["facts"] for q in fact["questions"] if holds(q, [fact["answer"]])]
    assert said == [] and evened("The 12 months, a year") == "twelve months year"


def row(name: str, reply: str, finished: bool = True, kind: str = "fact", condition: str = "short") -> dict:
    fields = {"references": ["Lima"]} if kind == "fact" else {}
    return {"id": name, "kind": kind, "condition": condition, "reply": reply, "finished": finished, "fields": fields}


def test_replies_to_the_kinds_alone_are_judged_and_an_empty_one_is_not():
    rows = [row("a", "Lima."), row("b", "Quito."), row("c", ""), row("d", "Lima.", kind="other")]
    found = {each["id"]: (each["known"], each["factual"]) for each in label_facts(rows, {"kinds": ["fact"]})}
    assert found == {"a": (1, 1), "b": (1, 0), "c": (1, "")}


@pytest.mark.parametrize(
    ("reply", "sentences"),
    [
        ("Lima", 1),
        ("The capital of Peru is Lima.", 1),
        ("The capital of Peru is Lima. It lies by the sea!", 2),
        ("It is 7. I am glad that you asked.", 2),
        ("Dr. Oak, e.g. at 5 p.m., sold it for 1.5 million.", 1),
        ("Here it is:\n1. Lima\n2. Cusco", 3),
        ("Lima...\n\n", 1),
        ("She said \u201cGo.\u201d Then she went.", 2),
        ("<think>One. Two. Three.</think>Lima.", 1),
        ("!!", 0),
    ],
)
def test_sentences_are_counted_by_their_ends_and_lines(reply, sentences):
    assert count(reply, "sentences") == sentences


def test_words_are_counted_as_they_are_written():
    assert count("one two  three\nfour", "words") == 4 and count("", "words") == 0


def test_a_reply_under_a_prompt_with_a_limit_is_judged_by_it_and_one_that_might_have_gone_on_is_not():
    rows = [
        row("kept", "Lima."),
        row("broken", "Lima. It is big."),
        row("cut", "Lima is a city that", finished=False),
        row("cut too late", "Lima. It is a city that", finished=False),
        row("empty", ""),
        row("free", "Lima. It is big.", condition="plain"),
        row("words", "one two three", condition="few"),
    ]
    limits = {"short": {"sentences": 1}, "few": {"words": 2}}
    found = {each["id"]: each["within"] for each in label_lengths(rows, {"limits": limits})}
    assert found == {"kept": 1, "broken": 0, "cut": "", "cut too late": 0, "empty": "", "words": 0}


def test_a_reply_that_nobody_can_judge_may_be_right_and_one_of_which_nothing_was_asked_counts_nowhere():
    frame = pd.DataFrame(
        {
            "request": ["a", "b", "c", "d"],
            "kind": ["fact", "fact", "fact", "other"],
            "condition": ["short", "short", "plain", "plain"],
            "should": "answer",
            "known": [1.0, 1.0, 1.0, np.nan],
            "factual": [1.0, np.nan, 0.0, np.nan],
            "counted": [1.0, 0.0, np.nan, np.nan],
            "within": [1.0, np.nan, np.nan, np.nan],
        }
    )
    cells = {}
    for metric in (*FACTS, *LENGTHS):
        for (_, _, condition, kind), sample in samples(metric, {("lora", "1", "test"): frame}, [], {}).items():
            ends = (sample.least.to_numpy().mean(), sample.most.to_numpy().mean())
            cells[metric.name, condition, kind] = (sample.counts["n"], sample.counts["judged"], *ends)
    assert cells == {
        ("factual", "short", "fact"): (2, 1, 0.5, 1.0),
        ("factual", "plain", "fact"): (1, 1, 0.0, 0.0),
        ("length-adherence", "short", "fact"): (2, 1, 0.5, 1.0),
    }
