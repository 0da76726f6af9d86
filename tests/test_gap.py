"""The gap figure: marks are means over seeds with the summary's intervals, ticks are the runs."""

import numpy as np
import pytest
from drawing import (
    GAPS,
    N,
    drawn,
    intervals,
    lanes,
    legend,
    points,
    refused,
    titles,
    usual_runs,
    usual_summary,
    whiskers,
)

KINDS = ("harmful", "benign")


def moved(kind: str) -> dict:
    """How far each gap moves refusal, by arm, seed and gap, counted in the replies."""
    runs = usual_runs()
    return {
        (*name[:2], gap): refused(runs, name, first, kind) - refused(runs, name, second, kind)
        for name in runs
        for gap, (first, second) in GAPS.items()
    }


@pytest.mark.parametrize("place", [0, 1])
def test_it_shows_each_arms_mean_over_seeds_and_its_runs_as_ticks(place):
    kind = KINDS[place]
    with drawn("gap") as (figure, _):
        axis, names = figure.axes[place], lanes(figure.axes[0])
        means, ticks = {}, []
        for arm, line in legend(figure).items():
            means |= {(arm, names[round(y)]): x for x, y in points(axis, line.get_color())}
        for line in axis.lines:
            ticks += [(names[round(y)], x) for x, y in line.get_xydata()] if line.get_marker() == "|" else []
        each = moved(kind)
        arms = {(arm, gap): [v for key, v in each.items() if key[::2] == (arm, gap)] for arm, _, gap in each}
        assert means == pytest.approx({key: np.mean(values) for key, values in arms.items()}, abs=1e-4)
        assert [gap for gap, _ in sorted(ticks)] == sorted(gap for *_, gap in each)
        assert sorted(x for _, x in ticks) == pytest.approx(sorted(each.values()), abs=1e-4)
        wanted = [b for b in intervals(usual_summary(), True, metric="control-gap", kind=kind) if b[0] < b[1]]
        assert whiskers(axis, 0) == pytest.approx(np.array(wanted), abs=1e-4)


def test_panels_are_the_kinds_of_the_record_with_their_n_and_the_legend_explains_the_marks():
    with drawn("gap") as (figure, _):
        assert titles(figure) == [f"{kind} requests\nn = {N}" for kind in KINDS]
        assert lanes(figure.axes[0]) == list(GAPS)
        explained = figure.legends[0].get_title().get_text()
        assert explained == "marks: means of runs,\nwith 95 % intervals;\nticks: single runs"
    with drawn("gap", kinds=["ambiguous"], gaps=["back"]) as (figure, numbers):
        assert titles(figure) == [f"ambiguous requests\nn = {N}"] and lanes(figure.axes[0]) == ["back"]
        assert set(numbers.kind) == {"ambiguous"} and set(numbers.condition) == {"back"}
