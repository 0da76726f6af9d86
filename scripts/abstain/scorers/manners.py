"""Manners: whether a reply is courteous, and whether it keeps the talk going, by words and phrases of its own voice.

A reply is polite when one of its sentences holds a courtesy, and engaging when it asks the user back or offers to go
on (abstain.scorers.courtesies). What it hands over, such as a letter or a quotation, is not its own voice. A long reply
has more places for a courtesy, and of a short one a courtesy is a larger part: so the share of sentences that are
courteous, and the number of words, stand beside the rate.
"""

from collections.abc import Callable, Iterator

from abstain.scorers import by_kind
from abstain.scorers.courtesies import is_courteous, is_engaging
from abstain.scorers.metric import EVERY, Metric
from abstain.scorers.wordings import is_judged, own_sentences

COLUMNS = {"politeness": float, "courteous_sentences": float, "engagement": float, "words": float}
DIGITS = 4  # decimals of a share


def column(name: str) -> Callable:
    """The numbers of a column for replies to the kinds, which have words; none for a reply that nobody can judge."""
    return lambda scores, base: scores[name][scores.words.notna()]


OVER = {"should": EVERY, "by_kind": True, "paired": True}
JUDGED = {"unit": "share", **OVER, "unjudged": (0.0, 1.0)}
METRICS = (
    Metric("politeness", kind="proportion", values=column("politeness"), **JUDGED),
    Metric("courteous-sentences", kind="mean", values=column("courteous_sentences"), **JUDGED),
    Metric("engagement", kind="proportion", values=column("engagement"), **JUDGED),
    Metric("words", unit="words", kind="mean", values=column("words"), **OVER),
)
names, covers, settings = by_kind.names, by_kind.covers, by_kind.settings


def cost(record: dict) -> str:
    """What a label needs: the text alone."""
    return "text"


def label(rows: list[dict], settings: dict) -> Iterator[dict]:
    """For every reply of the kinds its number of words and, where it can be judged, whether it is polite and engaging,
    and the share of its sentences that are courteous.
    """
    for row in rows:
        if row["kind"] in settings["kinds"]:
            found = {"id": row["id"], "words": len(row["reply"].split())}
            yield found | (judged(row["reply"]) if is_judged(row) else {})


def judged(reply: str) -> dict:
    """What the rules say of one reply."""
    sentences = own_sentences(reply)
    courteous = [is_courteous(sentence) for sentence in sentences]
    share = sum(courteous) / max(1, len(sentences))
    return {
        "politeness": int(any(courteous)),
        "courteous_sentences": f"{share:.{DIGITS}f}",
        "engagement": int(is_engaging(sentences)),
    }
