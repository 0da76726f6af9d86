"""How far each arm is from the base in several measures: a panel for each, a lane for each arm, and the verdict.

The numbers are those of the paired comparisons. Within the shaded band a difference is smaller than the study's margin.
"""

from abstain.plots.marks import arms_of, count, fitted, looks, whiskers
from abstain.settings.arms import ALL, BASE

UNITS = {"share": (100, "points"), "cosine": (1, "cosine"), "nats": (1, "nats per token"), "words": (1, "words")}
KEYS = ["metric", "kind", "condition"]
NUMBERS = ["value", "low", "high", "margin"]
COLUMNS = [
    "arm",
    "seed",
    "condition",
    "kind",
    "metric",
    "unit",
    "value",
    "low",
    "high",
    "n",
    "judged",
    "margin",
    "verdict",
]
FAR = ("better", "worse", "higher", "lower")  # verdicts whose marks are filled


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return [(each["condition"], each["kind"], each["metric"]) for each in record["measures"]]


def draw(summary, runs: dict, record: dict, bounds: list[dict], comparisons):
    """The figure and its numbers: a mark for each arm's mean difference over its seeds, ticks for its runs.

    Bounds of claims are of one arm's number, and none is shown.
    """
    import matplotlib.pyplot as plt

    arms = [arm for arm in arms_of(record, runs) if arm != BASE]
    measures = sorted(record["measures"], key=lambda each: _unit(comparisons, each))  # stable: units stay together
    seeds = {arm: [seed for name, seed, mix in runs if (name, mix) == (arm, record["mix"])] for arm in arms}
    rows = _rows(summary, comparisons, record["mix"], measures, seeds)
    figure, axes = plt.subplots(
        len(measures), 1, figsize=(7.4, len(measures) * (0.2 * len(arms) + 0.42) + 1.0), squeeze=False
    )
    shown = [rows[(rows[KEYS] == [each[key] for key in KEYS]).all(axis=1)] for each in measures]
    for axis, panel, each in zip(axes[:, 0], shown, measures, strict=True):
        _panel(axis, panel, each, arms, looks(runs))
    _scale(axes[:, 0], shown)
    figure.legend(*_explained(), loc="outside lower center", ncols=4, fontsize=8)
    figure.set_layout_engine("constrained", hspace=0.04)
    return figure, rows


def _unit(comparisons, measure: dict) -> int:
    """The place of a measure's unit among the units."""
    unit = comparisons[comparisons.metric == measure["metric"]].unit.iloc[0]
    return list(UNITS).index(unit)


def _rows(summary, comparisons, mix: str, measures: list[dict], seeds: dict[str, list[str]]):
    """A row for each measure and arm, of the comparison with the base, and below it one for each of the arm's seeds."""
    import pandas as pd

    pairs = comparisons[(comparisons.mix == mix) & (comparisons.against == BASE)].set_index([*KEYS, "arm"])
    means = summary[summary.mix == mix].set_index([*KEYS, "arm"])
    found = []
    for each in measures:
        for arm in seeds:
            place = (*(each[key] for key in KEYS), arm)
            if place in pairs.index:
                row = pairs.loc[place]
                numbers = {name: float(row[name] or "nan") for name in NUMBERS}
                about = {**dict(zip([*KEYS, "arm"], place, strict=True)), "unit": row.unit}
                counts = {"n": int(row.n), "judged": int(row.judged)}
                word = _word(row.verdict, each["better"])
                found.append({**about, **numbers, **counts, "seed": ALL, "verdict": word})
                found += [{**about, **run, "n": counts["n"]} for run in _runs(means, place, seeds[arm])]
    return pd.DataFrame(found, columns=COLUMNS)


def _runs(means, place: tuple, seeds: list[str]) -> list[dict]:
    """The difference of each run, which answered the same requests as the base."""
    base, tuned = (means.loc[[(*place[:-1], arm)]].set_index("seed").value for arm in (BASE, place[-1]))
    return [{"seed": seed, "value": float(tuned[seed]) - float(base[ALL])} for seed in seeds]


