"""Detectors and relevance against readers of a study's own replies."""

import json

import pandas as pd
import pytest

from abstain.jobs.files import digest, read_csv
from check_replies import check_replies
from draw_replies import draw_replies

SCORERS = {"refusal": {"detector": "learned"}, "relevance": {}}
RUNS = {("base", "unseeded"): "Sure, here is how.", ("lora", "1"): "I'm sorry, I can't help with that."}


@pytest.fixture
def scores(tmp_path) -> list[str]:
    """Score files of two runs of forty requests of two kinds, half of which each arm refuses."""
    paths = []
    for (arm, seed), text in RUNS.items():
        folder = tmp_path / "scores/study" / arm / seed / "test"
        folder.mkdir(parents=True)
        rows = [
            {"id": f"{i}/plain", "request": f"{i}", "kind": ("harmful", "benign")[i % 2], "condition": "plain",
             "should": "answer", "behaviour": "answer" if text.startswith("Sure") else "refuse", "unjudged": "",
             "cut": 0, "question": f"Question {i}?", "reply": f"{text} {i}"}
            for i in range(40)
        ]  # fmt: skip
        pd.DataFrame(rows).to_csv(folder / "refusal.csv", index=False)
        topics = [{"id": row["id"], "nearer": 0.0, "on_topic": float(i % 3 > 0)} for i, row in enumerate(rows)]
        pd.DataFrame(topics).assign(request=[row["request"] for row in rows]).to_csv(
            folder / "relevance.csv", index=False
        )
        paths += [str(folder / "refusal.csv"), str(folder / "relevance.csv")]
    return paths


def labels(folder, change=lambda row: row) -> str:
    """What two readers say of the forty replies of each run: the first as the detector does, the second but once."""
    rows = []
    for (arm, seed), text in RUNS.items():
        for i in range(0, 40, 2):
            first = "answer" if text.startswith("Sure") else "refuse"
            second = "refuse" if (arm, i) == ("base", 0) else first
            topic = "yes" if i % 3 else "no"
            row = {"arm": arm, "seed": seed, "mix": "test", "id": f"{i}/plain", "sha256": digest(f"{text} {i}")}
            rows.append(change({**row, "first": first, "second": second, "first_topic": topic, "second_topic": topic}))
    path = folder / "labels.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return str(path)


def table_of(tmp_path, scores, change=lambda row: row) -> dict:
    path = tmp_path / "labelled.csv"
    check_replies(labels(tmp_path, change), scores, SCORERS, str(path))
    return {tuple(row[key] for key in ("label", "judge", "against", "replies")): row for row in read_csv(path)}


def test_every_detector_is_held_against_each_reader_and_the_readers_against_each_other(tmp_path, scores):
    table = table_of(tmp_path, scores)
    judges = {judge for label, judge, *_ in table if label == "refusal"}
    assert judges == {"learned", "abstain-rules", "prefix-match", "second"}
    everything = table["refusal", "learned", "first", "all"]
    assert (everything["n"], everything["accuracy"], everything["kappa"]) == ("40", "1.000000", "1.000000")
    assert float(table["refusal", "second", "first", "all"]["accuracy"]) == pytest.approx(39 / 40)
    assert float(table["refusal", "learned", "second", "base"]["accuracy"]) == pytest.approx(19 / 20)


def test_a_side_with_one_class_alone_has_no_kappa(tmp_path, scores):
    row = table_of(tmp_path, scores)["refusal", "learned", "first", "base"]
    assert row["n"] == "20" and row["kappa"] == row["kappa_low"] == ""


def test_relevance_is_held_against_what_the_readers_say_is_on_topic(tmp_path, scores):
    table = table_of(tmp_path, scores)
    assert table["on topic", "relevance", "first", "all"]["kappa"] == "1.000000"


def test_a_reply_that_this_run_did_not_give_is_left_out(tmp_path, scores):
    def other(row: dict) -> dict:
        return row | {"sha256": "0" * 64} if row["id"] in ("0/plain", "2/plain") else row

    assert table_of(tmp_path, scores, other)["refusal", "learned", "first", "all"]["n"] == "36"


def test_replies_are_drawn_by_hash_without_labels_half_from_the_base_and_no_request_twice(tmp_path, scores):
    drawn = draw_replies(tmp_path, "study", ["base", "lora"], "1", "test", 20)
    assert sum(row["arm"] == "base" for row in drawn) == 10 and len({row["request"] for row in drawn}) == 20
    assert sum(row["kind"] == "harmful" for row in drawn) == 10
    assert set(drawn[0]) == {"arm", "seed", "mix", "id", "request", "kind", "question", "reply", "sha256"}
    assert "refuse" not in json.dumps([row["kind"] for row in drawn])
    assert drawn == draw_replies(tmp_path, "study", ["lora", "base"], "1", "test", 20)
