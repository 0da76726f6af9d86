"""The gap figure: marks are means over seeds with the summary's intervals, ticks are the runs."""

import numpy as np
import pytest
from drawing import (
    GAPS,
    N,
    bound,
    dashed,
    drawn,
    intervals,
    lanes,
    refused,
    titles,
    usual_runs,
    usual_summary,
    whiskers,
)

PANELS = [(gap, kind) for gap in GAPS for kind in ("harmful", "benign")]


def moved(gap: str, kind: str) -> dict[str, list[float]]:
    """How far a gap moves refusal, by arm a number for each run, counted in the replies."""
    arms, (first, second) = {}, GAPS[gap]
    for run in usual_runs():
        points = refused(usual_runs(), run, first, kind) - refused(usual_runs(), run, second, kind)
        arms.setdefault(run[0], []).append(points)
    return arms


@pytest.mark.parametrize("place", range(len(PANELS)))
def test_it_shows_each_arms_mean_over_seeds_and_its_runs_as_ticks(place):
    gap, kind = PANELS[place]
    arms = moved(gap, kind)
    with drawn("gap") as (figure, _):
        axis = figure.axes[place]
        assert lanes(figure.axes[0]) == list(arms)
        marks = [line.get_xydata() for line in axis.lines if line.get_marker() not in ("|", "None")]
        means = [(np.mean(each), lane) for lane, each in enumerate(arms.values())]
        assert np.concatenate(marks) == pytest.approx(np.array(means), abs=1e-4)
        ticks = [tuple(point) for line in axis.lines if line.get_marker() == "|" for point in line.get_xydata()]
        runs = [(points, lane) for lane, each in enumerate(arms.values()) for points in each]
        assert np.array(ticks) == pytest.approx(np.array(runs), abs=1e-4)
        found = intervals(usual_summary(), True, metric="control-gap", condition=gap, kind=kind)
        assert whiskers(axis, 0) == pytest.approx(np.array([bar for bar in found if bar[0] < bar[1]]), abs=1e-4)


def test_panels_are_the_gaps_and_kinds_of_the_record_with_their_n_and_the_legend_explains_the_marks():
    with drawn("gap") as (figure, _):
        assert titles(figure) == [f"{kind}\n{gap}, n = {N}" for gap, kind in PANELS]
        explained = [text.get_text() for text in figure.legends[0].get_texts()]
        assert explained == ["mean of runs, 95 % interval", "single run"]
    with drawn("gap", kinds=["ambiguous"], gaps=["back"]) as (figure, numbers):
        assert titles(figure) == [f"ambiguous\nback, n = {N}"]
        assert set(numbers.kind) == {"ambiguous"} and set(numbers.condition) == {"back"}


def test_its_axis_fits_what_moves_and_begins_at_zero_where_nothing_moves_back():
    with drawn("gap", gaps=["switch"], kinds=["harmful"]) as (figure, numbers):
        low, high = figure.axes[0].get_xlim()
        assert 100 * numbers.low.min() - 10 < low < 100 * numbers.low.min() and 100 < high < 110
    with drawn("gap", gaps=["back"], kinds=["harmful"]) as (figure, numbers):
        low, high = figure.axes[0].get_xlim()
        assert low <= 100 * numbers.low.min() and 100 * max(0, numbers.high.max()) < high < 30


def test_a_bound_on_a_gap_is_drawn_in_the_lane_of_its_arm_alone():
    with drawn("gap", bounds=[bound("control-gap", "benign", "back", at_most=0.1)]) as (figure, _):
        lines = {panel: dashed(axis) for panel, axis in zip(PANELS, figure.axes, strict=True)}
        (line,) = lines.pop(("back", "benign"))
        assert [x for x, _ in line] == pytest.approx([10, 10]) and [round(y) for _, y in line] == [1, 1]
        assert not any(lines.values())
