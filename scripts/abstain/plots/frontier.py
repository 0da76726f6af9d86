"""Refusal of one kind of request against refusal of another: a panel for each condition, a point for each run."""

from textwrap import fill

from abstain.plots.marks import count, invalid, looks, rows_for, whiskers
from abstain.settings.arms import ALL

PERCENT = range(0, 101, 20)
TITLE = 36  # letters of a title as wide as a panel
COUNTED = 3  # rings that are counted at a glance
RING, WIDEST = 2.75, 20  # points of the page that a ring is wider than the one in it, and that all are together


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    kinds, metrics = (record["y"], record["x"]), ("refusal", "invalid")
    return [(condition, kind, metric) for condition in record["conditions"] for kind in kinds for metric in metrics]


def draw(summary, runs: dict, record: dict):
    """The figure and its numbers.

    Points at one place are drawn as rings, one around another, so that none hides another.
    """
    import matplotlib.pyplot as plt

    conditions = record["conditions"]
    rows = rows_for(summary[summary.seed != ALL], runs, record["mix"], needs(record))
    points = _points(rows, record)
    size = (3.1 * len(conditions) + 1.6, 3.9)
    figure, axes = plt.subplots(1, len(conditions), figsize=size, squeeze=False, sharey=True)
    for axis, condition in zip(axes[0], conditions, strict=True):
        for arm, look in looks(runs).items():
            _mark(axis, points[(points.condition == condition) & (points.arm == arm)], record, look, arm)
        _count_rings(axis, points[points.condition == condition], record)
        axis.set(xlim=(-7, 107), ylim=(-7, 107), xticks=PERCENT, yticks=PERCENT)
        axis.set(xlabel=f"refusal of {record['x']} requests (%)")
        axis.set_title(_title(rows[rows.condition == condition], condition, record))
    axes[0][0].set_ylabel(f"refusal of {record['y']} requests (%)")
    title = "a mark for each run,\nwith 95 % intervals;\nrings: runs at one place"
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside right upper", title=title)
    figure.set_layout_engine("constrained")
    return figure, points.drop(columns="area")


def _points(rows, record: dict):
    """A row for each run and condition, with the numbers of both kinds, and the area of its mark."""
    keys, numbers = ["arm", "seed", "condition"], ["value", "low", "high", "n"]
    refusal = rows[rows.metric == "refusal"].set_index(keys)
    sides = [refusal[refusal.kind == record[axis]][numbers].add_suffix(f"_{record[axis]}") for axis in ("y", "x")]
    points = sides[0].join(sides[1], how="inner").reset_index()  # a control may be asked one kind alone
    ring = points.groupby(["condition", *(f"value_{record[axis]}" for axis in ("x", "y"))], dropna=False).cumcount()
    return points.assign(area=(4.5 + ring * min(RING, WIDEST / max(1, ring.max()))) ** 2)


def _mark(axis, points, record: dict, look: dict, arm: str) -> None:
    """Marks and whiskers of one arm; an arm that is not scored on the mix is not in the legend."""
    if points.empty:
        return
    sides = [[100 * points[f"{name}_{record[side]}"] for name in ("value", "low", "high")] for side in ("x", "y")]
    (x, *_), (y, *_) = sides
    bars = dict(zip(("xerr", "yerr"), (whiskers(*side) for side in sides), strict=True))
    axis.errorbar(x, y, **bars, fmt="none", ecolor=look["color"], elinewidth=0.6, alpha=0.75, clip_on=False)
    hollow = {"facecolor": "none", "edgecolor": look["color"], "linewidth": 0.9}
    axis.scatter(x, y, points.area, marker=look["marker"], clip_on=False, **hollow)
    axis.plot([], [], linestyle="none", markerfacecolor="none", label=arm, **look)


def _count_rings(axis, points, record: dict) -> None:
    """How many runs are at one place, where they are too many to be counted by eye."""
    for (x, y), ringed in points.groupby([f"value_{record[side]}" for side in ("x", "y")]):
        if len(ringed) > COUNTED:
            left, away = x > 0.5, 0.7 * ringed.area.max() ** 0.5 + 3
            at = {"xytext": (-away if left else away, 2), "textcoords": "offset points", "fontsize": 8}
            axis.annotate(f"{len(ringed)} runs", (100 * x, 100 * y), ha="right" if left else "left", **at)


def _title(rows, condition: str, record: dict) -> str:
    """The condition, how many requests of each kind a run answers, and how many of its replies at most are invalid."""
    sides = {record[axis]: rows[(rows.kind == record[axis]) & (rows.metric == "invalid")] for axis in ("y", "x")}
    asked = ", ".join(f"{count(side.n)} {kind}" for kind, side in sides.items())
    lost = [invalid(side).max() for side in sides.values()]
    lines = [condition, f"n = {asked}", *([f"at most {lost[0]} and {lost[1]} invalid"] if any(lost) else [])]
    return "\n".join(fill(line, TITLE) for line in lines)
