"""The plots by name: each module has `needs(record)` and `draw(summary, runs, record, bounds)`.

A plot of differences between arms also takes the table of paired comparisons, as `comparisons`. A plot of training has
METHODS, the methods of the recipes that it can show, and its `draw` also takes `losses`: the loss table of each (arm,
seed).
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


def methods(name: str) -> tuple[str, ...]:
    """The methods of training that a plot shows; none of a plot that shows replies alone."""
    return getattr(load(name), "METHODS", ())
