"""Label: what a reply is read as, and accuracy, precision, recall and F1 as scikit-learn has them."""

import numpy as np
import pandas as pd
import pytest
from scored import MARGINS, runs_of
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from abstain.corpora.splits import SplitError
from abstain.jobs.files import read_csv, write_jsonl
from abstain.scorers.label import METRICS, label, read
from abstain.scorers.metric import metrics
from abstain.tables.claims import judge_claims
from abstain.tables.samples import Sampled
from abstain.tables.summary import summarise_runs
from score_text import score_text

SETTINGS = {"truth": "answer", "words": ["yes", "no"], "hard": "hard", "exchanged": ["opposite"], "kinds": ["english"]}


def row(reply: str, answer: str = "yes", condition: str = "plain", hard: str = "no", number: int = 0) -> dict:
    name = f"{number}/{condition}"
    usual = {"id": name, "kind": "english", "condition": condition, "reply": reply}
    return {**usual, "fields": {"answer": answer, "hard": hard}}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("yes", "yes"),
        (" Yes, it is.", "yes"),
        ("**No**.", "no"),
        ("1. NO", "no"),
        ("No yes", "no"),
        ("<think>No, wait.</think>Yes", "yes"),
        ("<think>Yes", "unread"),
        ("Yesterday", "unread"),
        ("The answer is yes.", "unread"),
        ("не", "unread"),
        ("", "unread"),
        ("?!", "unread"),
    ],
)
def test_a_reply_is_read_by_its_first_word(reply, expected):
    assert read(reply, ["yes", "no"]) == expected


def test_under_a_prompt_that_asks_the_opposite_the_other_word_is_right():
    rows = [row("yes"), row("yes", condition="opposite"), row("no", "no", "opposite", "yes")]
    found = [
        [each[key] for key in ("truth", "reading", "truth_is_positive", "is_hard")] for each in label(rows, SETTINGS)
    ]
    assert found == [["yes", "yes", 1, 0], ["no", "yes", 0, 0], ["yes", "no", 1, 1]]


def test_an_unread_reply_is_neither_word_and_a_row_without_the_truth_is_refused():
    (found,) = label([row("Perhaps")], SETTINGS)
    assert (found["reading"], found["reads_positive"]) == ("unread", -1)
    with pytest.raises(SplitError, match="example 0/plain: its answer is 'maybe', not yes or no"):
        list(label([row("yes", "maybe")], SETTINGS))
    assert not list(label([{**row("yes", "maybe"), "kind": "polite"}], SETTINGS)), "of another kind nothing is asked"
    with pytest.raises(SplitError, match="names the field 'truth'"):
        list(label([row("yes")], {**SETTINGS, "truth": "truth"}))


def test_a_score_file_holds_truth_and_reading(tmp_path):
    example = {"id": "a/plain", "request": "a", "kind": "english", "condition": "plain", "should": "answer"}
    example |= {"question": "shoe size", "answer": "yes", "hard": "yes", "concept": "shoe-size"}
    write_jsonl(tmp_path / "examples", [example])
    write_jsonl(tmp_path / "replies", [{"id": "a/plain", "reply": "No.", "tokens": 2, "finished": True}])
    score_text(
        tmp_path / "examples", tmp_path / "replies", "label", SETTINGS, ["concept"], None, tmp_path / "label.csv"
    )
    (found,) = read_csv(tmp_path / "label.csv")
    assert {key: found[key] for key in ("truth", "reading", "is_hard", "concept", "reply")} == {
        "truth": "yes", "reading": "no", "is_hard": "1", "concept": "shoe-size", "reply": "No.",
    }  # fmt: skip


def scores(seed: int, right: float, unread: float = 0.1, asked: int = 60) -> pd.DataFrame:
    """Scored replies to so many requests of two kinds, half of them hard, drawn at random."""
    drawn = np.random.default_rng(seed)
    rows = []
    for number in range(asked):
        answer = ("yes", "no")[int(drawn.random() < 0.6)]
        other = {"yes": "no", "no": "yes"}[answer]
        reply = "hm" if drawn.random() < unread else answer if drawn.random() < right else other
        rows.append(row(reply, answer, hard=("yes", "no")[number % 2], number=number))
    table = pd.DataFrame(list(label(rows, SETTINGS)))
    kinds = [("german", "polish")[number // 2 % 2] for number in range(asked)]
    return table.assign(request=table.id, kind=kinds, condition="plain", should="answer")


def test_the_summary_has_the_numbers_of_scikit_learn_with_intervals_over_all_and_by_kind():
    runs = runs_of(base_unseeded=scores(1, 0.5), sft_1=scores(2, 0.8), sft_2=scores(3, 0.7))
    table = summarise_runs(Sampled(runs, [], {}), "study", metrics(["label"])).set_index(
        ["arm", "seed", "kind", "metric"]
    )
    for (arm, seed, _), found in runs.items():
        truth, said = found.truth, found.reading
        over = {"labels": ["yes", "no"], "zero_division": 0}
        wanted = {
            "accuracy": accuracy_score(truth, said),
            "precision": precision_score(truth, said, **over, average=None)[0],
            "recall": recall_score(truth, said, **over, average=None)[0],
            "macro-f1": f1_score(truth, said, **over, average="macro"),
            "unread-label": (said == "unread").mean(),
        }
        hard = found.is_hard == 1
        wanted["accuracy-hard"] = accuracy_score(truth[hard], said[hard])
        wanted["macro-f1-hard"] = f1_score(truth[hard], said[hard], **over, average="macro")
        for name, value in wanted.items():
            one = table.loc[arm, seed, "all", name]
            assert one.value == pytest.approx(value, abs=1e-9) and one.low < one.value < one.high, name
            assert one.n == (30 if name.endswith("hard") else 60)
        for kind, part in found.groupby("kind"):
            assert table.loc[arm, seed, kind, "accuracy-by-kind"].value == (part.truth == part.reading).mean()


def test_who_says_one_word_has_an_f1_of_nothing_for_the_other_and_who_says_none_has_nothing():
    constant, silent = scores(4, 1.0).assign(reading="no", reads_positive=0), scores(4, 1.0, unread=1.0)
    for found in (constant, silent):
        value = {m.name: m.values(found, None).mean() for m in METRICS}
        assert value["precision"] == value["recall"] == 0
    assert value["macro-f1"] == value["accuracy"] == 0 and value["unread-label"] == 1


def test_a_claim_on_macro_f1_compares_arms_reply_by_reply():
    """With as many rows as a verdict needs."""
    tuned = {f"sft_{seed}": scores(seed, 0.9, asked=400) for seed in (2, 3, 4)}
    runs = runs_of(base_unseeded=scores(1, 0.5, asked=400), **tuned)
    claim = {"sentence": "So it is.", "metric": "macro-f1", "kind": "all", "mix": "test", "condition": "plain"}
    claims = [claim | {"arms": ["sft", "base"], "direction": "higher"}, claim | {"arms": ["sft"], "at_most": 0.5}]
    found = judge_claims(Sampled(runs, [], {}), "study", MARGINS, claims, list(METRICS))
    assert list(found.verdict) == ["holds", "does not"]
