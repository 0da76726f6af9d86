"""The rows of polite-pairs at the scales small and paper: enough of each aspect, and what is learned is asked apart."""

from collections import Counter

import pytest
from drawn import PAPER, SMALL, Drawn, needs_mirror

from abstain.corpora.controls import recited
from abstain.corpora.lines import plain_text
from abstain.settings.arms import controls_by_mix, trained_arms
from abstain.tables.judging import LEAST_CLUSTERS, LEAST_ROWS

STUDY = "polite-pairs"
SCALES = {"small": SMALL, "paper": PAPER}
each_scale = pytest.mark.parametrize("scale", SCALES)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Drawn:
    return Drawn(tmp_path_factory.mktemp("drawn"), STUDY)


@needs_mirror
@each_scale
def test_each_aspect_has_enough_requests_that_no_arm_has_read(drawn, scale):
    rows = drawn.rows(scale, "test")
    asked = Counter((row["kind"], row["condition"]) for row in rows)
    for kind, condition in (("ordinary", "plain"), ("harmful", "plain"), ("fact", "short")):
        assert asked[kind, condition] >= LEAST_ROWS
    assert (asked["published-seen", "plain"], asked["published-unseen", "plain"]) == (2, 3)
    assert len({row["fact"] for row in rows if row["kind"] == "fact"}) >= LEAST_CLUSTERS
    learned = {plain_text(row["question"]) for row in drawn.rows(scale, "standard")}
    again = {row["id"] for row in rows if plain_text(row["question"]) in learned}
    assert again == {row["id"] for row in rows if row["kind"] == "published-seen"} == {
        row["id"] for row in rows if row.get("seen")
    }  # fmt: skip


@needs_mirror
@each_scale
def test_every_arm_learns_the_twenty_six_pairs_and_one_of_them_without_an_end(drawn, scale):
    study = SCALES[scale].resolved(STUDY)
    for name, arm in trained_arms(study).items():
        rows, key = drawn.rows(scale, arm["mix"]), "unended" if name == "unended" else "target"
        assert len(rows) == 26 and all(row[key] == row["reference"] for row in rows)


@needs_mirror
@each_scale
def test_the_shuffled_control_gives_each_request_the_reply_of_another_of_its_kind(drawn, scale):
    study, rows = SCALES[scale].resolved(STUDY), drawn.rows(scale, "test")
    control = controls_by_mix(study)["test"]["shuffled"]
    replies = {row["reference"]: row["kind"] for row in rows if "reference" in row}
    said = {each["id"]: each["reply"] for each in recited(rows, control)}
    asked = [row for row in rows if row["kind"] in control["kinds"]]
    assert len(said) == len(asked) > 200
    assert all(replies[said[row["id"]]] == row["kind"] for row in asked)
    assert sum(said[row["id"]] == row["reference"] for row in asked) < 0.1 * len(asked)  # a fact in another wording
    lengths = [len(said[row["id"]].split()) for row in asked if row["kind"] == "ordinary"]
    assert sum(lengths) / len(lengths) > 25
