"""Judging: how sure it is that a number is on one side of a bound, and the word for it.

Replies that nobody could judge are counted once for and once against a claim, and the weaker evidence is used. Holm's
method keeps the chance of a wrong verdict in a family of claims at 5 % (Scandinavian Journal of Statistics 6, 1979).
"""

import math
from typing import NamedTuple

import numpy as np
from statsmodels.stats.multitest import multipletests

from abstain.settings.arms import UNSEEDED
from abstain.tables.samples import Sample
from abstain.tables.statistics import ALPHA, detectable, tail

HOLDS, FAILS, UNDECIDED, NOT_MEASURED = "holds", "does not", "not distinguishable", "not measured"
LEAST_ROWS, LEAST_CLUSTERS, LEAST_SEEDS = 100, 30, 3


class Evidence(NamedTuple):
    """One-sided p of a claim, and of its contrary."""

    true: float
    false: float


def too_few(*sides: Sample) -> str:
    """Why samples are too few to judge by; empty when they are not."""
    for sample in sides:
        counts = sample.counts
        if counts["n"] < LEAST_ROWS:
            return f"{counts['n']} rows, {LEAST_ROWS} are needed"
        if (finest := max(len(np.unique(codes)) for codes in sample.groups)) < LEAST_CLUSTERS:
            return f"{finest} clusters, {LEAST_CLUSTERS} are needed"
        if len(sample.seeds) < LEAST_SEEDS and sample.seeds != [UNSEEDED]:
            return f"{len(sample.seeds)} seeds, {LEAST_SEEDS} are needed"
    return ""


def beyond(sample: Sample, bound: float, above: bool) -> Evidence:
    """How sure it is that a number is above a bound (or below), whatever the replies were that nobody could judge."""
    least, most = sample.estimate("least"), sample.estimate("most")
    against, favour = (least, most) if above else (most, least)
    return Evidence(tail(against, bound, above), tail(favour, bound, not above))


def within(sample: Sample, margin: float) -> Evidence:
    """How sure it is that a difference is smaller than a margin: two one-sided tests (Schuirmann 1987)."""
    low, high = beyond(sample, -margin, above=True), beyond(sample, margin, above=False)
    return Evidence(max(low.true, high.true), min(1.0, 2 * min(low.false, high.false)))


def smallest(sample: Sample) -> float:
    """The smallest difference from 0 that `beyond` finds four times in five, whichever its sign is."""
    value = sample.estimate().value
    worst = (sample.estimate(side) for side in ("least", "most"))
    return max(abs(value - each.value) + detectable(each.error, each.freedom) for each in worst)


def both(parts: list[Evidence]) -> Evidence:
    """Evidence for several claims at once: the largest p of `true`, and the smallest of `false` times their number."""
    return Evidence(max(part.true for part in parts), min(1.0, len(parts) * min(part.false for part in parts)))


def family(found: list[Evidence | None]) -> list[str]:
    """The verdict on each claim of a family; None is one that was not measured."""
    judged = [each for each in found if each is not None]
    true, false = (_adjusted([each[side] for each in judged]) for side in (0, 1))
    verdicts = iter([_verdict(*pair) for pair in zip(true, false, strict=True)])
    return [NOT_MEASURED if each is None else next(verdicts) for each in found]


def _adjusted(values: list[float]) -> list[float]:
    """Holm's adjusted p; a NaN counts as a test with p = 1."""
    if not values:
        return []
    filled = [1.0 if math.isnan(p) else p for p in values]
    return list(multipletests(filled, alpha=ALPHA, method="holm")[1])


def _verdict(true: float, false: float) -> str:
    return HOLDS if true <= ALPHA else FAILS if false <= ALPHA else UNDECIDED
