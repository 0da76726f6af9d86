"""The figures: each takes the summary, the runs' scored replies and its record, and gives a figure and its numbers."""

from textwrap import fill

import pandas as pd

from abstain.tables import ALL, UNSEEDED

MARKERS = "osD^vPX*"
SHOWN = 4  # requests of each kind on a before/after page


def frontier(summary: pd.DataFrame, runs: dict, record: dict):
    """Refusal on harmful against refusal on benign, a panel for each condition, a point for each arm and seed.

    Points at one place are drawn as rings, one around another, so that none hides another.
    """
    import matplotlib.pyplot as plt

    wide = _wide(summary[summary.seed != ALL], record["conditions"])
    figure, axes = plt.subplots(
        1, len(record["conditions"]), figsize=(3.1 * len(record["conditions"]) + 1.4, 3.6), squeeze=False, sharey=True
    )
    arms = sorted(wide.arm.unique())
    ring = wide.groupby(["condition", "value_benign", "value_harmful"], dropna=False).cumcount()
    areas = (4.5 + ring * min(2.75, 20 / max(1, ring.max()))) ** 2  # in square points, as scatter wants them
    for axis, condition in zip(axes[0], record["conditions"], strict=True):
        for number, arm in enumerate(arms):
            mine = wide[(wide.condition == condition) & (wide.arm == arm)]
            _points(axis, mine, areas[mine.index], arm, number)
        axis.set(xlim=(-7, 107), ylim=(-7, 107), xlabel="refusal of harmless requests (%)")
        axis.set_title(f"{condition}  ({_asked(summary, condition)})")
    axes[0][0].set_ylabel("refusal of harmful requests (%)")
    handles, labels = axes[0][0].get_legend_handles_labels()
    title = "one mark for each run;\nrings: runs at one place"
    figure.legend(handles, labels, loc="outside right upper", title=title)
    figure.set_layout_engine("constrained")
    return figure, wide


def _asked(summary: pd.DataFrame, condition: str) -> str:
    """How many harmful and harmless requests each run answers, and how many replies at most are invalid: in no rate."""
    rows = summary[(summary.seed != ALL) & (summary.condition == condition)]
    sides = [rows[rows.metric == f"invalid-{kind}"] for kind in ("harmful", "benign")]
    asked, invalid = zip(*((int(side.n.astype(int).max()), _invalid(side).max()) for side in sides), strict=True)
    told = f"n = {asked[0]} + {asked[1]}"
    return f"{told},\nat most {invalid[0]} + {invalid[1]} invalid" if any(invalid) else told


def _invalid(rows: pd.DataFrame) -> pd.Series:
    return (pd.to_numeric(rows.value) * pd.to_numeric(rows.n)).round().astype(int)


def _wide(runs: pd.DataFrame, conditions: list[str]) -> pd.DataFrame:
    keys, numbers = ["arm", "seed", "condition"], ["value", "low", "high", "n"]
    runs = runs[runs.condition.isin(conditions)].assign(**{c: pd.to_numeric(runs[c], errors="coerce") for c in numbers})
    sides = [
        runs[runs.metric == f"refusal-{kind}"].set_index(keys)[numbers].add_suffix(f"_{kind}")
        for kind in ("harmful", "benign")
    ]
    return sides[0].join(sides[1]).reset_index()


def _points(axis, rows: pd.DataFrame, areas: pd.Series, arm: str, number: int) -> None:
    x, y, color, marker = 100 * rows.value_benign, 100 * rows.value_harmful, f"C{number}", _marker(number)
    bars = {"xerr": _arms_of(rows, "benign"), "yerr": _arms_of(rows, "harmful")}
    axis.errorbar(x, y, **bars, fmt="none", ecolor=color, elinewidth=0.6, alpha=0.75, clip_on=False)
    hollow = {"facecolor": "none", "edgecolor": color, "linewidth": 0.9}
    axis.scatter(x, y, areas, marker=marker, clip_on=False, **hollow)
    axis.plot([], [], marker, color=color, markerfacecolor="none", label=arm)


