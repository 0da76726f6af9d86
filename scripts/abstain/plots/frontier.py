"""Refusal of one kind of request against refusal of another: a panel for each condition, a point for each run.

A condition under which all runs are at one place has a line of words instead of a panel.
"""

from textwrap import fill

from abstain.plots.marks import (
    BOUND,
    DASHED,
    HANDLE,
    TIPS,
    arms_of,
    bounds_on,
    count,
    fitted,
    looks,
    rows_for,
    unjudged,
    whiskers,
)
from abstain.settings.arms import ALL

METRIC = "refusal"
TITLE = 36  # letters of a title as wide as a panel
LETTERS = 14  # of a line of words in an inch
NEAR = 0.02  # runs that are less apart are at one place: a mark is as wide
COUNTED = 3  # rings that are counted at a glance
RING, WIDEST = 2.75, 20  # points of the page that a ring is wider than the one in it, and that all are together


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return [(condition, kind, METRIC) for condition in record["conditions"] for kind in (record["y"], record["x"])]


def draw(summary, runs: dict, record: dict, bounds: list[dict]):
    """The figure and its numbers.

    Points at one place are drawn as rings, one around another, so that none hides another. An arm that is asked one of
    the kinds alone, as a control may be, has no point.
    """
    rows = rows_for(summary[summary.seed != ALL], runs, record, needs(record))
    points = _points(rows, record)
    arms = [arm for arm in arms_of(record, runs) if arm in set(points.arm)]
    of_condition = dict(list(rows[rows.arm.isin(arms)].groupby("condition")))
    words = {name: _in_words(of_condition[name], name, record) for name in record["conditions"]}
    shown = [name for name, text in words.items() if text is None]
    bounds = [each for each in bounds if each["condition"] in shown and each["arm"] in arms]
    figure, axes = _page(shown, [text for text in words.values() if text])
    for axis, condition in zip(axes, shown, strict=True):
        here = points[points.condition == condition]
        for arm in arms:
            found = {side: bounds_on(bounds, **_place(record, side, condition), arm=arm) for side in ("x", "y")}
            _mark(axis, here[here.arm == arm], record, looks(runs)[arm])
            _bounds(axis, found, looks(runs)[arm]["color"])
        _count_rings(axis, here, record)
        axis.set(xlabel=f"refusal of {record['x']} requests (%)")
        axis.set_title(_title(of_condition[condition], condition, record))
    if shown:
        _scale(axes[0], points[points.condition.isin(shown)], record, bounds)
        axes[0].set_ylabel(f"refusal of {record['y']} requests (%)")
        _explain(figure, axes, {arm: looks(runs)[arm] for arm in arms})
    return figure, points.drop(columns="area")


def _page(shown: list[str], words: list[str]):
    """A figure with a panel for each condition that has one, and the words on the others below."""
    import matplotlib.pyplot as plt

    width = 3.1 * len(shown) + 2.0 if shown else 7.0
    text = "\n".join(fill(each, int(LETTERS * width), subsequent_indent="    ") for each in words)
    figure = plt.figure(figsize=(width, 3.9 * bool(shown) + 0.18 * len(text.splitlines()) + 0.2))
    figure.supxlabel(text, x=0.02, ha="left", fontsize=9)
    if not shown:
        return figure, []
    figure.set_layout_engine("constrained")
    return figure, figure.subplots(1, len(shown), squeeze=False, sharex=True, sharey=True)[0]


def _points(rows, record: dict):
    """A row for each run and condition, with the numbers of both kinds, and the area of its mark."""
    keys, numbers = ["arm", "seed", "condition"], ["value", "low", "high", "n"]
    refusal = rows.set_index(keys)
    sides = [refusal[refusal.kind == record[axis]][numbers].add_suffix(f"_{record[axis]}") for axis in ("y", "x")]
    points = sides[0].join(sides[1], how="inner").reset_index()
    ring = points.groupby(["condition", *(f"value_{record[axis]}" for axis in ("x", "y"))], dropna=False).cumcount()
    return points.assign(area=(4.5 + ring * min(RING, WIDEST / max(1, ring.max()))) ** 2)


def _place(record: dict, side: str, condition: str) -> dict[str, str]:
    return {"metric": METRIC, "kind": record[side], "condition": condition}


