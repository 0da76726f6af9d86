"""How far the two prompts of a gap move refusal: a panel for each kind of request, a lane for each arm and gap."""

from abstain.plots.marks import count, looks, rows_for, whiskers
from abstain.settings.arms import ALL


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (gap, kind, metric)."""
    return [(gap, kind, "control-gap") for gap in record["gaps"] for kind in record["kinds"]]


def draw(summary, runs: dict, record: dict):
    """The figure and its numbers: a mark for each arm's mean over its seeds, ticks for its runs."""
    import matplotlib.pyplot as plt

    gaps, kinds = record["gaps"], record["kinds"]
    rows = rows_for(summary, runs, record["mix"], needs(record))
    many = rows.arm.nunique()
    size = (2.9 * len(kinds) + 2.0, 0.26 * many * len(gaps) + 1.7)
    figure, axes = plt.subplots(1, len(kinds), figsize=size, squeeze=False, sharey=True)
    for axis, kind in zip(axes[0], kinds, strict=True):
        _panel(axis, rows[rows.kind == kind], gaps, looks(runs))
        axis.set_title(f"{kind} requests\nn = {count(rows[rows.kind == kind].n)}")
        axis.set(xlabel="refusal under the first prompt minus\nrefusal under the second (points)")
    title = "marks: means of runs,\nwith 95 % intervals;\nticks: single runs"
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside right upper", title=title)
    figure.set_layout_engine("constrained", wspace=0.08)
    return figure, rows


def _panel(axis, rows, gaps: list[str], looks_of: dict[str, dict]) -> None:
    """One kind of request: a band for each gap, with a lane for each arm."""
    arms = list(dict.fromkeys(rows.arm))
    axis.axvline(0, color="0.4", linewidth=0.8)
    for number, arm in enumerate(arms):
        shift = 0.7 / len(arms) * (number - (len(arms) - 1) / 2)
        for place, gap in enumerate(gaps):
            lane = rows[(rows.arm == arm) & (rows.condition == gap)]
            _mark(axis, place + shift, lane, looks_of[arm], arm if place == 0 else None)
    axis.set(xlim=(-105, 105), xticks=range(-100, 101, 50), ylim=(len(gaps) - 0.5, -0.5))
    axis.set_yticks(range(len(gaps)), gaps)
    axis.set_yticks([place + 0.5 for place in range(len(gaps) - 1)], minor=True)
    axis.tick_params(axis="y", which="both", length=0)
    axis.grid(False, axis="y")
    axis.grid(True, axis="y", which="minor")


def _mark(axis, height: float, rows, look: dict, label: str | None) -> None:
    """One arm under one gap."""
    whole, seeds = rows[rows.seed == ALL], rows[rows.seed != ALL]
    bars = whiskers(*(100 * whole[name] for name in ("value", "low", "high")))
    axis.errorbar(
        100 * whole.value, [height] * len(whole), xerr=bars, linestyle="none", markersize=6, label=label, **look
    )
    axis.plot(100 * seeds.value, [height] * len(seeds), "k|", markersize=9, zorder=3)
