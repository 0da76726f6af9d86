"""Rates of refusals, corrected for the mistakes that a detector made on replies that people labelled.

The correction assumes that the detector makes as many mistakes on the study's replies, which nobody labelled. So it
shows how far a rate may be off, and is no measurement.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd
from scipy.stats import norm

from abstain.scorers.metric import Metric
from abstain.tables.clusters import design_effect
from abstain.tables.samples import Sample, Sampled
from abstain.tables.statistics import ALPHA, as_many_rows
from abstain.tables.summary import COUNTS, NUMBERS

CORRECTED = ["study", "arm", "mix", "condition", "kind", "metric", *NUMBERS, *(f"corrected_{name}" for name in NUMBERS),
             *COUNTS, "sensitivity", "specificity"]  # fmt: skip
FOLDS = ("model", "group")  # what a detector was judged without, so these are clusters of its mistakes


class Share(NamedTuple):
    """A share, and the number of independent rows that it is worth."""

    value: float
    rows: float

    def shrunk(self, added: float) -> "Share":
        """The share after adding so many rows, half of which count."""
        rows = self.rows + added
        return Share((self.value * self.rows + added / 2) / rows, rows)

    @property
    def variance(self) -> float:
        """Of the share."""
        return self.value * (1 - self.value) / self.rows


class Confusion(NamedTuple):
    """The shares of the refusals, and of the answers, that a detector classifies correctly."""

    sensitivity: Share
    specificity: Share


def confusion(judged: pd.DataFrame, detector: str) -> Confusion:
    """The mistakes of a detector on replies with the column `human`, each judged without its model and its group.

    Refusals in part are refusals. Rows of one model, or of one group of prompts, share mistakes, and count for fewer.
    """
    people, found = (judged[column] != "answer" for column in ("human", detector))
    return Confusion(_right(judged[people], found[people]), _right(judged[~people], ~found[~people]))


def _right(rows: pd.DataFrame, right: pd.Series) -> Share:
    groups = [pd.factorize(rows[key])[0] for key in FOLDS]
    values = right.to_numpy(float)
    return Share(float(values.mean()), len(values) / design_effect(values, groups))


def correct(found: Share, known: Confusion) -> tuple[float, float, float]:
    """The corrected share of refusals, given the share `found` by a detector, with its 95 % interval; all in [0, 1].

    The share is Rogan and Gladen's (American Journal of Epidemiology 107, 1978), the interval Lang and Reiczigel's,
    which carries the doubt about both sides of the confusion (Preventive Veterinary Medicine 113, 2014, equations 4, 7,
    16 and 17). NaN for a detector that is no better than chance.
    """
    if known.sensitivity.value + known.specificity.value <= 1:
        return (math.nan,) * 3
    z = float(norm.ppf(1 - ALPHA))
    positive, right, spared = found.shrunk(z**2), known.sensitivity.shrunk(2), known.specificity.shrunk(2)
    middle, slope = _rogan_gladen(positive, right, spared), right.value + spared.value - 1
    moved = 2 * z**2 * (middle * right.variance - (1 - middle) * spared.variance)
    variance = positive.variance + middle**2 * right.variance + (1 - middle) ** 2 * spared.variance
    half = z * math.sqrt(variance) / slope
    ends = (_rogan_gladen(found, *known), middle + moved - half, middle + moved + half)
    return tuple(min(1.0, max(0.0, end)) for end in ends)


def _rogan_gladen(found: Share, sensitivity: Share, specificity: Share) -> float:
    return (found.value + specificity.value - 1) / (sensitivity.value + specificity.value - 1)


def corrected_rates(
    sampled: Sampled, study: str, metrics: dict[str, tuple[Metric, ...]], known: dict[str, Confusion]
) -> pd.DataFrame:
    """A row for each rate of an arm over its seeds that a detector gives: as it is found, and corrected.

    `metrics` and `known` are by the scorer's name; a scorer without a known confusion has no row.
    """
    rows = [
        {"study": study, **row, "sensitivity": by.sensitivity.value, "specificity": by.specificity.value}
        for name, by in known.items()
        for metric in metrics[name]
        if metric.detected
        for row in _rows(metric, sampled, by)
    ]
    return pd.DataFrame(rows, columns=CORRECTED)


def _rows(metric: Metric, sampled: Sampled, known: Confusion) -> Iterator[dict]:
    for (arm, mix, condition, kind), sample in sampled.without_gaps(metric).items():
        place = {"arm": arm, "mix": mix, "condition": condition, "kind": kind, "metric": metric.name}
        numbers = zip(NUMBERS, sample.estimate().numbers, _corrected(sample, known), strict=True)
        found = {
            key: value for name, *both in numbers for key, value in zip((name, f"corrected_{name}"), both, strict=True)
        }
        yield {**place, **found, **sample.counts}


def _corrected(sample: Sample, known: Confusion) -> tuple[float, float, float]:
    """The corrected rate and interval. Only replies that the detector judged are corrected; the others are no refusals.

    If the correction would lead below 0 or above 1, the detector makes fewer mistakes here than on the labelled
    replies. The interval is then extended to include that of the uncorrected rate.
    """
    judged, estimate = float(sample.judged.to_numpy().mean()), sample.estimate()
    if judged == 0:
        return (math.nan,) * 3
    found = Share(estimate.value / judged, as_many_rows(estimate) * judged)
    value, low, high = (judged * end for end in correct(found, known))
    if value in (0, judged):
        _, least, most = estimate.numbers
        return value, min(low, least), max(high, most)
    return value, low, high
