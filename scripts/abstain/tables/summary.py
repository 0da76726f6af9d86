"""The summary: every metric of every run, of each arm over its seeds, and of the gaps between two prompts."""

from collections.abc import Callable

import pandas as pd

from abstain.scorers.metric import Metric
from abstain.settings.arms import ALL
from abstain.tables.estimates import NUMBERS, difference, of_run, of_seeds
from abstain.tables.runs import Runs, cells

SUMMARY = ["study", "arm", "seed", "mix", "condition", "kind", "metric", "unit", *NUMBERS, "n", "scorer"]


def summarise_runs(
    runs: Runs, study: str, gaps: dict[str, list[str]], scorers: dict[str, tuple[Metric, ...]]
) -> pd.DataFrame:
    """The summary of all runs, each arm over its seeds (seed "all"), and the gaps between prompts.

    `scorers` are the metrics of each scorer. Rows come in the order of the runs, of the requests and of the metrics.
    """
    rows = []
    for scorer, metrics in scorers.items():
        for metric in metrics:
            found = metric_rows(metric, runs)
            found += gap_rows(metric, found, gaps) if metric.gap else []
            rows += [{"study": study, "unit": metric.unit, "scorer": scorer, **row} for row in found]
    rows.sort(key=_order(rows, runs, gaps))
    return pd.DataFrame(rows, columns=SUMMARY)


def metric_rows(metric: Metric, runs: Runs) -> list[dict]:
    """Rows of one metric: for each run, and for each arm over its seeds."""
    rows, arms = [], {}
    for (arm, seed, mix), (condition, kind), values in cells(metric, runs):
        place = {"arm": arm, "mix": mix, "condition": condition, "kind": kind, "metric": metric.name}
        arms.setdefault(tuple(place.values()), (place, []))[1].append(values)
        rows.append({**place, "seed": seed, "n": len(values), **of_run(metric, values)})
    for place, each in arms.values():
        rows.append({**place, "seed": ALL, "n": min(map(len, each)), **of_seeds(metric, each)})
    return rows


def gap_rows(metric: Metric, rows: list[dict], gaps: dict[str, list[str]]) -> list[dict]:
    """A metric under the first prompt of a gap minus under the second, for each kind that both were asked."""
    found: dict[tuple, dict[str, dict]] = {}  # the rows of an arm, by seed
    for row in rows:
        found.setdefault((row["arm"], row["mix"], row["kind"], row["condition"]), {})[row["seed"]] = row
    result = []
    for name, (first, second) in gaps.items():
        for (arm, mix, kind, condition), ones in found.items():
            others = found.get((arm, mix, kind, second))
            if condition == first and others is not None:
                place = {"arm": arm, "mix": mix, "condition": name, "kind": kind, "metric": metric.gap}
                pairs = {seed: (ones[seed], others[seed]) for seed in ones}
                each = [one["value"] - other["value"] for seed, (one, other) in pairs.items() if seed != ALL]
                for seed, pair in pairs.items():
                    numbers = difference(*pair, each if seed == ALL else [], metric.kind == "proportion")
                    result.append({**place, "seed": seed, **numbers})
    return result


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