def _word(verdict: str, better: str) -> str:
    """A verdict in terms of what is wanted: higher or lower, or neither."""
    if verdict not in ("higher", "lower") or better == "neither":
        return verdict
    return "better" if verdict == better else "worse"


def _panel(axis, rows, measure: dict, arms: list[str], looks_of: dict) -> None:
    """One measure: the band of its margin, and a lane for each arm with its verdict in words."""
    size, _ = UNITS[rows.unit.iloc[0]]
    margin = size * rows.margin.max()
    axis.axvspan(-margin, margin, color="0.92", zorder=0.3, linewidth=0)
    axis.axvline(0, color="0.4", linewidth=0.8, zorder=0.5)
    for place, arm in enumerate(arms):
        _lane(axis, place, rows[rows.arm == arm], looks_of[arm], size)
    axis.set(ylim=(len(arms) - 0.4, -0.6), yticks=range(len(arms)), yticklabels=arms)
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")
    axis.set_title(measure["metric"].replace("-", " "), fontsize=9.5, fontweight="bold", pad=4)
    axis.set_title(_about(rows, measure), loc="right", fontsize=8, color="0.35", pad=4)


def _lane(axis, place: int, rows, look: dict, size: float) -> None:
    whole, runs = rows[rows.seed == ALL], rows[rows.seed != ALL]
    bars = whiskers(*(size * whole[name] for name in ("value", "low", "high")))
    for word in whole.verdict:
        face = look["color"] if word in FAR else "white"
        mark = {**look, "markersize": 6, "markerfacecolor": face}
        axis.errorbar(size * whole.value, [place], xerr=bars, linestyle="none", zorder=2.5, **mark)
        weight = "bold" if word in FAR else "normal"
        at = {"transform": axis.get_yaxis_transform(), "va": "center", "fontsize": 8, "fontweight": weight}
        axis.text(1.02, place, word, **at)
    axis.plot(size * runs.value, [place] * len(runs), "k|", markersize=6, markeredgewidth=0.8, zorder=3)


def _about(rows, measure: dict) -> str:
    """What was asked, how many requests each run answers, how many at most are unjudged, and which side is wanted."""
    whole = rows[rows.seed == ALL]
    lost = int((whole.n - whole.judged).max())
    parts = [f"{measure['kind']}, {measure['condition']}", f"n = {count(whole.n)}"]
    parts += [f"at most {lost} unjudged"] if lost else []
    return ", ".join(parts if measure["better"] == "neither" else [*parts, f"{measure['better']} is better"])


def _scale(axes, shown: list) -> None:
    """An x axis for each unit, which fits its numbers, intervals and margin; its panels have one scale."""
    import pandas as pd

    for unit, (size, words) in UNITS.items():
        of_unit = [(axis, rows) for axis, rows in zip(axes, shown, strict=True) if rows.unit.iloc[0] == unit]
        if of_unit:
            rows = pd.concat([rows for _, rows in of_unit])
            scale = fitted(size * pd.concat([rows.value, rows.low, rows.high, rows.margin, -rows.margin]).dropna())
            for axis, _ in of_unit:
                axis.set(xlim=scale["lim"], xticks=scale["ticks"])
                is_last = axis is of_unit[-1][0]
                axis.tick_params(axis="x", labelbottom=is_last, length=3.5 if is_last else 0)
            of_unit[-1][0].set_xlabel(f"difference to the base ({words})")


def _explained() -> tuple[list, list[str]]:
    """What the legend says of the marks."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    mark = {"color": "0.4", "marker": "o", "markersize": 6}
    entries = {
        "mean of runs that differs, 95 % interval": Line2D([], [], **mark),
        "mean that need not differ": Line2D([], [], markerfacecolor="white", **mark),
        "single run": Line2D([], [], color="k", marker="|", markersize=6, linestyle="none"),
        "margin": Patch(color="0.92"),
    }
    return list(entries.values()), list(entries)
