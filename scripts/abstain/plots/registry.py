"""The plots by name: each module has `needs(record)` and `draw(summary, runs, record, bounds)`.

One that shows differences of arms takes the table of paired comparisons as `comparisons` besides.
"""

from importlib import import_module
from inspect import signature
from types import ModuleType


def load(name: str) -> ModuleType:
    """The module of the plot of this name; raises ModuleNotFoundError for any other name."""
    return import_module(f"abstain.plots.{name}")


def shows_comparisons(name: str) -> bool:
    """Whether the plot of this name takes the table of paired comparisons."""
    return "comparisons" in signature(load(name).draw).parameters
