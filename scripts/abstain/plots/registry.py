"""The plots by name: each module has `needs(record)` and `draw(summary, runs, record)`."""

from importlib import import_module
from types import ModuleType


def load(name: str) -> ModuleType:
    """The module of the plot of this name; raises ModuleNotFoundError for any other name."""
    return import_module(f"abstain.plots.{name}")
