"""The rates figure: a lane is the share of its run's replies that its panel names."""

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

NAMES = {
    "base": ("base", "unseeded", "test"),
    "a-lora, seed 1": ("a-lora", "1", "test"),
    "a-lora, seed 2": ("a-lora", "2", "test"),
}
PANELS = [(condition, kind) for condition in CONDITIONS for kind in KINDS]


def test_a_lane_is_the_share_that_its_panel_and_its_name_say():
    with drawn("rates") as (figure, _):
        assert titles(figure) == [f"{kind} requests, {condition} (n = {N})" for condition, kind in PANELS]
        for axis, (condition, kind) in zip(figure.axes, PANELS, strict=True):
            names = lanes(axis)
            shown = {names[int(y)]: x for line in axis.lines for x, y in line.get_xydata()}
            expected = {name: refused(usual_runs(), run, condition, kind) for name, run in NAMES.items()}
            assert names == list(NAMES) and shown == pytest.approx(expected, abs=1e-4)
            wanted = intervals(usual_summary(), False, metric="refusal", condition=condition, kind=kind)
            assert whiskers(axis, 0) == pytest.approx(np.array(wanted), abs=1e-4)


def test_a_lane_says_how_many_of_its_replies_are_in_no_rate():
    runs = spoilt(usual_runs(), ("a-lora", "1", "test"))
    with drawn("rates", runs, summary_of(runs)) as (figure, _):
        panel = dict(zip(PANELS, figure.axes, strict=True))["on", "harmful"]
        assert lanes(panel) == ["base", "a-lora, seed 1 (1 invalid)", "a-lora, seed 2"]
        assert panel.get_title("left") == f"harmful requests, on (n = {N})"
