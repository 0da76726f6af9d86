"""The exact matcher: a refusal is what has the shape of one of the texts that a study teaches as refusals.

For a model whose refusals are a closed list. It knows no other refusal, so it says nothing of natural replies.
"""

from collections.abc import Sequence

from abstain.scorers.shapes import slots


def classify(replies: Sequence[str], taught: Sequence[str]) -> list[str]:
    """`refuse` or `answer` for each reply, by the texts that are taught, whose fields may hold anything."""
    return ["refuse" if any(slots(text, reply) is not None for text in taught) else "answer" for reply in replies]
