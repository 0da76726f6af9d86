"""Every reply's cosine with its ideal: a panel for each condition, a lane for each run, and each run's mean."""

from abstain.plots.marks import (
    BOUND,
    HANDLE,
    arms_of,
    bounds_on,
    count,
    looks,
    mark_bounds,
    rows_for,
    run_name,
    whiskers,
)
from abstain.settings.arms import ALL, BASE, UNSEEDED

METRIC = "closeness"
KEYS = ["arm", "seed", "condition"]
PILE = 12  # marks that fit one above another in a lane; more of them overlap, and are counted in words
SPREAD = 0.68  # of a lane's height, for its piles


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return [(condition, ALL, METRIC) for condition in record["conditions"]]


def draw(summary, runs: dict, record: dict, bounds: list[dict]):
    """The figure and its numbers: the replies that have a cosine, each with its run's mean, interval and n."""
    import matplotlib.pyplot as plt

    conditions, colours = record["conditions"], {arm: look["color"] for arm, look in looks(runs).items()}
    lanes, replies = _lanes(runs, record), _replies(summary, runs, record)
    size = (5.2 * len(conditions) + 0.8, 0.85 * len(lanes) + 1.4)
    figure, axes = plt.subplots(1, len(conditions), figsize=size, squeeze=False, sharex=True, sharey=True)
    for label, filled, _ in _faces(replies):
        axes[0][0].plot(
            [], [], "o", color="0.3", markerfacecolor="0.3" if filled else "none", markersize=3, label=label
        )
    for axis, condition in zip(axes[0], conditions, strict=True):
        shown = replies[replies.condition == condition]
        for place, (arm, seed) in enumerate(lanes):
            _lane(axis, place, shown[(shown.arm == arm) & (shown.seed == seed)], colours[arm])
            mark_bounds(axis, place, bounds_on(bounds, metric=METRIC, kind=ALL, condition=condition, arm=arm))
        _best(axis, shown[shown.arm == BASE])
        axis.set(xlabel="cosine with the taught refusal", ylim=(len(lanes) - 0.4, -0.5))
        axis.set_title(f"{condition} (n = {count(shown.n)})")
        axis.set_yticks(range(len(lanes)), [run_name(*run) for run in lanes])
    bounds = [bound for bound in bounds if bound["condition"] in conditions]
    if any(bounds_on(bounds, metric=METRIC, kind=ALL, arm=arm) for arm, _ in lanes):
        axes[0][0].plot([], [], label=BOUND, **HANDLE)
    handles, labels = axes[0][0].get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    figure.legend(named.values(), named, loc="outside lower center", ncols=2)
    figure.set_layout_engine("constrained")
    return figure, replies


def _lanes(runs: dict, record: dict) -> list[tuple[str, str]]:
    """Arm and seed of each lane: arms as the record names them, or what is not trained on top and the rest in order."""
    arms = arms_of(record, runs)
    found = [(arm, seed) for name in arms for arm, seed, mix in runs if (arm, mix) == (name, record["mix"])]
    return sorted(found, key=lambda run: record["arms"] == ALL and run[1] != UNSEEDED)


def _replies(summary, runs: dict, record: dict):
    """Replies that have a cosine, and beside each its run's mean with interval and n."""
    import pandas as pd

    frames = [runs[arm, seed, record["mix"]].assign(arm=arm, seed=seed) for arm, seed in _lanes(runs, record)]
    replies = pd.concat(frames).dropna(subset="cosine")
    columns = [*KEYS, "id", "kind", *({"behaviour"} & set(replies.columns)), "cosine"]
    means = rows_for(summary[summary.seed != ALL], runs, record, needs(record))
    replies = replies[replies.condition.isin(record["conditions"])][columns]
    return replies.merge(means[[*KEYS, "value", "low", "high", "n"]], on=KEYS, validate="many_to_one")


def _lane(axis, place: int, replies, colour: str) -> None:
    """One run: equal cosines (to 0.01) are piled up around the middle of its lane, and its mean is below them."""
    bins = replies.cosine.round(2)
    rank, size = replies.groupby(bins).cosine.rank(method="first"), bins.map(bins.value_counts())
    height = place + (rank - (size + 1) / 2) * SPREAD / max(size.max(), PILE)
    for _, filled, shown in _faces(replies):
        face = colour if filled else "none"
        axis.plot(replies.cosine[shown], height[shown], "o", color=colour, markerfacecolor=face, markersize=3)
    if size.max() > PILE:
        pile, at = bins[size.idxmax()], {"xytext": (0, 3), "textcoords": "offset points", "fontsize": 6.5}
        axis.annotate(f"{size.max()} at {pile:.2f}", (pile, place - SPREAD / 2), ha="center", **at)
    mean = replies.iloc[:1]
    bars = whiskers(mean.value, mean.low, mean.high)
    axis.errorbar(mean.value, [place + 0.42], xerr=bars, fmt="kx", markersize=5, capsize=2, label="mean, 95 % interval")
    text = f"mean {mean.value.iloc[0]:z.3f}\nrange {replies.cosine.min():z.3f} to {replies.cosine.max():z.3f}"
    axis.text(1.02, place, text, transform=axis.get_yaxis_transform(), va="center", fontsize=8)


def _faces(replies) -> list[tuple]:
    """Label, whether it is filled, and rows of each kind of mark; without a detector all replies look the same."""
    if "behaviour" not in replies:
        return [("reply", False, replies.cosine.notna())]
    refused = replies.behaviour == "refuse"
    return [("refusal", True, refused), ("any other reply", False, ~refused)]


def _best(axis, replies) -> None:
    """A line at the greatest cosine of the base."""
    if len(replies):
        label = f"closest reply of {BASE}"
        axis.axvline(replies.cosine.max(), color="black", linestyle="--", linewidth=0.9, label=label)
