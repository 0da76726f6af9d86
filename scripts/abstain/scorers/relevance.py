"""Relevance: whether a reply is about its own question, more than about nearly all others, by sentence embeddings.

A reply is on topic when its cosine with its question is larger than that with all but a share `below` of the other
questions of the same mix; one that has fewer than two words is off topic. No answer is known here, and none is asked
for: a reply that repeats its question is on topic, and a wrong answer may be.
"""

from collections.abc import Iterator
from itertools import chain

from abstain.models.sentences import DIGITS, embeddings
from abstain.scorers import by_kind
from abstain.scorers.metric import EVERY, Metric
from abstain.scorers.shapes import without_reasoning

COLUMNS = {"nearer": float, "on_topic": float}


def on_topic(scores, base):
    """Whether a reply is on topic: 1 or 0; no number for one without a label."""
    return scores.on_topic


METRICS = (Metric("on-topic", "share", "proportion", on_topic, EVERY, by_kind=True, paired=True),)
names, covers, settings = by_kind.names, by_kind.covers, by_kind.settings


def cost(record: dict) -> str:
    """What a label needs: a model of sentence embeddings."""
    return "embedding"


def label(rows: list[dict], settings: dict) -> Iterator[dict]:
    """For every reply of the kinds the share of other questions that are at least as near, and whether it is on topic.

    The questions are those of all rows, each once.
    """
    questions = sorted({row["fields"]["question"] for row in rows})
    selected_rows = [row for row in rows if row["kind"] in settings["kinds"]]
    replies = {row["id"]: without_reasoning(row["reply"]) for row in selected_rows}
    vectors = embeddings(chain(questions, replies.values()))
    for row in selected_rows:
        reply = replies[row["id"]]
        nearer = share_nearer(vectors[reply], row["fields"]["question"], questions, vectors)
        speaks = len(reply.split()) > 1
        yield {
            "id": row["id"],
            "nearer": f"{nearer:.{DIGITS}f}",
            "on_topic": int(speaks and nearer < settings["below"]),
        }


def share_nearer(vector, own: str, questions: list[str], vectors: dict) -> float:
    """The share of the other questions whose cosine with a vector is at least that of its own; 0 without others."""
    cosines = {question: round(float(vector @ vectors[question]), DIGITS) for question in questions}
    others = [cosine for question, cosine in cosines.items() if question != own]
    return sum(cosine >= cosines[own] for cosine in others) / len(others) if others else 0.0