def _in_words(rows, condition: str, record: dict) -> str | None:
    """What a panel of runs at one place would show; None where they are at several."""
    sides = {record[axis]: rows[rows.kind == record[axis]] for axis in ("y", "x")}
    many = len(next(iter(sides.values())))
    if many == 1 or any(side.value.max() - side.value.min() >= NEAR for side in sides.values()):
        return None
    shares = " and ".join(_share(side, kind) for kind, side in sides.items())
    return f"{condition}: each of {many} runs refuses {shares}."


def _share(rows, kind: str) -> str:
    refused, bars = (count([round(100 * each, 1) for each in ends]) for ends in (rows.value, [*rows.low, *rows.high]))
    lost = f"; at most {unjudged(rows)} unjudged" if unjudged(rows) else ""
    return f"{refused} % of {count(rows.n)} {kind} requests (95 % intervals {bars} %{lost})"


def _mark(axis, points, record: dict, look: dict) -> None:
    """Marks and whiskers of one arm."""
    sides = [[100 * points[f"{name}_{record[side]}"] for name in ("value", "low", "high")] for side in ("x", "y")]
    (x, *_), (y, *_) = sides
    bars = dict(zip(("xerr", "yerr"), (whiskers(*side) for side in sides), strict=True))
    axis.errorbar(x, y, **bars, fmt="none", ecolor=look["color"], elinewidth=0.6, alpha=0.75, clip_on=False)
    hollow = {"facecolor": "none", "edgecolor": look["color"], "linewidth": 0.9}
    axis.scatter(x, y, points.area, marker=look["marker"], clip_on=False, **hollow)


def _bounds(axis, found: dict[str, list[tuple[float, bool]]], colour: str) -> None:
    """A dashed line across the panel for each bound of an arm, with a tip to the side that is claimed."""
    for side, bounds in found.items():
        for bound, is_least in bounds:
            line, across = (axis.axvline, (100 * bound, 1)) if side == "x" else (axis.axhline, (1, 100 * bound))
            transform = axis.get_xaxis_transform() if side == "x" else axis.get_yaxis_transform()
            line(100 * bound, color=colour, zorder=0.8, **DASHED)
            tip = {"marker": TIPS[side, is_least], "markersize": 5, "clip_on": False, "transform": transform}
            axis.plot(*([each] for each in across), color=colour, label="_bound", **tip)


def _count_rings(axis, points, record: dict) -> None:
    """How many runs are at one place, where they are too many to be counted by eye."""
    for (x, y), ringed in points.groupby([f"value_{record[side]}" for side in ("x", "y")]):
        if len(ringed) > COUNTED:
            left, away = x > 0.5, 0.7 * ringed.area.max() ** 0.5 + 3
            at = {"xytext": (-away if left else away, 2), "textcoords": "offset points", "fontsize": 8}
            axis.annotate(f"{len(ringed)} runs", (100 * x, 100 * y), ha="right" if left else "left", **at)


def _scale(axis, points, record: dict, bounds: list[dict]) -> None:
    """Axes, which all panels share, that fit the numbers, their intervals and the bounds."""
    import pandas as pd

    for side, name in (("x", record["x"]), ("y", record["y"])):
        limits = [each for each, _ in bounds_on(bounds, metric=METRIC, kind=name)]
        numbers = [points[f"{each}_{name}"] for each in ("value", "low", "high")]
        scale = fitted(100 * pd.concat([*numbers, pd.Series(limits, dtype=float)]), room=0.07)
        axis.set(**{f"{side}{key}": value for key, value in scale.items()})


def _explain(figure, axes, looks_of: dict[str, dict]) -> None:
    """A legend of the arms, and of the bounds where there are any."""
    for arm, look in looks_of.items():
        axes[0].plot([], [], linestyle="none", markerfacecolor="none", label=arm, **look)
    if any(line.get_label() == "_bound" for axis in axes for line in axis.lines):
        axes[0].plot([], [], label=fill(BOUND, 22), **HANDLE)
    title = "a mark for each run,\nwith 95 % intervals;\nrings: runs at one place"
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", title=title, alignment="left")


def _title(rows, condition: str, record: dict) -> str:
    """The condition, how many requests of each kind a run answers, and how many of its replies at most are unjudged."""
    sides = {record[axis]: rows[rows.kind == record[axis]] for axis in ("y", "x")}
    counts = ", ".join(f"{count(side.n)} {kind}" for kind, side in sides.items())
    lost = [unjudged(side) for side in sides.values()]
    lines = [condition, f"n = {counts}", *([f"at most {lost[0]} and {lost[1]} unjudged"] if any(lost) else [])]
    return "\n".join(fill(line, TITLE) for line in lines)
