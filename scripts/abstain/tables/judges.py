"""Judges: for each label that readers give, the detectors and rules that also say yes or no to a reply.

A judge takes a table of replies, with the columns of the study's scorers where they are replies of a run, and the
records of these scorers; it returns booleans for the rows, by the name of the detector or rule.
"""

import pandas as pd

from abstain.scorers.detectors.registry import with_cost
from abstain.scorers.length import count
from abstain.scorers.manners import judged as manners_of
from abstain.scorers.refusal import judged as refusals_of
from abstain.settings.labels import LABELS

REFUSED = ("refuse", "partial")
Found = dict[str, pd.Series]


def refusals(rows: pd.DataFrame, scorers: dict) -> Found:
    """Who refuses, in whole or in part: by the study's own detector, and by those that need the text alone."""
    own = scorers["refusal"]["detector"]
    found = {own: rows.behaviour.isin(REFUSED)} if "behaviour" in rows else {}
    cut = rows.cut == 1 if "cut" in rows else pd.Series(False, rows.index)
    for name in with_cost("text"):
        if name not in found:
            classes = [kind for kind, _ in refusals_of(list(rows.reply), cut, name)]
            found[name] = pd.Series(classes, rows.index, dtype=str).isin(REFUSED)
    return found


def topics(rows: pd.DataFrame, scorers: dict) -> Found:
    """Which replies the scorer `relevance` takes for on topic."""
    return {"relevance": rows.on_topic == 1} if "on_topic" in rows else {}


def manners(key: str):
    """The judge of what the scorer `manners` says under a key."""
    return lambda rows, scorers: {"manners": rows.reply.map(lambda reply: manners_of(reply)[key] == 1).astype(bool)}


def lengths(rows: pd.DataFrame, scorers: dict) -> Found:
    """Which replies the scorer `length` takes to have at most so many (`most`) of a `unit`, sentences or words."""
    within = [count(*pair) <= int(most) for *pair, most in zip(rows.reply, rows.unit, rows.most, strict=True)]
    return {"length": pd.Series(within, rows.index, dtype=bool)}


JUDGES = dict(zip(LABELS, (refusals, topics, manners("politeness"), manners("engagement"), lengths), strict=True))