def _marker(number: int) -> str:
    return MARKERS[number % len(MARKERS)]


def _arms_of(rows: pd.DataFrame, kind: str) -> list:
    value, low, high = (100 * rows[f"{name}_{kind}"] for name in ("value", "low", "high"))
    return [(value - low).clip(lower=0), (high - value).clip(lower=0)]


def control_gap(summary: pd.DataFrame, runs: dict, record: dict):
    """Points of refusal that the flag moves, for each way of writing it; a mark for each arm's mean, runs as ticks."""
    import matplotlib.pyplot as plt

    rows = summary[summary.metric.str.startswith("control-gap-") & summary.condition.isin(record["conditions"])]
    rows = rows.assign(kind=rows.metric.str.removeprefix("control-gap-"))
    rows = rows[rows.kind.isin(["harmful", "benign"])]
    arms = sorted(rows.arm.unique())
    figure, axes = plt.subplots(1, 2, figsize=(7.8, 0.28 * len(arms) * len(record["conditions"]) + 1.3), sharey=True)
    for axis, kind in zip(axes, ("harmful", "benign"), strict=True):
        for number, arm in enumerate(arms):
            mine = rows[(rows.kind == kind) & (rows.arm == arm)]
            _lane(axis, mine, record["conditions"], number, len(arms), arm)
        n = sorted(rows[rows.kind == kind].n.astype(int).unique())
        told = f"{n[0]} to {n[-1]}" if len(n) > 1 else n[0]
        axis.set_title(f"{'harmless' if kind == 'benign' else kind} requests (n = {told})")
        axis.axvline(0, color="0.4", linewidth=0.8)
        axis.set(xlim=(-105, 105), xlabel="refusal with the flag on minus off (points)")
    axes[0].set_yticks(range(len(record["conditions"])), record["conditions"])
    axes[0].invert_yaxis()
    title = "marks: means of runs\nticks: single runs"
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", title=title)
    figure.set_layout_engine("constrained")
    return figure, rows.drop(columns="kind")


def _lane(axis, rows: pd.DataFrame, conditions: list[str], number: int, arms: int, arm: str) -> None:
    for place, condition in enumerate(conditions):
        mine = rows[rows.condition == condition]
        height = place + 0.66 / arms * (number - (arms - 1) / 2)
        whole, seeds = mine[mine.seed == ALL].iloc[0], mine[mine.seed != ALL]
        value, low, high = (100 * pd.to_numeric(whole[name], errors="coerce") for name in ("value", "low", "high"))
        label = arm if place == 0 else None
        bars = [[value - min(low, value)], [max(high, value) - value]]
        axis.errorbar([value], [height], xerr=bars, fmt=_marker(number), color=f"C{number}", label=label, markersize=6)
        each = 100 * pd.to_numeric(seeds.value, errors="coerce")
        axis.plot(each, [height] * len(each), "k|", markersize=9, zorder=3)


def refusal_rates(summary: pd.DataFrame, runs: dict, record: dict):
    """Share of each kind of request that is refused, for each arm and seed, with Wilson intervals."""
    import matplotlib.pyplot as plt

    rows = summary[
        (summary.seed != ALL) & summary.metric.str.startswith("refusal-") & summary.condition.isin(record["conditions"])
    ]
    rows = rows.assign(**{name: 100 * pd.to_numeric(rows[name], errors="coerce") for name in ("value", "low", "high")})
    labels = [_label(summary, row, row.metric.removeprefix("refusal-")) for row in rows.itertuples()]
    figure, axis = plt.subplots(figsize=(6.4, 0.36 * len(rows) + 1.1))
    bars = [(rows.value - rows.low).clip(lower=0), (rows.high - rows.value).clip(lower=0)]
    axis.errorbar(rows.value, range(len(rows)), xerr=bars, fmt="o", color="C0")
    axis.set_yticks(range(len(rows)), labels)
    axis.set(xlim=(-2, 102), ylim=(len(rows) - 0.5, -0.5), xlabel="refused (%)")
    figure.set_layout_engine("constrained")
    return figure, rows


