"""The share of requests that is refused: a panel for each condition and kind of request, a lane for each run."""

from itertools import product

from abstain.plots.marks import count, invalid, looks, rows_for, run_name, whiskers
from abstain.settings.arms import ALL


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return list(product(record["conditions"], record["kinds"], ("refusal", "invalid")))


def draw(summary, runs: dict, record: dict):
    """The figure and its numbers: a mark for each run with its interval."""
    import matplotlib.pyplot as plt

    rows = rows_for(summary[summary.seed != ALL], runs, record["mix"], needs(record))
    panels = list(product(record["conditions"], record["kinds"]))
    many = len(set(zip(rows.arm, rows.seed, strict=True)))
    size = (6.4, len(panels) * (0.27 * many + 0.55) + 0.4)
    figure, axes = plt.subplots(len(panels), 1, figsize=size, squeeze=False, sharex=True)
    for axis, (condition, kind) in zip(axes[:, 0], panels, strict=True):
        _panel(axis, rows[(rows.condition == condition) & (rows.kind == kind)], looks(runs))
        asked = rows[(rows.condition == condition) & (rows.kind == kind) & (rows.metric == "invalid")]
        axis.set_title(f"{kind} requests, {condition} (n = {count(asked.n)})")
    axes[-1][0].set(xlim=(-2, 102), xticks=range(0, 101, 20), xlabel="refused (%), with 95 % intervals")
    figure.set_layout_engine("constrained")
    return figure, rows[rows.metric == "refusal"]


def _panel(axis, rows, looks_of: dict) -> None:
    """A lane for each run; its name says how many of its replies are invalid, and so in no rate."""
    refusal, lost = rows[rows.metric == "refusal"], invalid(rows[rows.metric == "invalid"])
    for place, (_, row) in enumerate(refusal.iterrows()):
        one = refusal.iloc[[place]]
        bars = whiskers(*(100 * one[name] for name in ("value", "low", "high")))
        axis.errorbar(100 * one.value, [place], xerr=bars, linestyle="none", **looks_of[row.arm])
    pairs = zip(refusal.arm, refusal.seed, lost, strict=True)
    names = [run_name(arm, seed) + (f" ({many} invalid)" if many else "") for arm, seed, many in pairs]
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
