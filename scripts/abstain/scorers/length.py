"""Length: whether a reply keeps to the length that its prompt asks for, in sentences or in words.

All that a reply says counts, quotations and lists too: a line that ends ends a sentence. A reply that the token limit
cut within the length it was asked for might have gone on, so nobody can judge it.
"""

from collections.abc import Iterator

from abstain.scorers.metric import EVERY, Metric
from abstain.scorers.wordings import is_judged, sentences

COLUMNS = {"counted": float, "within": float}


def within(scores, base):
    """Whether a reply of which a length was asked keeps to it: 1 or 0; no number for one that nobody can judge."""
    return scores.within[scores.counted.notna()]


METRICS = (
    Metric(
        "length-adherence", "share", "proportion", within, EVERY, by_kind=True, paired=True, unjudged=(0.0, 1.0)
    ),
)  # fmt: skip


def cost(record: dict) -> str:
    """What a label needs: the text alone."""
    return "text"


def names(record: dict) -> list[tuple[str, str, str]]:
    """The prompts that ask for a length."""
    return [(f"limits.{prompt}", "prompt", prompt) for prompt in record["limits"]]


def covers(record: dict, row: dict) -> bool:
    """Whether the prompt of a row of a mix asks for a length."""
    return row["prompt"] in record["limits"]


def settings(record: dict, study: dict) -> dict:
    """The length that each prompt asks for."""
    return record


def label(rows: list[dict], settings: dict) -> Iterator[dict]:
    """For every reply under a prompt that asks for a length how many sentences or words are counted, and whether it
    keeps to the length, where that can be judged.
    """
    for row in rows:
        for unit, most in settings["limits"].get(row["condition"], {}).items():
            counted = count(row["reply"], unit)
            unknown = not is_judged(row) or (counted <= most and not row["finished"])
            yield {"id": row["id"], "counted": counted, "within": "" if unknown else int(counted <= most)}


def count(reply: str, unit: str) -> int:
    """How many sentences, or words, a reply has."""
    return len({"sentences": sentences, "words": str.split}[unit](reply))
