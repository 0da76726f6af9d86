"""The figure of differences: each lane is an arm minus the base, with the comparison's interval, margin and verdict."""

import numpy as np
import pandas as pd
import pytest
from drawing import (
    N,
    comparisons_of,
    drawn,
    lanes,
    refused,
    run,
    spoilt,
    summary_of,
    usual_comparisons,
    usual_runs,
    whiskers,
)

from abstain.plots.differences import needs
from abstain.plots.registry import shows_comparisons

MEASURES = [
    {"metric": "refusal", "kind": "harmful", "condition": "on", "better": "higher"},
    {"metric": "closeness", "kind": "all", "condition": "on", "better": "lower"},
    {"metric": "refusal", "kind": "benign", "condition": "on", "better": "neither"},
]
MANY = {("base", "unseeded", "test"): 0.1} | {("a-lora", seed, "test"): 0.8 for seed in "123"}
MANY |= {("b-lora", seed, "test"): 0.12 for seed in "123"}


def large() -> dict:
    """Runs of which every cell has rows and seeds enough for a verdict."""
    runs = {}
    for number, (name, share) in enumerate(MANY.items()):
        parts = [run(10 * number + place, share) for place in range(4)]
        named = [part.assign(request=part.request + f"-{n}", id=part.id + f"-{n}") for n, part in enumerate(parts)]
        runs[name] = pd.concat(named, ignore_index=True)
    return runs


def moved(arm: str, seed: str, kind: str) -> float:
    """How many points a run refuses more than the base, counted in the replies."""
    both = (arm, seed, "test"), ("base", "unseeded", "test")
    own, base = (refused(usual_runs(), name, "on", kind) for name in both)
    return own - base


def test_it_shows_each_arms_difference_with_the_interval_of_the_comparison_and_its_runs_as_ticks():
    with drawn("differences", measures=MEASURES[:1]) as (figure, numbers):
        (axis,) = figure.axes
        assert lanes(axis) == ["a-lora"]
        ticks = [tuple(point) for line in axis.lines if line.get_marker() == "|" for point in line.get_xydata()]
        wanted = [moved("a-lora", seed, "harmful") for seed in "12"]
        assert np.array(ticks) == pytest.approx(np.array([(value, 0) for value in wanted]), abs=1e-3)
        table = usual_comparisons()
        row = table[(table.metric == "refusal") & (table.kind == "harmful") & (table.condition == "on")].iloc[0]
        ends = [100 * float(row[name]) for name in ("low", "high")]
        assert whiskers(axis, 0) == [pytest.approx(tuple(ends), abs=1e-3)]
        whole = numbers[numbers.seed == "all"].iloc[0]
        assert (whole.value, whole.margin) == (pytest.approx(np.mean(wanted) / 100, abs=1e-5), 0.1)
        assert list(numbers.seed) == ["all", "1", "2"]


def test_a_panel_says_what_was_asked_and_which_side_is_wanted_and_units_stand_together():
    with drawn("differences", measures=MEASURES) as (figure, _):
        assert [axis.get_title("left") for axis in figure.axes] == ["refusal", "refusal", "closeness"]
        assert [axis.get_title("right") for axis in figure.axes] == [
            f"harmful, on, n = {N}, higher is better",
            f"benign, on, n = {N}",
            f"all, on, n = {N}, lower is better",
        ]
        labels = [axis.get_xlabel() for axis in figure.axes]
        assert labels == ["", "difference to the base (points)", "difference to the base (cosine)"]
        assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim() != figure.axes[2].get_xlim()


def test_a_verdict_is_in_words_of_what_is_wanted_and_its_mark_is_filled_where_arms_differ():
    runs = large()
    with drawn("differences", runs, summary_of(runs), measures=MEASURES) as (figure, numbers):
        words = numbers[numbers.seed == "all"].groupby(["metric", "kind", "arm"], sort=False).verdict.first()
        assert words["refusal", "harmful", "a-lora"] == "better"
        assert words["closeness", "all", "a-lora"] == "worse"  # nearer, and lower is wanted
        assert words["refusal", "benign", "a-lora"] == "higher"
        assert words["refusal", "harmful", "b-lora"] in ("equivalent", "not distinguishable")
        for axis, kind in zip(figure.axes, ("harmful", "benign"), strict=False):
            texts = [text.get_text() for text in axis.texts]
            assert texts == [words["refusal", kind, arm] for arm in lanes(axis)]
            marks = [line for line in axis.lines if line.get_marker() not in ("|", "None", "none")]
            filled = [line.get_markerfacecolor() != "white" for line in marks]
            assert filled == [word in ("better", "worse", "higher", "lower") for word in texts]


def test_the_band_is_as_wide_as_the_margin_of_the_unit():
    with drawn("differences", measures=MEASURES) as (figure, _):
        bands = [axis.patches[0].get_extents().transformed(axis.transData.inverted()) for axis in figure.axes]
        assert [(band.x0, band.x1) for band in bands] == [
            pytest.approx((-each, each)) for each in (10, 10, 0.05)
        ]  # fmt: skip


def test_few_rows_are_not_measured_and_replies_that_nobody_could_judge_are_counted():
    runs = spoilt(usual_runs(), ("a-lora", "1", "test"))
    with drawn("differences", runs, summary_of(runs), measures=MEASURES[:1]) as (figure, numbers):
        assert set(numbers[numbers.seed == "all"].verdict) == {"not measured"}
        asked = f"harmful, on, n = {N}, at most 1 unjudged, higher is better"
        assert figure.axes[0].get_title("right") == asked


def test_an_arm_that_is_not_asked_such_requests_has_an_empty_lane():
    base = usual_runs()["base", "unseeded", "test"]
    runs = {**usual_runs(), ("bare", "unseeded", "test"): base[base.kind == "harmful"].assign(behaviour="refuse")}
    with drawn("differences", runs, summary_of(runs), measures=[MEASURES[0], MEASURES[2]]) as (figure, numbers):
        assert all(lanes(axis) == ["a-lora", "bare"] for axis in figure.axes)
        assert set(numbers[numbers.arm == "bare"].kind) == {"harmful"}
        assert [len(axis.texts) for axis in figure.axes] == [2, 1]


def test_it_needs_what_its_measures_name_and_is_the_one_plot_that_takes_comparisons():
    needed = [("on", "harmful", "refusal"), ("on", "all", "closeness"), ("on", "benign", "refusal")]
    assert needs({"measures": MEASURES}) == needed
    taking = [name for name in ("frontier", "gap", "rates", "similarity", "differences") if shows_comparisons(name)]
    assert taking == ["differences"] and len(comparisons_of(usual_runs())) > 4
