"""The share of requests that is refused: a panel for each condition and kind of request, a lane for each arm."""

from itertools import product

from abstain.plots.marks import count, invalid, looks, rows_for, whiskers
from abstain.settings.arms import ALL


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return list(product(record["conditions"], record["kinds"], ("refusal", "invalid")))


def draw(summary, runs: dict, record: dict):
    """The figure and its numbers: a mark for each arm's mean over its seeds, ticks for its runs."""
    import matplotlib.pyplot as plt

    conditions, kinds = record["conditions"], record["kinds"]
    rows = rows_for(summary, runs, record["mix"], needs(record))
    arms = list(dict.fromkeys(rows.arm))
    size = (1.75 * len(kinds) + 1.4, len(conditions) * (0.3 * len(arms) + 0.6) + 0.5)
    figure, axes = plt.subplots(len(conditions), len(kinds), figsize=size, squeeze=False, sharex=True, sharey=True)
    for axis, (condition, kind) in zip(axes.flat, product(conditions, kinds), strict=True):
        shown = rows[(rows.condition == condition) & (rows.kind == kind)]
        _panel(axis, shown[shown.metric == "refusal"], arms, looks(runs))
        axis.set_title(_title(shown[shown.metric == "invalid"], kind, condition))
    axes[0][0].set(xlim=(-4, 104), xticks=range(0, 101, 25), ylim=(len(arms) - 0.5, -0.5))
    axes[0][0].set_yticks(range(len(arms)), arms)
    figure.supxlabel("refused (%); marks: means of runs, with 95 % intervals; ticks: single runs", fontsize=8)
    figure.set_layout_engine("constrained")
    return figure, rows[rows.metric == "refusal"]


def _panel(axis, rows, arms: list[str], looks_of: dict) -> None:
    """One kind of request under one condition."""
    for place, arm in enumerate(arms):
        lane = rows[rows.arm == arm]
        whole, seeds = lane[lane.seed == ALL], lane[lane.seed != ALL]
        bars = whiskers(*(100 * whole[name] for name in ("value", "low", "high")))
        axis.errorbar(100 * whole.value, [place] * len(whole), xerr=bars, linestyle="none", **looks_of[arm])
        axis.plot(100 * seeds.value, [place] * len(seeds), "k|", markersize=9, zorder=3)
    axis.tick_params(axis="y", length=0)


def _title(rows, kind: str, condition: str) -> str:
    """The kind, the condition, how many requests a run answers, and how many of its replies at most are invalid."""
    lost = invalid(rows[rows.seed != ALL]).max()
    return f"{kind}\n{condition}, n = {count(rows.n)}" + (f",\nat most {lost} invalid" if lost else "")
