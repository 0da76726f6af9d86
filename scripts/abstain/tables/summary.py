"""The summary: every metric of every run, of each arm over its seeds, and of the gaps between two prompts."""

import math
from collections.abc import Callable

import pandas as pd

from abstain.scorers.metric import Metric
from abstain.settings.arms import ALL
from abstain.tables.runs import Runs
from abstain.tables.samples import Cell, Sample, Sampled, named

NUMBERS = ("value", "low", "high")
# What a number of a unit can be; a difference of two of them lies between their largest distances.
BOUNDS = {"share": (0.0, 1.0), "cosine": (-1.0, 1.0), "nats": (-math.inf, math.inf), "words": (0.0, math.inf)}
COUNTS = ("n", "judged", "clusters")
PLACE = ["study", "arm", "seed", "mix", "condition", "kind", "metric", "unit"]
SUMMARY = [*PLACE, *NUMBERS, *COUNTS, "of_judged", "scorer"]


def summarise_runs(sampled: Sampled, study: str, scorers: dict[str, tuple[Metric, ...]]) -> pd.DataFrame:
    """The summary of all runs, each arm over its seeds (seed "all"), and the gaps between prompts.

    `scorers` are the metrics of each scorer. A number is over all rows that were asked; "of_judged" is the same over
    those that could be judged. Rows come in the order of the runs, of the requests and of the metrics.
    """
    rows = []
    for scorer, metrics in scorers.items():
        for metric in metrics:
            found = metric_rows(metric, sampled.of(metric), sampled.gaps)
            rows += [{"study": study, "unit": metric.unit, "scorer": scorer, **row} for row in found]
    rows.sort(key=_order(rows, sampled.runs, sampled.gaps))
    return pd.DataFrame(rows, columns=SUMMARY)


def metric_rows(metric: Metric, found: dict[Cell, Sample], gaps: dict[str, list[str]]) -> list[dict]:
    """Rows of one metric: for each run, and for each arm over its seeds."""
    rows = []
    for (arm, mix, condition, kind), sample in found.items():
        place = {"arm": arm, "mix": mix, "condition": condition, "kind": kind, "metric": named(metric, condition, gaps)}
        for seed in (*sample.seeds, ALL):
            part = sample if seed == ALL else sample.of(seed)
            rows.append({**place, "seed": seed, **numbers(metric, part), **part.counts, "of_judged": of_judged(part)})
    return rows


def numbers(metric: Metric, sample: Sample) -> dict[str, float]:
    """Value, low and high within what the unit can be; a pooled number has no interval."""
    if metric.kind == "pooled":
        return {"value": float(metric.pool(sample.values.stack()))}
    value, low, high = sample.estimate().numbers
    least, most = BOUNDS[metric.unit]
    if sample.kind in ("difference", "change"):
        least, most = least - most, most - least
    return {"value": value, "low": max(low, least), "high": min(high, most)}


def of_judged(sample: Sample) -> float:
    """The mean over the rows that were judged in each run, over the runs; NaN where a run has none."""
    return float(sample.values.where(sample.judged).mean().mean(skipna=False))


def _order(rows: list[dict], runs: Runs, gaps: dict) -> Callable[[dict], list[int]]:
    """A key to sort by: the order in which arms, seeds, mixes, conditions, kinds and metrics come in what is read."""
    arms, seeds, mixes = zip(*runs, strict=True)
    orders = {
        "arm": arms,
        "seed": (*seeds, ALL),
        "mix": mixes,
        "condition": (*_appearing(runs, "condition"), *gaps),
        "kind": (*_appearing(runs, "kind"), ALL),
        "metric": [row["metric"] for row in rows],
    }
    ranks = {column: {name: rank for rank, name in enumerate(dict.fromkeys(names))} for column, names in orders.items()}
    return lambda row: [ranks[column][row[column]] for column in ranks]


def _appearing(runs: Runs, column: str) -> list[str]:
    return [value for scores in runs.values() for value in scores[column].unique()]
