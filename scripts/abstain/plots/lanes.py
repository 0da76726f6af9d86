"""Shares by arm: a panel for each condition and kind of request, in it a lane for each arm.

A lane has a mark at the arm's mean over its seeds, whiskers, a tick for each run, and the bounds of claims on the arm.
"""

from math import ceil
from textwrap import fill

from abstain.plots.marks import BOUND, HANDLE, bounds_on, count, fitted, looks, mark_bounds, unjudged, whiskers
from abstain.settings.arms import ALL

TITLE = 22  # letters of a title as wide as a panel
LETTERS = 15  # of a label in an inch
WIDE = 7.5  # inches of a figure whose legend is one line
MOST = 5  # panels side by side


def draw_lanes(rows, runs: dict, conditions: list[str], kinds: list[str], bounds: list[dict], label: str):
    """The figure of one metric: a row of panels for each condition, or several where there are many kinds, and a column
    for each kind; `label` is of all x axes.

    `rows` are the summary's, of one metric, as `rows_for` gives them.
    """
    import matplotlib.pyplot as plt

    arms = list(dict.fromkeys(rows.arm))
    bounds = [bound for bound in bounds if bound["metric"] == rows.metric.iloc[0] and bound["arm"] in arms]
    bounds = [bound for bound in bounds if bound["condition"] in conditions and bound["kind"] in kinds]
    lines = ceil(len(kinds) / MOST)  # of panels for each condition
    columns = ceil(len(kinds) / lines)
    size = (max(1.8 * columns, 4.4) + 1.2, lines * len(conditions) * (0.3 * len(arms) + 0.65) + 0.8)
    shape = (lines * len(conditions), columns)
    figure, axes = plt.subplots(*shape, figsize=size, squeeze=False, sharex=True, sharey=True)
    for cells, condition in zip(axes.reshape(len(conditions), -1), conditions, strict=True):
        for axis in cells[len(kinds) :]:
            axis.set_axis_off()
        for axis, kind in zip(cells, kinds, strict=False):
            shown = rows[(rows.condition == condition) & (rows.kind == kind)]
            axis.set_title(_title(shown, kind, condition))
            for place, arm in enumerate(arms):
                _lane(axis, place, shown[shown.arm == arm], looks(runs)[arm])
                mark_bounds(axis, place, bounds_on(bounds, condition=condition, kind=kind, arm=arm), 100)
            axis.axvline(0, color="0.4", linewidth=0.8, zorder=0.5)
            axis.tick_params(axis="y", length=0)
    _scale(axes[0][0], rows, bounds)
    axes[0][0].set(ylim=(len(arms) - 0.5, -0.5), yticks=range(len(arms)), yticklabels=arms)
    for axis in axes[-1]:
        axis.set_xlabel(fill(label, int(LETTERS * (size[0] - 1.2) / columns)))
    entries = 3 if size[0] > WIDE else 1
    figure.legend(*explained(bool(bounds)), loc="outside lower center", ncols=entries, fontsize=8)
    figure.set_layout_engine("constrained", wspace=0.06)
    return figure


def _lane(axis, place: int, rows, look: dict) -> None:
    whole, seeds = rows[rows.seed == ALL], rows[rows.seed != ALL]
    bars = whiskers(*(100 * whole[name] for name in ("value", "low", "high")))
    axis.errorbar(100 * whole.value, [place] * len(whole), xerr=bars, linestyle="none", markersize=6, **look)
    axis.plot(100 * seeds.value, [place] * len(seeds), "k|", markersize=9, zorder=3)


def _scale(axis, rows, bounds: list[dict]) -> None:
    """An x axis, which all panels share, that fits the numbers, their intervals and the bounds."""
    import pandas as pd

    limits = [bound.get("at_least", bound.get("at_most")) for bound in bounds]
    scale = fitted(100 * pd.concat([rows.value, rows.low, rows.high, pd.Series(limits, dtype=float)]))
    axis.set(xlim=scale["lim"], xticks=scale["ticks"])


def explained(has_bounds: bool, mark: str = "o") -> tuple[list, list[str]]:
    """What the legend says of the marks; `mark` is that of a mean."""
    from matplotlib.lines import Line2D

    entries = {
        "mean of runs, 95 % interval": Line2D([], [], color="0.4", marker=mark, markersize=6),
        "single run": Line2D([], [], color="k", marker="|", markersize=9, linestyle="none"),
    }
    if has_bounds:
        entries[BOUND] = Line2D([], [], **HANDLE)
    return list(entries.values()), list(entries)


def _title(rows, kind: str, condition: str) -> str:
    """The kind, the condition, how many requests a run answers, and how many of its replies at most are unjudged."""
    lost = unjudged(rows)
    what = "all kinds" if kind == ALL else kind
    lines = [what, f"{condition}, n = {count(rows.n)}", *([f"at most {lost} unjudged"] if lost else [])]
    return "\n".join(fill(line, TITLE) for line in lines)
