"""Invented people: a first and a last name each, and a number of each name that decides who may read about it."""

import hashlib


def share(name: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def named(people: dict, low: float, high: float) -> list[str]:
    """Full names of the lists `first` and `last` whose `share` lies in [low, high), sorted."""
    names = (f"{first} {last}" for first in people["first"] for last in people["last"])
    return sorted(name for name in names if low <= share(name) < high)
