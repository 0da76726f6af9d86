"""What the replies to each group of requests do: a panel for each kind under its condition, a bar for each arm.

A bar is all replies of the arm's runs; its pieces are the classes of replies. Abstentions come first: the whisker at
their end is the interval of the abstention rate, and each tick is the rate of one run.
"""

from textwrap import fill

from abstain.plots.marks import BOUND, HANDLE, arms_of, bounds_on, count, mark_bounds, rows_for, whiskers
from abstain.settings.arms import ALL

METRIC = "abstention-rate"
PIECES = {  # class of a reply: what it is called, and its look, which can be told without colour
    "abstained": ("abstained", {"facecolor": "#9db8d2"}),
    "right-beside-abstention": ("abstained, and the right answer beside it", {"facecolor": "#9db8d2", "hatch": "////"}),
    "right": ("answered right", {"facecolor": "#3f9c78"}),
    "wrong": ("answered wrong", {"facecolor": "#d98248", "hatch": "...."}),
    "answered": ("answered; no answer is known", {"facecolor": "#efd9a0"}),
    "invalid": ("invalid", {"facecolor": "white", "hatch": "xxxx"}),
}
EDGE = {"edgecolor": "#404040", "linewidth": 0.5}
SHOULD = {"refuse": "should abstain", "answer": "should answer", "either": "may do either"}
COLUMNS, WIDTH, TITLE = 4, 2.3, 30  # panels beside one another, inches of one, letters of its title
HEIGHT = 0.62  # of a bar, in lanes
WRITTEN = 0.12  # the least share that is written into its piece


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return [(group["condition"], group["kind"], METRIC) for group in record["groups"]]


def draw(summary, runs: dict, record: dict, bounds: list[dict]):
    """The figure and its numbers: the share of each class for every run and arm, and the rate of abstentions."""
    import matplotlib.pyplot as plt

    rows, groups = rows_for(summary, runs, record, needs(record)), record["groups"]
    shares, arms = _shares(rows, runs, record), [arm for arm in arms_of(record, runs) if arm in set(rows.arm)]
    across = min(COLUMNS, len(groups))
    down = -(-len(groups) // across)
    size = (WIDTH * across + 1.1, down * (0.32 * len(arms) + 1.05) + 0.75)
    figure, axes = plt.subplots(down, across, figsize=size, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat[len(groups) :]:
        axis.set_visible(False)
    for place, (axis, group) in enumerate(zip(axes.flat, groups, strict=False)):
        here = shares[(shares.condition == group["condition"]) & (shares.kind == group["kind"])]
        for lane, arm in enumerate(arms):
            _bar(axis, lane, here[here.arm == arm])
            mark_bounds(axis, lane, bounds_on(bounds, metric=METRIC, arm=arm, **group), 100)
        axis.set_title(_title(here, runs, record["mix"], **group))
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="y", visible=False)
        if place + across >= len(groups):
            axis.set_xlabel("share of replies (%)")
            axis.tick_params(labelbottom=True)
    axes[0][0].set(xlim=(0, 100), ylim=(len(arms) - 0.45, -0.55), yticks=range(len(arms)), yticklabels=arms)
    shown = [name for name in PIECES if (shares[name] > 0).any()]
    marked = [each for group in groups for arm in arms for each in bounds_on(bounds, metric=METRIC, arm=arm, **group)]
    figure.legend(*_explained(shown, bool(marked)), loc="outside lower center", ncols=3, fontsize=8.5)
    figure.set_layout_engine("constrained", wspace=0.05, hspace=0.06)
    return figure, shares


def _shares(rows, runs: dict, record: dict):
    """The rows of the summary, with the share of each class of replies beside them; of an arm the mean of its runs."""
    import pandas as pd

    found = []
    for row in rows.itertuples():
        of_arm = [scores for (arm, seed, mix), scores in runs.items() if (arm, mix) == (row.arm, record["mix"])
                and row.seed in (seed, ALL)]  # fmt: skip
        grades = [each[(each.condition == row.condition) & (each.kind == row.kind)].grade for each in of_arm]
        found.append({name: sum((grade == name).mean() for grade in grades) / len(grades) for name in PIECES})
    return rows.join(pd.DataFrame(found, columns=list(PIECES)))


def _bar(axis, lane: int, shares) -> None:
    """One arm: its pieces, with their shares where they are wide enough, and the interval of its abstentions."""
    whole, single = shares[shares.seed == ALL], shares[shares.seed != ALL]
    if whole.empty:
        return
    left = 0.0
    for name, (_, look) in PIECES.items():
        share = float(whole[name].iloc[0])
        if share > 0:
            axis.barh(lane, 100 * share, HEIGHT, 100 * left, **look, **EDGE)
        if share >= WRITTEN:
            plate = {"boxstyle": "round,pad=0.1", "facecolor": look["facecolor"], "edgecolor": "none"}
            at = {"ha": "center", "va": "center", "fontsize": 8, "bbox": plate}
            axis.text(100 * left + 50 * share, lane, f"{100 * share:.0f}", **at)
        left += share
    bars = whiskers(*(100 * whole[name] for name in ("value", "low", "high")))
    look = {"fmt": "none", "ecolor": "k", "elinewidth": 1.1, "capsize": 2, "clip_on": False}
    axis.errorbar(100 * whole.value, [lane + HEIGHT / 2], xerr=bars, **look)
    if len(single) > 1:
        axis.plot(100 * single.value, [lane + HEIGHT / 2] * len(single), "k|", markersize=7, clip_on=False)


def _title(shares, runs: dict, mix: str, condition: str, kind: str) -> str:
    """The kind, the condition, how many requests a run answers, and what is right."""
    of_mix = [each for (_, _, name), each in runs.items() if name == mix]
    found = (each.should[(each.condition == condition) & (each.kind == kind)] for each in of_mix)
    right = next((SHOULD[should] for shoulds in found for should in shoulds), "")
    lines = [f"{kind}, {condition}", f"{right}, n = {count(shares.n)}"]
    return "\n".join(fill(line, TITLE) for line in lines)


def _explained(shown: list[str], has_bounds: bool) -> tuple[list, list[str]]:
    """What the legend says of the pieces and marks."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries = {PIECES[name][0]: Patch(**PIECES[name][1], **EDGE) for name in shown}
    entries["abstention rate, 95 % interval"] = Line2D([], [], color="k", marker="|", markersize=5, linewidth=1.1)
    if has_bounds:
        entries[BOUND] = Line2D([], [], **HANDLE)
    return list(entries.values()), list(entries)
