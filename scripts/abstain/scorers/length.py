"""Length: whether a reply keeps to the length that its prompt asks for, in sentences or in words.

All that a reply says counts, quotations and lists too: a line that ends ends a sentence. A reply that the token limit
cut within the length it was asked for might have gone on, so nobody can judge it.
"""

from collections.abc import Iterator

from abstain.scorers.metric import EVERY, Metric
from abstain.scorers.wordings import is_judged, sentences

COLUMNS = {"within": float}


def within(scores, base):
    """Whether a reply keeps to its length: 1 or 0; no number for one that nobody can judge."""
    return scores.within


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
    """For every reply under a prompt that asks for a length whether it keeps to it, where that can be judged."""
    for row in rows:
        if limit := settings["limits"].get(row["condition"]):
            keeps = keeps_to(row["reply"], limit)
            unknown = not is_judged(row) or (keeps and not row["finished"])
            yield {"id": row["id"], "within": "" if unknown else int(keeps)}


def keeps_to(reply: str, limit: dict[str, int]) -> bool:
    """Whether a reply has at most limit["sentences"] sentences, or limit["words"] words."""
    (unit, most), counts = next(iter(limit.items())), {"sentences": sentences, "words": str.split}
    return len(counts[unit](reply)) <= most
