"""Rates with intervals, and verdicts on claims. All intervals are at 95 %.

A run's rate has a Wilson interval. A rate over seeds has the hull of two intervals: a t-interval on the means of seeds
(what another seed may give) and a Wilson interval at one run's n (what other prompts may give; every seed answers the
same prompts, so more seeds are not more prompts). So seeds that agree never give an interval of width 0. A mean cosine
has t-intervals in both places.
"""

import math
from statistics import fmean, variance

from scipy.stats import norm, t
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

LEVEL = 0.95
POWER = float(norm.ppf(0.5 + LEVEL / 2) + norm.ppf(0.8))  # standard errors that a test finds four times in five


def rate(hits: int, n: int) -> tuple[float, float, float]:
    """Value, low and high of hits / n by Wilson's method; NaN for n = 0."""
    if n == 0:
        return (math.nan,) * 3
    low, high = proportion_confint(hits, n, alpha=1 - LEVEL, method="wilson")
    value = hits / n
    return value, min(value, float(low)), max(value, float(high))


def over_seeds(values: list[float], n: int) -> tuple[float, float, float]:
    """Mean of seed values of a rate, with the hull of the t-interval and the Wilson interval at one run's n."""
    mean = sum(values) / len(values)
    _, low, high = rate(mean * n, n)
    half = _t_half_width(values)
    return mean, max(0.0, min(low, mean - half)), min(1.0, max(high, mean + half))


def gap(first: float, second: float, n: int, gaps: list[float] | None = None) -> tuple[float, float, float]:
    """first - second for two rates over n prompts each, with Newcombe's interval (Statistics in Medicine 17, 1998).

    With `gaps`, one for each seed, the interval is the hull with the t-interval on them.
    """
    if n == 0:
        return (math.nan,) * 3
    low, high = confint_proportions_2indep(
        first * n, n, second * n, n, method="newcomb", compare="diff", alpha=1 - LEVEL
    )
    half = _t_half_width(gaps) if gaps else 0.0
    difference = first - second
    return difference, max(-1.0, min(float(low), difference - half)), min(1.0, max(float(high), difference + half))


def mean_cosine(runs: list[list[float]]) -> tuple[float, float, float]:
    """Mean of cosines over runs that answered the same n prompts; low and high are NaN for n < 2.

    The interval is the hull of the t-interval on the means of runs and of one run's t-interval, with the runs' mean
    variance and n prompts.
    """
    means, n = [fmean(run) for run in runs], min(map(len, runs))
    mean = fmean(means)
    if n < 2:
        return mean, math.nan, math.nan
    one_run = float(t.ppf(0.5 + LEVEL / 2, n - 1)) * math.sqrt(fmean(variance(run) for run in runs) / n)
    half = max(one_run, _t_half_width(means))
    return mean, max(-1.0, mean - half), min(1.0, mean + half)


def mean_gap(
    first: tuple[float, float, float], second: tuple[float, float, float], gaps: list[float]
) -> tuple[float, float, float]:
    """first - second for two means with intervals, by MOVER (Zou and Donner, Statistics in Medicine 27, 2008).

    The interval is the hull with the t-interval on `gaps`, one for each seed; where a mean has no interval, neither has
    the difference.
    """
    (a, a_low, a_high), (b, b_low, b_high) = first, second
    half, difference = _t_half_width(gaps), a - b
    below, above = math.hypot(a - a_low, b_high - b), math.hypot(a_high - a, b - b_low)
    if math.isnan(below + above):
        return difference, math.nan, math.nan
    return difference, difference - max(half, below), difference + max(half, above)


def paired_mean(first: list[float], second: list[float]) -> dict[str, float]:
    """Mean of n paired differences: value, low and high (t-interval), p (paired t-test) and detectable, all by name.

    `detectable` is the smallest mean difference that n such pairs show with 80 % power. NaN where n < 2 gives none.
    """
    differences = [one - other for one, other in zip(first, second, strict=True)]
    value, n = fmean(differences), len(differences)
    if n < 2:
        return {"value": value, "n": n} | dict.fromkeys(("low", "high", "p", "detectable"), math.nan)
    error, half = math.sqrt(variance(differences) / n), _t_half_width(differences)
    p = 2 * float(t.sf(abs(value) / error, n - 1)) if error else float(value == 0)
    return {"value": value, "low": value - half, "high": value + half, "p": p, "n": n, "detectable": POWER * error}


def paired_p(first: list[bool], second: list[bool]) -> float:
    """Exact two-sided McNemar test on paired outcomes."""
    pairs = list(zip(first, second, strict=True))
    table = [[sum(p == (a, b) for p in pairs) for b in (True, False)] for a in (True, False)]
    return float(mcnemar(table, exact=True).pvalue)


def detectable(n: int) -> float:
    """The smallest difference of two rates that n prompts each show with 80 % power, at worst (both near one half)."""
    return POWER * math.sqrt(2 * 0.25 / n)


def verdict(low: float, high: float, at_least: float | None = None, at_most: float | None = None) -> str:
    """What an interval says of a bound: holds, does not, or not distinguishable."""
    if at_least is not None:
        return "holds" if low >= at_least else "does not" if high < at_least else "not distinguishable"
    return "holds" if high <= at_most else "does not" if low > at_most else "not distinguishable"


def direction_verdict(low: float, high: float, direction: str) -> str:
    """What the interval of a difference says of its sign: holds, does not, or not distinguishable."""
    if not (low > 0 or high < 0):  # NaN too: there was no valid reply
        return "not distinguishable"
    return "holds" if (low > 0) == (direction == "higher") else "does not"


def _t_half_width(values: list[float]) -> float:
    k = len(values)
    if k < 2:
        return 0.0
    mean = sum(values) / k
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (k - 1))
    return float(t.ppf(0.5 + LEVEL / 2, k - 1)) * deviation / math.sqrt(k)
