"""Clusters: what a mean is worth whose rows share a wording, a template, a person or a training."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np


class Spread(NamedTuple):
    """The variance of a mean, and the degrees of freedom that it is known with."""

    variance: float
    freedom: float


def crossed(values: np.ndarray, groups: Sequence[np.ndarray]) -> Spread:
    """The variance of the mean of `values` (N numbers) whose rows belong to one group of each of several partitions.

    `groups` holds N codes for each partition, such as wordings and trainings. Variances of partitions and of their
    intersections are added and subtracted (Cameron, Gelbach and Miller, Journal of Business & Economic Statistics 29,
    2011), and are never less than the largest of one partition. Degrees of freedom are Satterthwaite's.
    """
    parts = [_one_way(values, codes) for codes in groups]
    total = sum(
        (-1) ** (size + 1) * _one_way(values, _intersection(chosen)).variance
        for size in range(1, len(groups) + 1)
        for chosen in combinations(groups, size)
    )
    variance = max(total, *(part.variance for part in parts))
    doubt = sum(part.variance**2 / part.freedom for part in parts if part.freedom)
    return Spread(variance, variance**2 / doubt if doubt else min(part.freedom for part in parts))


def design_effect(values: np.ndarray, groups: Sequence[np.ndarray]) -> float:
    """The factor by which fewer independent rows would give the same variance (Kish 1965), at least 1."""
    alone = np.var(values, ddof=1) / len(values) if len(values) > 1 else 0.0
    return max(1.0, crossed(values, groups).variance / alone) if alone > 0 else 1.0


def _one_way(values: np.ndarray, codes: np.ndarray) -> Spread:
    """The cluster-robust variance of a mean, with its factor for few groups (Liang and Zeger, Biometrika 73, 1986)."""
    _, places = np.unique(codes, return_inverse=True)
    sums = np.bincount(places, values - values.mean())
    many = len(sums)
    if many < 2:
        return Spread(0.0, 0)
    return Spread(many / (many - 1) * float(sums @ sums) / len(values) ** 2, many - 1)


def _intersection(groups: Sequence[np.ndarray]) -> np.ndarray:
    """Codes of the groups that rows share in every one of several partitions."""
    codes = np.zeros(len(groups[0]), dtype=np.int64)
    for each in groups:
        _, places = np.unique(each, return_inverse=True)
        codes = codes * (int(places.max()) + 1) + places
    return codes
