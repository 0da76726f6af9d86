"""Risk against coverage: a panel for each condition, in it a curve for each run, those of one arm in its colour.

Rows are answered in the order of their probability of abstaining, the least first: coverage is the share of the rows
that are answered by then, risk the share of those that are not answered right. A dashed line is the same in random
order, and a mark is at the threshold that was chosen on another mix.
"""

from abstain.plots.marks import arms_of, count, fitted, looks, rows_for
from abstain.scorers.discrimination import risk_coverage
from abstain.settings.arms import ALL

AREA, CHOSEN = "aurc", ("coverage", "selective-risk")
FEWEST = 20  # rows of a curve's first point: with fewer the share jumps
THICK, THIN = {"linewidth": 1.9}, {"linewidth": 0.6, "alpha": 0.8}
RANDOM = {"linewidth": 0.9, "linestyle": (0, (4, 3))}
MARK = {"linestyle": "none", "markersize": 6, "markerfacecolor": "white", "markeredgewidth": 1.2}


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return [(condition, ALL, metric) for condition in record["conditions"] for metric in (AREA, *CHOSEN)]


def draw(summary, runs: dict, record: dict, bounds: list[dict]):
    """The figure and its numbers: the points of every curve, and beside each the area under it, with interval and n.

    An arm without a curve, such as a control, which has no probability, is left out. Bounds are of other metrics.
    """
    import matplotlib.pyplot as plt

    conditions, rows = record["conditions"], rows_for(summary, runs, record, needs(record))
    points = _points(runs, record)
    arms = [arm for arm in arms_of(record, runs) if arm in set(points.arm)]
    size = (3.7 * len(conditions) + 2.4, 3.9)
    figure, axes = plt.subplots(1, len(conditions), figsize=size, squeeze=False, sharex=True, sharey=True)
    for axis, condition in zip(axes[0], conditions, strict=True):
        curves, numbers = points[points.condition == condition], rows[rows.condition == condition]
        for arm in arms:
            _curves(axis, curves[curves.arm == arm], looks(runs)[arm]["color"])
            _chosen(axis, numbers[(numbers.arm == arm) & (numbers.seed != ALL)], looks(runs)[arm])
        areas = numbers[numbers.metric == AREA]
        axis.set_title(f"{condition}, n = {count(areas.n) if len(areas) else 0}")
        axis.set_xlabel("coverage: questions answered (%)")
    scale = fitted(100 * points.risk)
    axes[0][0].set(xlim=(0, 102), ylim=(0, scale["lim"][1]), yticks=scale["ticks"])
    axes[0][0].set_ylabel("risk: not answered right, of those answered (%)")
    _explain(figure, axes[0], {arm: (looks(runs)[arm], rows[rows.arm == arm]) for arm in arms})
    figure.set_layout_engine("constrained")
    areas = rows[rows.metric == AREA][["arm", "seed", "condition", "value", "low", "high", "n"]]
    return figure, points.merge(areas, on=["arm", "seed", "condition"], how="left", validate="many_to_one")


def _points(runs: dict, record: dict):
    """The points of the curves of all runs, arm by arm."""
    import pandas as pd

    of_mix = {(arm, seed): scores for (arm, seed, mix), scores in runs.items() if mix == record["mix"]}
    places = [(arm, seed) for name in arms_of(record, runs) for arm, seed in of_mix if arm == name]
    curves = [_curve(of_mix[place], *place, condition) for place in places for condition in record["conditions"]]
    return pd.concat(curves, ignore_index=True)


def _curve(scores, arm: str, seed: str, condition: str):
    """The points of a run's curve under a condition, from FEWEST rows on; none where no probability is known."""
    import pandas as pd

    rows = scores[scores.condition == condition].dropna(subset=["abstention", "risk"])
    coverage, risk = risk_coverage(rows.abstention.to_numpy(float), rows.risk.to_numpy(float))
    points = pd.DataFrame({"coverage": coverage, "risk": risk})[min(FEWEST, len(rows)) - 1 :]
    return points.assign(arm=arm, seed=seed, condition=condition)[["arm", "seed", "condition", "coverage", "risk"]]


def _curves(axis, points, colour: str) -> None:
    """A thin line for each of several runs, a thick one for their mean or for a single run, and the risk at random."""
    if points.empty:
        return
    if points.seed.nunique() > 1:
        for _, run in points.groupby("seed", sort=False):
            axis.plot(100 * run.coverage, 100 * run.risk, color=colour, **THIN)
    mean = points.groupby("coverage").risk.mean()
    axis.plot(100 * mean.index, 100 * mean, color=colour, **THICK)
    axis.plot([0, 100], [100 * mean.iloc[-1]] * 2, color=colour, zorder=1.5, **RANDOM)


def _chosen(axis, rows, look: dict) -> None:
    """A mark for each run at the threshold that was chosen elsewhere."""
    across, up = (rows[rows.metric == metric].set_index("seed").value for metric in CHOSEN)
    axis.plot(100 * across, 100 * up.reindex(across.index), zorder=3, **MARK, **look)


def _explain(figure, axes, arms: dict[str, tuple]) -> None:
    """A legend of the arms, each with its area where there is one panel, and of what lines and marks are."""
    for arm, (look, rows) in arms.items():
        area = rows[(rows.metric == AREA) & (rows.seed == ALL)]
        numbers = 100 * area[["value", "low", "high"]].to_numpy()
        under = "\narea {:.1f} % ({:.1f} to {:.1f})".format(*numbers[0]) if len(axes) == len(area) == 1 else ""
        axes[0].plot([], [], label=f"{arm}{under}", **(MARK | {"linestyle": "-"}), **THICK, **look)
    axes[0].plot([], [], color="0.3", label="single run", **THIN)
    axes[0].plot([], [], color="0.3", label="in random order", **RANDOM)
    axes[0].plot([], [], color="0.3", marker="o", label="threshold that was\nchosen on validation", **MARK)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", alignment="left", labelspacing=0.8)
