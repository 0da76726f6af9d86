"""Scored replies by run, and what a metric counts in them."""

import math
from pathlib import Path

import pandas as pd

from abstain.scorers.joint import Joint, is_two_sided
from abstain.scorers.metric import Metric
from abstain.settings.arms import BASE, UNSEEDED

Run = tuple[str, str, str]  # arm, seed, mix
Runs = dict[Run, pd.DataFrame]


def load_runs(scores: list[str], columns: dict[str, type]) -> Runs:
    """Scored replies by (arm, seed, mix), in the order of the paths .../<arm>/<seed>/<mix>/<scorer>.csv.

    The `columns` that the scorers of a run add are joined by id. An empty float is NaN, and so are all floats of a
    scorer that did not read the run. Everything else stays text, even a condition "1" or a reply "007".
    """
    runs: Runs = {}
    for path in map(Path, scores):
        arm, seed, mix = path.parts[-4:-1]
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table = table.assign(**{name: _floats(table[name]) for name in table if columns.get(name) is float})
        if (arm, seed, mix) in runs:
            added = table[["id", *(name for name in table if name in columns)]]
            table = runs[arm, seed, mix].merge(added, on="id", how="left", validate="one_to_one")
        runs[arm, seed, mix] = table
    floats = [name for name, kind in columns.items() if kind is float]
    return {run: table.assign(**{n: math.nan for n in floats if n not in table}) for run, table in runs.items()}


def load_losses(paths: list[str]) -> dict[tuple[str, str], pd.DataFrame]:
    """What trainings wrote down by (arm, seed), in the order of the paths .../<arm>/<seed>/losses.csv."""
    return {path.parts[-3:-1]: pd.read_csv(path) for path in map(Path, paths)}


def _floats(texts: pd.Series) -> pd.Series:
    return pd.to_numeric(texts.where(texts != "")).astype(float)


def outcomes(metric: Metric, runs: Runs, run: Run) -> pd.Series | None:
    """The metric's value of each reply of a run, NaN where it does not count; None where the metric has none.

    A metric that is measured against the base has none for the base itself, nor where the base was not scored. A metric
    that uses something chosen on another mix, such as a threshold, has none on that mix, nor where the run has no
    replies to it. A metric that needs rows to refuse and rows to answer is NaN under a condition that lacks either.
    """
    chooses = isinstance(metric, Joint) and metric.choice is not None
    beside = (*run[:2], metric.mix) if chooses else (BASE, UNSEEDED, run[2])
    if (chooses or metric.needs_base) and (beside == run or beside not in runs):
        return None
    scores = runs[run]
    values = metric.values(scores, runs.get(beside))
    if isinstance(metric, Joint) and metric.both:
        values = values.where(is_two_sided(scores))
    return values[scores.should.isin(metric.should)]