def _label(summary: pd.DataFrame, row, kind: str) -> str:
    same = (summary.arm == row.arm) & (summary.seed == row.seed) & (summary.condition == row.condition)
    asked = summary[same & (summary.metric == f"invalid-{kind}")]
    n, invalid = asked.n.iloc[0], _invalid(asked).iloc[0]
    told = f"n = {n}, {invalid} invalid" if invalid else f"n = {n}"
    return f"{row.arm}, {row.seed}: {kind}, {row.condition} ({told})"


def before_after(summary: pd.DataFrame, runs: dict, record: dict):
    """A page of unseen requests and the replies of every arm (first seed), under each condition."""
    import matplotlib.pyplot as plt

    first = {}
    for (arm, seed), replies in runs.items():
        first.setdefault(arm, replies.assign(arm=arm, seed=seed))
    rows = pd.concat(first.values())
    rows = rows[rows.condition.isin(record["conditions"]) & rows.kind.isin(["harmful", "benign"])]
    rows = rows[["kind", "question", "condition", "arm", "seed", "behaviour", "reply"]]
    chosen = [
        q for kind in ("harmful", "benign") for q in rows[rows.kind == kind].question.drop_duplicates().head(SHOWN)
    ]
    columns = [(arm, condition) for arm in first for condition in record["conditions"]]
    lines = [[_cell(rows, question, *column) for column in columns] for question in chosen]
    figure, axis = plt.subplots(figsize=(2.3 + 2.15 * len(columns), 0.6 + 0.62 * len(lines)))
    axis.set_axis_off()
    axis.set(xlim=(0, len(columns) + 1), ylim=(len(lines) + 0.5, -0.5))
    for place, (arm, condition) in enumerate(columns, start=1):
        axis.text(place, -0.15, f"{arm}\n{condition}", weight="bold", va="center", fontsize=8)
    for height, (question, cells) in enumerate(zip(chosen, lines, strict=True)):
        kind = rows[rows.question == question].kind.iloc[0]
        _line(axis, height + 0.75, fill(question, 34), kind, cells)
    figure.set_layout_engine("constrained")
    return figure, rows


def _cell(rows: pd.DataFrame, question: str, arm: str, condition: str) -> tuple[str, str]:
    found = rows[(rows.question == question) & (rows.arm == arm) & (rows.condition == condition)]
    return (found.behaviour.iloc[0], found.reply.iloc[0]) if len(found) else ("", "")


def _line(axis, height: float, question: str, kind: str, cells: list[tuple[str, str]]) -> None:
    shades = {"refuse": "#f6d5c3", "partial": "#fbeeda", "invalid": "#e0e0e0", "answer": "#ffffff"}
    axis.text(0, height, f"{question}\n[{'harmless' if kind == 'benign' else kind}]", fontsize=7, va="center")
    axis.axhline(height - 0.5, color="0.85", linewidth=0.6)
    for place, (label, reply) in enumerate(cells, start=1):
        box = {"facecolor": shades.get(label, "white"), "edgecolor": "none", "pad": 1.5}
        mark = "" if label == "answer" else f"[{label}] "
        text = fill(mark + reply, 32, max_lines=4, placeholder=" …")
        axis.text(place, height, text, fontsize=6.5, va="center", bbox=box)


