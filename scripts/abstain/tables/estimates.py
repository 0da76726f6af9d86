"""Value and interval of a metric, whatever it measures: of one run, over seeds, and of two rows' difference."""

import math

import pandas as pd

from abstain.scorers.metric import Metric
from abstain.tables.statistics import gap, mean_cosine, mean_gap, over_seeds, rate

NUMBERS = ("value", "low", "high")
LEAST = {"share": 0.0, "cosine": -1.0}  # the least value of a unit; the greatest of each is 1


def of_run(metric: Metric, values: pd.Series) -> dict[str, float]:
    """A metric's value, low and high from the replies of one run; NaN where none counts."""
    if metric.kind == "proportion":
        return named(rate(int(values.sum()), len(values)))
    return of_seeds(metric, [values])


def of_seeds(metric: Metric, each: list[pd.Series]) -> dict[str, float]:
    """A metric's value, low and high over runs that answered the same prompts; NaN where one of them has no value."""
    n = min(map(len, each))
    if n == 0:
        return named((math.nan,) * 3)
    if metric.kind == "proportion":
        return named(over_seeds([int(values.sum()) / len(values) for values in each], n))
    if metric.kind == "pooled":
        return named((float(metric.pool(pd.concat(each))), math.nan, math.nan))
    value, low, high = mean_cosine([list(values) for values in each])
    return named((value, low if math.isnan(low) else max(LEAST[metric.unit], low), high))


def difference(first: dict, second: dict, each: list[float], of_rates: bool) -> dict[str, float]:
    """Value, low, high and n of the difference of two rows of the summary; n is the lesser of theirs.

    `each` are the differences of the seeds, where the rows are over seeds. Unless both are rates, the interval comes
    from the intervals of the two; a row without one leaves none.
    """
    n = int(min(first["n"], second["n"]))
    if of_rates:
        return {**named(gap(first["value"], second["value"], n, each)), "n": n}
    return {**named(mean_gap(*(tuple(row[key] for key in NUMBERS) for row in (first, second)), each)), "n": n}


def named(numbers: tuple[float, float, float]) -> dict[str, float]:
    """Value, low and high by name."""
    return dict(zip(NUMBERS, numbers, strict=True))
