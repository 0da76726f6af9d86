"""What a scorer measures: a metric says how scored replies are counted, and tables count every metric alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType


@dataclass(frozen=True)
class Metric:
    """One number of the summary, and how it comes from the scored replies of a run.

    A metric of kind "proportion" is a share of rows whose values are 0 or 1, a "difference" is of two such shares over
    the same rows, a "mean" is over values of any size, and "pooled" is one number from all rows, such as the least
    value; it has no interval.
    """

    name: str
    unit: str  # "share", "cosine" or "nats"
    kind: str  # "proportion", "difference", "mean" or "pooled"
    values: Callable  # (scores, the base's scores or None) -> Series of floats, NaN for a row without a value
    should: tuple[str, ...]  # right behaviours of the rows that it is over
    by_kind: bool  # one value for each kind of request, else one for all
    needs_base: bool = False  # is measured against the base's replies, so the base has none
    gap: str | None = None  # name of the difference of this metric between the two prompts of a gap
    paired: bool = False  # whether arms are compared by it, reply by reply
    pool: Callable | None = None  # of kind "pooled": (Series) -> float
    detected: bool = False  # whether a detector of refusals decides what counts, whose mistakes may be corrected for
    unjudged: tuple[float, float] | None = None  # what a row without a value might have; else it is not counted at all


EVERY = ("refuse", "answer", "either")  # right behaviours, as examples name them


def load(name: str) -> ModuleType:
    """The module of the scorer of this name; else ModuleNotFoundError."""
    return import_module(f"abstain.scorers.{name}")


def metrics(names: Iterable[str]) -> dict[str, tuple[Metric, ...]]:
    """The metrics of each of these scorers, by the scorer's name."""
    return {name: load(name).METRICS for name in names}


def columns(names: Iterable[str]) -> dict[str, type]:
    """What these scorers add to score files: the type of each column."""
    return {column: kind for name in names for column, kind in load(name).COLUMNS.items()}
