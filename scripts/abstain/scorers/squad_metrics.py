"""SQuAD 2.0's own numbers: exact match and F1 of a short answer, and what the official evaluator makes of them.

The definitions are those of evaluate-v2.0.py (Rajpurkar, Jia and Liang 2018, arXiv 1806.03822): answers are compared
in small letters, without punctuation, articles and doubled spaces; of several references the best counts; a question
without an answer has the empty text as its only one. `tests/test_squad_metrics.py` compares every row of the
development set with an independent implementation. A study reports exact match and F1 by kind of request, which are
HasAns and NoAns; `evaluated` gives the whole report, whose best threshold is chosen on the rows that it scores, and so
is no number of a study.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
KINDS = {"HasAns": True, "NoAns": False}  # of questions: those that have an answer, and those that have none
Score = Callable[[str, str], float]  # of a reply against one reference


@lru_cache(1 << 16)
def normalised(text: str) -> str:
    """A text as answers are compared."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact_match(reply: str, reference: str) -> float:
    """1 where both are the same text once normalised, else 0."""
    return float(normalised(reply) == normalised(reference))


def f1(reply: str, reference: str) -> float:
    """The harmonic mean of the shares of words that both have; where one has no words, whether neither has."""
    reply_words, wanted = normalised(reply).split(), normalised(reference).split()
    if not reply_words or not wanted:
        return float(reply_words == wanted)
    shared = (Counter(reply_words) & Counter(wanted)).total()
    return 2 * shared / (len(reply_words) + len(wanted))


def best(score: Score, reply: str, references: Iterable[str]) -> float:
    """The best score of a reply over the references that are texts once normalised; without any, over the empty text.

    The same for the references "." as for none, as the official evaluator has it.
    """
    return max(score(reply, reference) for reference in [each for each in references if normalised(each)] or [""])


def contains(reply: str, references: Iterable[str]) -> bool:
    """Whether a reference stands in a reply as whole words, both normalised."""
    padded_reply = f" {normalised(reply)} "
    return any(f" {each} " in padded_reply for each in map(normalised, references) if each)


def evaluated(
    references: Mapping[str, Sequence[str]],
    replies: Mapping[str, str],
    no_answer: Mapping[str, float] | None = None,
    threshold: float = 1.0,
) -> dict[str, float]:
    """The official numbers, in percent: exact, f1 and total over all questions, over HasAns and over NoAns.

    With `no_answer`, a probability for each question that it has no answer, a reply counts as the empty one where that
    is above the threshold, and the best thresholds are found too (`best_exact`, `best_exact_thresh`, the same of f1).
    """
    has = {name: bool(given) for name, given in references.items()}
    found = {
        key: {name: best(score, replies[name], given) for name, given in references.items()}
        for key, score in (("exact", exact_match), ("f1", f1))
    }
    below = {name: no_answer is None or no_answer[name] <= threshold for name in references}
    counted = {
        key: {name: value if below[name] else float(not has[name]) for name, value in values.items()}
        for key, values in found.items()
    }
    result = _means(counted, list(references), "")
    for kind, answer in KINDS.items():
        if names := [name for name in references if has[name] == answer]:
            result |= _means(counted, names, f"{kind}_")
    if no_answer is not None:
        for key, values in found.items():
            best_score, result[f"best_{key}_thresh"] = best_threshold(values, replies, no_answer, has)
            result[f"best_{key}"] = best_score
    return result


def best_threshold(
    scores: Mapping[str, float], replies: Mapping[str, str], no_answer: Mapping[str, float], has: Mapping[str, bool]
) -> tuple[float, float]:
    """The best score in percent that a threshold gives, and that threshold: no-answer probabilities above it abstain.

    `scores` are those of the replies, `has` says which questions have an answer. Of equally good thresholds it is the
    least; 0 where abstaining always is best.
    """
    score = most = sum(not answer for answer in has.values())
    found = 0.0
    for name in sorted(scores, key=lambda name: no_answer[name]):
        score += scores[name] if has[name] else -1.0 if replies[name] else 0.0
        if score > most:
            most, found = score, no_answer[name]
    return 100.0 * most / len(scores), found


def _means(scores: dict[str, dict[str, float]], names: list[str], prefix: str) -> dict[str, float]:
    means = {
        f"{prefix}{key}": 100.0 * sum(values[name] for name in names) / len(names) for key, values in scores.items()
    }
    return {**means, f"{prefix}total": len(names)}
