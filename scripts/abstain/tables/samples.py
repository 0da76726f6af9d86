"""Samples: what a metric counts of each reply, requests in rows and runs in columns, and what it might have counted."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd

from abstain.scorers.metric import Metric
from abstain.settings.arms import ALL, UNSEEDED
from abstain.tables.runs import Runs, outcomes
from abstain.tables.statistics import Estimate, difference_of, mean_of, rate_of

Cell = tuple[str, str, str, str]  # arm, mix, condition or gap, kind of request


@dataclass(frozen=True)
class Sample:
    """The values of a metric; one that nobody could judge counts as 0, and may be all from `least` to `most`."""

    values: pd.DataFrame  # index: requests; columns: seeds
    least: pd.DataFrame
    most: pd.DataFrame
    judged: pd.DataFrame  # booleans
    clusters: pd.DataFrame  # index: requests; columns: the fields that rows share
    kind: str  # of the metric, or "difference" (of two proportions, or of their differences) or "change" (of means)

    @property
    def seeds(self) -> list[str]:
        """The runs."""
        return list(self.values.columns)

    @cached_property
    def groups(self) -> list[np.ndarray]:
        """The partitions of the rows; a row that shares nothing is a group of its own."""
        alone = pd.Series(self.clusters.index, index=self.clusters.index)
        found = [pd.factorize(each.where(each != "", alone))[0] for _, each in self.clusters.items()]
        return found or [np.arange(len(self.values))]

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows, the least number judged in a run, and the least number of clusters in a partition."""
        few = min(len(np.unique(codes)) for codes in self.groups) if len(self.values) else 0
        return {"n": len(self.values), "judged": int(self.judged.sum().min()), "clusters": few}

    def of(self, seed: str) -> "Sample":
        """One run of it."""
        place = self.seeds.index(seed)
        parts = (frame.take([place], axis=1) for frame in (self.values, self.least, self.most, self.judged))
        return Sample(*parts, self.clusters, self.kind)

    def minus(self, other: "Sample") -> "Sample":
        """The differences on the shared requests, seed by seed; an unseeded run is compared with each seeded one."""
        requests = self.values.index[self.values.index.isin(other.values.index)]
        seeds = [seed for seed in self.seeds if seed in other.seeds]
        seeds = seeds or (other.seeds if self.seeds == [UNSEEDED] else self.seeds)

        def side(frame: pd.DataFrame) -> pd.DataFrame:
            """The shared requests, with a column for each shared seed."""
            columns = [UNSEEDED] * len(seeds) if list(frame) == [UNSEEDED] else seeds
            return frame.loc[requests, columns].set_axis(seeds, axis=1)

        return Sample(
            side(self.values) - side(other.values), side(self.least) - side(other.most),
            side(self.most) - side(other.least), side(self.judged) & side(other.judged),
            self.clusters.loc[requests], "change" if self.kind in ("mean", "change") else "difference",
        )  # fmt: skip

    def estimate(self, worst: str = "values") -> Estimate:
        """The number with its interval; `worst` is "least" or "most" for what it may be where nobody could judge."""
        methods = {"proportion": rate_of, "mean": mean_of, "change": mean_of, "difference": difference_of}
        method = methods[self.kind]
        return method(getattr(self, worst).to_numpy(float), self.groups)


class Sampled:
    """The samples of each metric of a study, made once however many tables ask for them.

    `clusters` are the fields that requests share; `gaps` are pairs of prompts, by name.
    """

    def __init__(self, runs: Runs, clusters: list[str], gaps: dict[str, list[str]]):
        self.runs, self.gaps = runs, gaps
        self.of = cache(lambda metric: samples(metric, runs, clusters, gaps))

    def without_gaps(self, metric: Metric) -> dict[Cell, Sample]:
        """The samples of the prompts alone, without those of the gaps between them."""
        return {cell: sample for cell, sample in self.of(metric).items() if cell[2] not in self.gaps}


def samples(metric: Metric, runs: Runs, clusters: list[str], gaps: dict[str, list[str]]) -> dict[Cell, Sample]:
    """The samples of a metric by cell, in the order of the runs and of the requests; then those of its gaps."""
    found: dict[Cell, dict[str, pd.DataFrame]] = {}
    for (arm, seed, mix), scores in runs.items():
        values = outcomes(metric, runs, (arm, seed, mix))
        if values is not None:
            rows = scores.loc[values.index].assign(outcome=values)
            kinds = rows.kind if metric.by_kind else pd.Series(ALL, index=rows.index)
            for (condition, kind), group in rows.groupby([rows.condition, kinds], sort=False):
                found.setdefault((arm, mix, condition, kind), {})[seed] = group.set_index("request")
    result = {cell: sample_of(metric, by_seed, clusters) for cell, by_seed in found.items()}
    return {cell: sample for cell, sample in (result | _gaps(metric, result, gaps)).items() if len(sample.values)}


def sample_of(metric: Metric, by_seed: dict[str, pd.DataFrame], clusters: list[str]) -> Sample:
    """The sample of one cell from the scored replies of its runs, which answered the same requests."""
    values = pd.DataFrame({seed: group.outcome for seed, group in by_seed.items()})
    if metric.unjudged is None:  # a row without a value does not count for this metric
        values = values.dropna()
    least, most = metric.unjudged or (0.0, 0.0)
    shared = next(iter(by_seed.values())).loc[values.index, clusters]
    shared = shared[[field for field in clusters if (shared[field] != "").any()]]  # what another corpus has alone
    return Sample(values.fillna(0.0), values.fillna(least), values.fillna(most), values.notna(), shared, metric.kind)


def _gaps(metric: Metric, found: dict[Cell, Sample], gaps: dict[str, list[str]]) -> dict[Cell, Sample]:
    """The differences between the two prompts of each gap, where both were asked for a kind of request."""
    if metric.gap is None:
        return {}
    return {
        (arm, mix, name, kind): found[arm, mix, first, kind].minus(found[arm, mix, second, kind])
        for name, (first, second) in gaps.items()
        for arm, mix, condition, kind in found
        if condition == first and (arm, mix, second, kind) in found
    }


def named(metric: Metric, condition: str, gaps: Iterable[str]) -> str:
    """The name under which the summary has the number of a cell."""
    return metric.gap if condition in gaps and metric.gap else metric.name
