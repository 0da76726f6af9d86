"""Paired comparisons: each arm against every other on the same prompts, reply by reply."""

from itertools import combinations

import pandas as pd

from abstain.scorers.metric import Metric
from abstain.settings.arms import UNSEEDED
from abstain.tables.estimates import NUMBERS, named
from abstain.tables.runs import Runs, grouping, outcomes
from abstain.tables.statistics import detectable, gap, paired_mean, paired_p

TESTED = [*NUMBERS, "p", "n", "detectable"]
COMPARISONS = ["study", "arm", "against", "seed", "mix", "condition", "kind", "metric", "unit", *TESTED]


def compare_arms(runs: Runs, study: str, metrics: list[Metric]) -> pd.DataFrame:
    """Each arm against every arm before it, seed by seed; one without seeds comes first, and against every seed.

    Only metrics that are paired are compared, and of them only replies that count in both runs.
    """
    rows = []
    seeded = {arm: seed != UNSEEDED for arm, seed, _ in runs}
    for against, arm in combinations(sorted(seeded, key=seeded.get), 2):
        for run in [run for run in runs if run[0] == arm]:
            _, seed, mix = run
            others = [(against, seed, mix), (against, UNSEEDED, mix)]
            for other in [other for other in others if other in runs][:1]:
                place = {"study": study, "arm": arm, "against": against, "seed": seed, "mix": mix}
                paired = [metric for metric in metrics if metric.paired]
                rows += [{**place, **row} for metric in paired for row in _compared(metric, runs, run, other)]
    return pd.DataFrame(rows, columns=COMPARISONS)


def _compared(metric: Metric, runs: Runs, run: tuple, other: tuple) -> list[dict]:
    """A row for each condition and kind that the metric tells apart; none where a run has no value."""
    sides = [outcomes(metric, runs, each) for each in (run, other)]
    if any(side is None for side in sides):
        return []
    keys = ["id", "kind", "condition"]
    first, second = (runs[each][keys].assign(outcome=side) for each, side in zip((run, other), sides, strict=True))
    pairs = first.merge(second, on=keys, suffixes=("", "_other")).dropna(subset=["outcome", "outcome_other"])
    return [
        {"condition": condition, "kind": kind, "metric": metric.name, "unit": metric.unit}
        | _tested(metric, group.outcome, group.outcome_other)
        for (condition, kind), group in pairs.groupby(grouping(metric, pairs), sort=False)
    ]


def _tested(metric: Metric, first: pd.Series, second: pd.Series) -> dict:
    if metric.kind != "proportion":
        return paired_mean(list(first), list(second))
    n, p = len(first), paired_p(list(first == 1), list(second == 1))
    return {**named(gap(first.mean(), second.mean(), n)), "p": p, "n": n, "detectable": detectable(n)}