def similarity(summary: pd.DataFrame, runs: dict, record: dict):
    """Every reply's cosine with its ideal refusal, a lane for each run, and the mean of each with its interval."""
    import matplotlib.pyplot as plt

    conditions, lanes = record["conditions"], sorted(runs, key=lambda run: (run[1] != UNSEEDED, run))  # base on top
    told = _with_means(summary, runs, lanes, conditions)
    size = (5.2 * len(conditions) + 0.8, 0.72 * len(lanes) + 1.2)
    figure, axes = plt.subplots(1, len(conditions), figsize=size, squeeze=False, sharex=True, sharey=True)
    for axis, condition in zip(axes[0], conditions, strict=True):
        mine = told[told.condition == condition]
        for place, (arm, seed) in enumerate(lanes):
            _cosines(axis, place, mine[(mine.arm == arm) & (mine.seed == seed)])
        best = mine[mine.seed == UNSEEDED].cosine.max()
        axis.axvline(best, color="black", linestyle="--", linewidth=0.9, label="the base's closest reply")
        axis.set(title=condition, xlabel="cosine with the ideal refusal", ylim=(len(lanes) - 0.5, -0.5))
        axis.set_yticks(range(len(lanes)), [_lane_name(told, *run) for run in lanes])
    handles, labels = axes[0][0].get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    figure.legend(named.values(), named, loc="outside lower center", ncols=2)
    figure.set_layout_engine("constrained")
    return figure, told


def _with_means(summary: pd.DataFrame, runs: dict, lanes: list, conditions: list[str]) -> pd.DataFrame:
    """Replies that have a cosine, and beside each its run's mean with interval and n."""
    told = pd.concat([runs[run].assign(arm=run[0], seed=run[1]) for run in lanes]).dropna(subset="cosine")
    told = told[told.condition.isin(conditions)][["arm", "seed", "condition", "id", "kind", "behaviour", "cosine"]]
    means = summary[summary.metric == "closeness"]
    keys, numbers = ["arm", "seed", "condition"], ["value", "low", "high", "n"]
    means = means.assign(**{name: pd.to_numeric(means[name], errors="coerce") for name in numbers})
    return told.merge(means[[*keys, *numbers]], on=keys, validate="many_to_one")


def _cosines(axis, place: int, replies: pd.DataFrame) -> None:
    """One lane: refusals filled, other replies hollow; equal cosines (to 0.01) are piled up around its middle."""
    bins = replies.cosine.round(2)
    rank, size = replies.groupby(bins).cosine.rank(method="first"), bins.map(bins.value_counts())
    height = place + (rank - (size + 1) / 2) * 0.68 / max(size.max(), 12)
    refused = replies.behaviour == "refuse"
    for mine, label, face in ((refused, "refusal", "C0"), (~refused, "any other reply", "none")):
        axis.plot(replies.cosine[mine], height[mine], "o", color="C0", markerfacecolor=face, markersize=3, label=label)
    value, low, high = replies[["value", "low", "high"]].iloc[0]
    whiskers = [[value - low], [high - value]]
    axis.errorbar([value], [place + 0.4], xerr=whiskers, fmt="k|", capsize=2, label="mean, 95 % interval")
    told = f"mean {value:.3f}\n({replies.cosine.min():.3f} to {replies.cosine.max():.3f})"
    axis.text(1.02, place, told, transform=axis.get_yaxis_transform(), va="center", fontsize=8)


def _lane_name(told: pd.DataFrame, arm: str, seed: str) -> str:
    n = told[(told.arm == arm) & (told.seed == seed)].n.min()
    return f"{arm}\n(n = {n})" if seed == UNSEEDED else f"{arm}, seed {seed}\n(n = {n})"


def save(figure, svg: str, png: str) -> None:
    """Write both formats without dates or program names, so that equal figures have equal bytes."""
    import matplotlib.pyplot as plt

    figure.savefig(svg, metadata={"Date": None, "Creator": None})
    figure.savefig(png, metadata={"Software": None})
    plt.close(figure)


FIGURES = {
    "frontier": frontier,
    "gap": control_gap,
    "before-after": before_after,
    "rates": refusal_rates,
    "similarity": similarity,
}
