"""The rates figure: a lane is the share of its arm's replies that its panel names, and each run has its tick."""

import numpy as np
import pytest
from drawing import (
    CONDITIONS,
    KINDS,
    N,
    drawn,
    intervals,
    lanes,
    refused,
    spoilt,
    summary_of,
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
            marks = [line.get_xydata() for line in axis.lines if line.get_marker() != "|"]
            means = [(np.mean(each), place) for place, each in enumerate(shares.values())]
            assert np.concatenate(marks) == pytest.approx(np.array(means), abs=1e-4)
            found = intervals(usual_summary(), True, metric="refusal", condition=condition, kind=kind)
            assert whiskers(axis, 0) == pytest.approx(np.array(found), abs=1e-4)


def test_a_panel_says_how_many_replies_of_a_run_are_in_no_rate():
    runs = spoilt(usual_runs(), ("a-lora", "1", "test"))
    with drawn("rates", runs, summary_of(runs)) as (figure, _):
        panel = dict(zip(PANELS, figure.axes, strict=True))["on", "harmful"]
        assert panel.get_title("left") == f"harmful\non, n = {N},\nat most 1 invalid"


def test_a_control_has_marks_in_the_panels_of_its_kinds_alone():
    base = usual_runs()["base", "unseeded", "test"]
    runs = {**usual_runs(), ("bare", "unseeded", "test"): base[base.kind == "harmful"].assign(behaviour="refuse")}
    with drawn("rates", runs, summary_of(runs)) as (figure, numbers):
        assert lanes(figure.axes[0]) == [*ARMS, "bare"]
        for axis, (_, kind) in zip(figure.axes, PANELS, strict=True):
            marked = [tuple(point) for line in axis.lines for point in line.get_xydata() if point[1] == len(ARMS)]
            assert marked == ([(100, len(ARMS))] * 2 if kind == "harmful" else [])
        assert set(numbers[numbers.arm == "bare"].kind) == {"harmful"}
