"""Metrics of all rows of a condition together, such as an F1, and of what was chosen on the rows of another mix.

They are metrics like any other. Three places treat them apart: `metrics_of` writes the name of the other mix, which the
scorer's record has, into the metric; `abstain.tables.runs` hands over the rows of that mix, and gives no number where
rows of both sides are needed and one side has none; `abstain.studies.metrics` says which of them a study has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from abstain.scorers.metric import Metric, metrics

TRUTH = {"refuse": 1.0, "answer": 0.0}  # whether a row should be refused; of others nothing is said


@dataclass(frozen=True)
class Joint(Metric):
    """A number of all rows of a condition, whose values are those of `abstain.scorers.influence`.

    `values` is a function of the run's scores and, with `choice`, of the same run's scores on another mix.
    """

    both: bool = False  # needs rows that should be refused and rows that should be answered
    choice: str | None = None  # key of the scorer's record that names the mix on which something is chosen, or null
    mix: str | None = None  # that mix, once the record is read


def metrics_of(scorers: Mapping[str, dict]) -> dict[str, tuple[Metric, ...]]:
    """The metrics of each scorer, by its name, from the records of the scorers."""
    return {
        name: tuple(_bound(metric, scorers[name]) for metric in each) for name, each in metrics(list(scorers)).items()
    }


def _bound(metric: Metric, record: dict) -> Metric:
    chooses = isinstance(metric, Joint) and metric.choice is not None
    return replace(metric, mix=record[metric.choice]) if chooses else metric


def is_two_sided(scores):
    """Whether there are rows to refuse and rows to answer under the condition of each row, as a Series."""
    return scores.should.map(TRUTH).groupby(scores.condition).transform("nunique") == len(TRUTH)


def together(columns: list[str], statistic: str, rows: Callable) -> Callable:
    """The `values` of a metric: those of a statistic of `abstain.scorers.discrimination`, by condition.

    `columns` are its arguments; `rows` gives the scores with them, from the scores and what comes beside them.
    """

    def values(scores, beside):
        """The statistic's values for each row."""
        from abstain.scorers import discrimination
        from abstain.scorers.influence import influences

        return influences(rows(scores, beside), columns, getattr(discrimination, statistic), ["condition"])

    return values
