"""The learned detector: a logistic regression on cues and on how near a reply's sentences are to sentences of a list.

`models/detector` holds its weights and says how they were made and judged. In a reply of a few sentences, which the
labelled replies hardly have, a refusal by the project's rules is one too. It tells refusals, whole or in part, from
answers; it gives no `partial`.
"""

from collections.abc import Iterable, Sequence
from math import fsum
from pathlib import Path

from abstain.jobs.files import read_json
from abstain.models.sentences import DIGITS, embeddings
from abstain.scorers.detectors import cues
from abstain.scorers.detectors.rules import abstain_rules
from abstain.scorers.detectors.voice import own

MODEL = Path(__file__).resolve().parents[4] / "models/detector/weights.json"
SHORT = 3  # sentences at most
PLACES = ("first", "opening", "any", "mean")  # of a reply's sentences, as cues have it, and of all that are read


def classify(replies: Sequence[str]) -> list[str]:
    """`refuse` or `answer` for each reply."""
    return decided(replies, scores(replies))


def decided(replies: Sequence[str], scores: Iterable[float]) -> list[str]:
    """The class of each reply by its score, or where it is short by the rules too."""
    refuses = [score > 0 or short_refusal(reply) for reply, score in zip(replies, scores, strict=True)]
    return ["refuse" if each else "answer" for each in refuses]


def short_refusal(reply: str) -> bool:
    """Whether a reply has few sentences, and the rules take it for a refusal, whole or in part."""
    return len(cues.sentences(own(reply))) <= SHORT and abstain_rules(reply) != "answer"


def scores(replies: Sequence[str]) -> list[float]:
    """The log-odds of a refusal for each reply, by the weights of the project's model."""
    if not replies:
        return []
    model = read_json(MODEL)
    (rows,) = features(replies, model["sentences"])
    weights = [model["weights"][name] for name in names(model["sentences"])]
    return [fsum([model["intercept"], *(w * x for w, x in zip(weights, row, strict=True))]) for row in rows]


def names(sentences: dict[str, list[str]]) -> list[str]:
    """The names of the features, in their order."""
    return [*cues.NAMES, *(f"near {kind}, {place}" for kind in sentences for place in PLACES)]


def features(replies: Sequence[str], sentences: dict[str, list[str]], heads: Sequence[int | None] = (None,)) -> list:
    """The features of each reply: those of its cues, and cosines of all-MiniLM-L6-v2 (arXiv 1908.10084).

    `sentences` are the texts, by their kind, with which a reply's own are compared. For each of `heads` there is a list
    with a row for each reply: of the whole reply for None, else as if it ended after so many sentences.
    """
    texts = [own(reply) for reply in replies]
    by_reply = [cues.sentences(text) for text in texts]
    vectors = embeddings(
        text for listed in (*(each[: cues.READ] for each in by_reply), *sentences.values()) for text in listed
    )
    vectors = {text: vector.astype(float) for text, vector in vectors.items()}
    near = [_nearest(each[: cues.READ], sentences, vectors) for each in by_reply]
    return [
        [
            [*cues.features(each[:head], text if head is None else ""), *_where(nearest, head)]
            for text, each, nearest in zip(texts, by_reply, near, strict=True)
        ]
        for head in heads
    ]


def _nearest(reply_sentences: list[str], sentences: dict[str, list[str]], vectors: dict) -> list[list[float]]:
    """For each kind the cosine of each sentence of a reply with the nearest sentence of that kind."""
    return [
        [max(round(float(vectors[text] @ vectors[each]), DIGITS) for each in listed) for text in reply_sentences]
        for listed in sentences.values()
    ]


def _where(nearest: list[list[float]], head: int | None) -> list[float]:
    """For each kind the cosine at each of PLACES; 0 where nothing is said."""
    found = []
    for each in (kind[:head] or [0.0] for kind in nearest):
        found += [each[0], max(each[: cues.OPENING]), max(each), fsum(each) / len(each)]
    return found
