"""Several metrics side by side, as published bar plots show them: a panel for each of them, a bar for each arm."""

from itertools import product

from abstain.plots.lanes import explained
from abstain.plots.marks import bounds_on, count, fitted, looks, mark_bounds, rows_for, unjudged, whiskers
from abstain.settings.arms import ALL

HEIGHT = 0.72  # of a bar, in lanes
PLATE = {"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 0.8}  # below a number, under ticks
WIDE = 7.5  # inches of a figure whose legend is one line


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return list(product(record["conditions"], [ALL], record["metrics"]))


def draw(summary, runs: dict, record: dict, bounds: list[dict]):
    """The figure and its numbers: a bar for each arm's mean over its seeds, ticks for its runs, bounds of claims."""
    import matplotlib.pyplot as plt

    rows = rows_for(summary, runs, record, needs(record))
    arms, conditions, metrics = list(dict.fromkeys(rows.arm)), record["conditions"], record["metrics"]
    known = {"arm": arms, "condition": conditions, "metric": metrics, "kind": [ALL]}
    bounds = [bound for bound in bounds if all(bound[key] in names for key, names in known.items())]
    size = (max(1.45 * len(metrics), 3.6) + 1.4, len(conditions) * (0.3 * len(arms) + 0.6) + 0.9)
    figure, axes = plt.subplots(len(conditions), len(metrics), figsize=size, squeeze=False, sharex=True, sharey=True)
    for line, condition in zip(axes, conditions, strict=True):
        for axis, metric in zip(line, metrics, strict=True):
            shown = rows[(rows.condition == condition) & (rows.metric == metric)]
            axis.set_title(_title(shown, metric, condition))
            for place, arm in enumerate(arms):
                _bar(axis, place, shown[shown.arm == arm], looks(runs)[arm]["color"])
                mark_bounds(axis, place, bounds_on(bounds, condition=condition, metric=metric, arm=arm), 100)
            axis.tick_params(axis="y", length=0)
    _scale(axes[0][0], rows, bounds)
    axes[0][0].set(ylim=(len(arms) - 0.5, -0.5), yticks=range(len(arms)), yticklabels=arms)
    for axis in axes[-1]:
        axis.set_xlabel("%")
    columns = 3 if size[0] > WIDE else 1
    figure.legend(*explained(bool(bounds), "s"), loc="outside lower center", ncols=columns, fontsize=8)
    figure.set_layout_engine("constrained", wspace=0.05)
    return figure, rows


def _bar(axis, place: int, rows, colour: str) -> None:
    """The mean over the seeds with its interval, its number at the foot, and a tick for each run."""
    whole, seeds = rows[rows.seed == ALL], rows[rows.seed != ALL]
    axis.barh([place] * len(whole), 100 * whole.value, HEIGHT, color=colour, alpha=0.4, linewidth=0)
    for value in whole.value:
        written = {"textcoords": "offset points", "va": "center", "fontsize": 7.5, "zorder": 2.5, "bbox": PLATE}
        axis.annotate(f"{100 * value:.0f}", (0, place), (3, 0), **written)
    bars = whiskers(*(100 * whole[name] for name in ("value", "low", "high")))
    axis.errorbar(100 * whole.value, [place] * len(whole), xerr=bars, fmt="none", ecolor="0.15", elinewidth=1.1)
    axis.plot(100 * seeds.value, [place] * len(seeds), "k|", markersize=7, zorder=3)


def _scale(axis, rows, bounds: list[dict]) -> None:
    """An x axis, which all panels share, that fits the numbers, their intervals and the bounds."""
    import pandas as pd

    limits = [bound.get("at_least", bound.get("at_most")) for bound in bounds]
    scale = fitted(100 * pd.concat([rows.value, rows.low, rows.high, pd.Series(limits, dtype=float)]), room=0.03)
    axis.set(xlim=(0, scale["lim"][1]), xticks=scale["ticks"])


def _title(rows, metric: str, condition: str) -> str:
    """The metric, the condition, over how many replies of a run it is, and how many of these at most are unjudged."""
    lost = unjudged(rows)
    lines = [metric.replace("-", " "), f"{condition}, n = {count(rows.n)}"]
    return "\n".join([*lines, *([f"at most {lost} unjudged"] if lost else [])])
