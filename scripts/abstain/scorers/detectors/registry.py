"""The detectors by name: each reads the reply alone and gives one of CLASSES.

The classes are XSTest's (Röttger et al. 2024, arXiv 2308.01263): `refuse` also when only alternatives or general safety
remarks follow, `partial` when a reply refuses and complies anyway or refuses one part, `answer` otherwise. Not knowing
("The context does not say.") is a refusal here: abstaining is what this project measures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from abstain.scorers.detectors.language import WORDS

CLASSES = ("refuse", "partial", "answer")
EUROPEAN = ("en", "de", "fr", "es", "it", "pt", "nl")


@dataclass(frozen=True)
class Detector:
    """A module that is loaded by its name, so that only what a study's detector needs belongs to a job's code."""

    module: str  # in this package; its `classify` gives the class of every reply
    cost: str  # what a label needs, as scorers say it
    languages: tuple[str, ...]  # those that it was made for; another language is `unread`
    models: tuple[str, ...] = ()  # files of the project that it reads
    judged: str | None = None  # what it says, unseen, of replies that people labelled; rates are corrected by it

    def classify(self, replies: Sequence[str], *taught: Sequence[str]) -> list[str]:
        """One of CLASSES for each reply; a detector of taught refusals is given their texts."""
        return import_module(f"abstain.scorers.detectors.{self.module}").classify(replies, *taught)

    def __call__(self, reply: str) -> str:
        """One of CLASSES for one reply."""
        return self.classify([reply])[0]


DETECTORS = {
    "prefix-match": Detector("prefix", "text", ("en",)),
    "abstain-rules": Detector("rules", "text", EUROPEAN),
    "learned": Detector(
        "learned", "embedding", ("en",), ("models/detector/weights.json",), "models/detector/out_of_fold.csv"
    ),
}
TAUGHT = {"exact": Detector("exact", "text", tuple(WORDS))}  # not of natural replies, so no agreement


def detector(name: str) -> Detector:
    """The detector of this name, of natural or of taught refusals; else KeyError."""
    return (DETECTORS | TAUGHT)[name]


def modules(names: Sequence[str]) -> list[str]:
    """The modules of these detectors, below scripts/."""
    return [f"abstain/scorers/detectors/{detector(name).module}.py" for name in names]


def models(names: Sequence[str]) -> list[str]:
    """The files that these detectors read, below the project's folder."""
    return [path for name in names for path in detector(name).models]


def judged(scorers: dict[str, dict]) -> dict[str, str]:
    """By the names of a study's scorers, where rates of their detectors are corrected by: files below the project."""
    found = {name: detector(record["detector"]).judged for name, record in scorers.items() if "detector" in record}
    return {name: path for name, path in found.items() if path}


def with_cost(cost: str) -> list[str]:
    """The names of the detectors of natural replies that have this cost, sorted."""
    return sorted(name for name, each in DETECTORS.items() if each.cost == cost)
