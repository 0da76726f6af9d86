"""Rates, means and differences with intervals, and how sure a bound is. All intervals are at 95 % unless said.

`values` is a matrix: a row for each request, a column for each run that answered it (a seed of an arm). `groups` are
the partitions of the rows, each an array with a code for every row: which wording, template or person a request has.

A rate has the hull of two intervals: a t-interval on the means of runs (what another seed may give), and Wilson's at
one run's rows, divided by the design effect of the groups (what other prompts may give; every seed answers the same
prompts, so more seeds are not more prompts). Means and differences have a t-interval whose variance is crossed over
groups and runs. `make simulate` shows what these intervals cover.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtrit
from scipy.stats import binom, nct
from statsmodels.stats.proportion import proportion_confint

from abstain.tables.clusters import Spread, crossed, design_effect

LEVEL = 0.95
ALPHA = (1 - LEVEL) / 2  # of one side
FOUND = 0.8  # the power at which a difference counts as detectable
Interval = Callable[[float], tuple[float, float]]  # of a level


class Estimate(NamedTuple):
    """A number with its intervals at every level, and the rows that it would need if they were drawn one by one."""

    value: float
    interval: Interval
    rows: float
    error: float = math.nan  # the standard error, where the interval is that of a t-test
    freedom: float = math.nan  # the degrees of freedom of that test

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Value, low and high at 95 %."""
        return self.value, *self.interval(LEVEL)


def rate(hits: float, n: float, level: float = LEVEL) -> tuple[float, float, float]:
    """Value, low and high of hits / n by Wilson's method; NaN for n = 0."""
    if n == 0:
        return (math.nan,) * 3
    low, high = proportion_confint(hits, n, alpha=1 - level, method="wilson")
    value = hits / n
    return value, min(value, float(low)), max(value, float(high))


def rate_of(values: np.ndarray, groups: Sequence[np.ndarray]) -> Estimate:
    """The rate of a matrix of zeros and ones."""
    runs = values.mean(axis=0)
    value = float(runs.mean())
    rows = len(values) / design_effect(values.mean(axis=1), groups)

    def interval(level: float) -> tuple[float, float]:
        """The hull of the rows' Wilson interval and the runs' t interval."""
        _, low, high = rate(value * rows, rows, level)
        half = _t_half_width(runs, level)
        return max(0.0, min(low, value - half)), min(1.0, max(high, value + half))

    return Estimate(value, interval, rows)


def as_many_rows(estimate: Estimate) -> float:
    """How many rows that are drawn one by one have a Wilson interval as wide as this rate's.

    They are `rows` where seeds agree, else fewer.
    """
    value, low, high = estimate.numbers
    least = 1e-6

    def wider(rows: float) -> float:
        """How much wider than this rate's is the interval of so many rows."""
        _, start, end = rate(value * rows, rows)
        return end - start - (high - low)

    if wider(estimate.rows) >= 0:
        return estimate.rows
    return brentq(wider, least, estimate.rows) if wider(least) > 0 else least


def mean_of(values: np.ndarray, groups: Sequence[np.ndarray], least_variance: float = 0.0) -> Estimate:
    """The mean of a matrix of numbers; its interval is NaN when there is one row."""
    n, many = values.shape
    value = float(values.mean())
    partitions = [np.repeat(codes, many) for codes in groups]
    if many > 1:
        partitions.append(np.tile(np.arange(many), n))
    spread = crossed(values.ravel(), partitions) if n > 1 else Spread(math.nan, math.nan)
    if spread.variance < least_variance:  # which is of rows alone
        spread = Spread(least_variance, min(len(np.unique(codes)) for codes in groups) - 1)
    error = math.sqrt(spread.variance)

    def interval(level: float) -> tuple[float, float]:
        """Student's t interval around the mean."""
        half = float(stdtrit(spread.freedom, 0.5 + level / 2)) * error if error else 0.0
        return value - half, value + half

    return Estimate(value, interval, n / design_effect(values.mean(axis=1), groups), error, spread.freedom)


def difference_of(values: np.ndarray, groups: Sequence[np.ndarray]) -> Estimate:
    """The mean of a matrix of differences of outcomes that are 0 or 1, or of two such differences.

    Its variance is at least what Agresti and Min give (Statistics in Medicine 24, 2005) to the rows, each with its mean
    over the runs, so that pairs that never differ do not seem to prove that they never will.
    """
    rows = values.mean(axis=1)
    changed, gained, n = float((rows**2).sum()), float(rows.sum()), len(rows)
    return mean_of(values, groups, least_variance=(changed + 1 - gained**2 / (n + 2)) / (n + 2) ** 2)


def tail(estimate: Estimate, bound: float, above: bool) -> float:
    """The one-sided p of the claim that the number is above a bound (or below): where the interval's end meets it."""
    if math.isnan(estimate.value) or math.isnan(estimate.interval(LEVEL)[0]):
        return math.nan
    if (estimate.value > bound) != above:
        return 1.0 if estimate.value == bound else 1 - tail(estimate, bound, not above)
    end = 0 if above else 1
    sign = 1 if above else -1

    def over(level: float) -> float:
        """How far the interval's end is from the bound, on the side that is claimed."""
        return sign * (estimate.interval(level)[end] - bound)

    narrow, wide = 1e-9, 1 - 1e-9
    if over(wide) > 0:
        return (1 - wide) / 2
    return 0.5 if over(narrow) <= 0 else (1 - brentq(over, narrow, wide, xtol=1e-12)) / 2


def power_of_bound(rows: float, bound: float, above: bool) -> float:
    """The power of a claim that a rate is above (or below) a bound, if the truth is half-way between it and 1 (or 0).

    The probability that the Wilson interval of so many independent rows clears the bound; seeds are assumed to agree.
    """
    n, best = round(rows), 1.0 if above else 0.0
    hits = np.arange(n + 1)
    low, high = proportion_confint(hits, n, alpha=1 - LEVEL, method="wilson")
    return float(binom.pmf(hits, n, (bound + best) / 2)[(low >= bound) if above else (high <= bound)].sum())


def detectable(error: float, freedom: float) -> float:
    """The smallest difference that a t-test with this standard error and freedom finds with 80 % power."""
    if not error > 0:
        return error
    most = 2 * float(stdtrit(freedom, 1 - ALPHA)) + 2  # in standard errors
    return brentq(lambda errors: power_of_difference(1, freedom, errors) - FOUND, 0, most) * error


def power_of_difference(error: float, freedom: float, truth: float) -> float:
    """How often a t-test finds a difference of this size, with its sign, by the noncentral t."""
    return float(nct.sf(stdtrit(freedom, 1 - ALPHA), freedom, truth / error)) if error else 1.0


def power_of_equivalence(error: float, freedom: float, margin: float) -> float:
    """The power to find that two equal arms differ by less than a margin: both one-sided tests must succeed.

    By the noncentral t, as if they never failed together (Julious, Statistics in Medicine 23, 2004).
    """
    return max(0.0, 2 * power_of_difference(error, freedom, margin) - 1)


def _t_half_width(values: np.ndarray, level: float) -> float:
    k = len(values)
    if k < 2:
        return 0.0
    return float(stdtrit(k - 1, 0.5 + level / 2) * np.std(values, ddof=1)) / math.sqrt(k)
