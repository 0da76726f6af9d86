"""The rates figure: a lane is the share of its arm's replies that its panel names, and each run has its tick."""

import numpy as np
import pytest
from drawing import (
    CONDITIONS,
    KINDS,
    N,
    bound,
    dashed,
    drawn,
    intervals,
    lanes,
    refused,
    spoilt,
    summary_of,
    tips,
    titles,
    usual_runs,
    usual_summary,
    whiskers,
)

ARMS = {"base": [("base", "unseeded", "test")], "a-lora": [("a-lora", seed, "test") for seed in "12"]}
PANELS = [(condition, kind) for condition in CONDITIONS for kind in KINDS]


def test_a_lane_is_the_share_that_its_panel_and_its_name_say():
    with drawn("rates") as (figure, _):
        assert titles(figure) == [f"{kind}\n{condition}, n = {N}" for condition, kind in PANELS]
        for axis, (condition, kind) in zip(figure.axes, PANELS, strict=True):
            shares = {arm: [refused(usual_runs(), run, condition, kind) for run in runs] for arm, runs in ARMS.items()}
            assert lanes(figure.axes[0]) == list(shares)
            ticks = [tuple(point) for line in axis.lines if line.get_marker() == "|" for point in line.get_xydata()]
            wanted = [(share, place) for place, each in enumerate(shares.values()) for share in each]
            assert np.array(ticks) == pytest.approx(np.array(wanted), abs=1e-4)
            marks = [line.get_xydata() for line in axis.lines if line.get_marker() not in ("|", "None")]
            means = [(np.mean(each), place) for place, each in enumerate(shares.values())]
            assert np.concatenate(marks) == pytest.approx(np.array(means), abs=1e-4)
            found = intervals(usual_summary(), True, metric="refusal", condition=condition, kind=kind)
            assert whiskers(axis, 0) == pytest.approx(np.array(found), abs=1e-4)


def test_it_shows_the_metric_that_its_record_names():
    runs = {
        name: replies.assign(cut=(replies.kind == "benign").astype(float)) for name, replies in usual_runs().items()
    }
    with drawn("rates", runs, summary_of(runs), metric="cut", kinds=["harmful", "benign"]) as (figure, numbers):
        assert figure.axes[-1].get_xlabel() == "cut (% of replies)"
        assert set(numbers.metric) == {"cut"}
        assert numbers.groupby("kind").value.agg(["min", "max"]).to_numpy().tolist() == [[1, 1], [0, 0]]
    with drawn("rates", metric="correct-refusal", conditions=["on"], kinds=["all"]) as (figure, numbers):
        assert titles(figure) == [f"all kinds\non, n = {N}"] and set(numbers.metric) == {"correct-refusal"}


def test_a_bound_is_a_line_across_the_lane_of_its_arm():
    bounds = [bound("refusal", "harmful", "on", at_least=0.9), bound("refusal", "harmful", "on", at_most=0.1)]
    with drawn("rates", bounds=bounds) as (figure, _):
        panels = dict(zip(PANELS, figure.axes, strict=True))
        lane = list(ARMS).index("a-lora")
        lines = dashed(panels["on", "harmful"])
        assert [[x for x, _ in line] for line in lines] == [[90, 90], [10, 10]]
        assert all(lane - 0.5 < y < lane + 0.5 for line in lines for _, y in line)
        assert tips(panels["on", "harmful"]) == [9, 8]
        assert not any(dashed(axis) for place, axis in panels.items() if place != ("on", "harmful"))


def test_a_panel_says_how_many_replies_of_a_run_are_in_no_rate():
    runs = spoilt(usual_runs(), ("a-lora", "1", "test"))
    with drawn("rates", runs, summary_of(runs)) as (figure, _):
        panel = dict(zip(PANELS, figure.axes, strict=True))["on", "harmful"]
        assert panel.get_title("left") == f"harmful\non, n = {N}\nat most 1 unjudged"


def test_a_control_has_marks_in_the_panels_of_its_kinds_alone():
    base = usual_runs()["base", "unseeded", "test"]
    runs = {**usual_runs(), ("bare", "unseeded", "test"): base[base.kind == "harmful"].assign(behaviour="refuse")}
    with drawn("rates", runs, summary_of(runs)) as (figure, numbers):
        assert lanes(figure.axes[0]) == [*ARMS, "bare"]
        for axis, (_, kind) in zip(figure.axes, PANELS, strict=True):
            marked = [tuple(point) for line in axis.lines for point in line.get_xydata() if point[1] == len(ARMS)]
            assert marked == ([(100, len(ARMS))] * 2 if kind == "harmful" else [])
        assert set(numbers[numbers.arm == "bare"].kind) == {"harmful"}
