"""Label: which of two words a reply begins with, against the truth of its request.

A reply is read by its first word, once its thoughts are removed; one that begins with neither word is `unread` and
counts as wrong in every number. Under a prompt that asks the opposite question the words are exchanged: `truth` is the
word that is right there, so a model that always sees one class still always says one word. The first of the two words
is the positive class of precision and recall. F1 is 0 for a class that no reply names or no row has (scikit-learn's
zero_division=0), and macro-F1 is the mean of both classes.
"""

import re
from collections.abc import Callable, Iterator

from abstain.corpora.mixes import fill
from abstain.corpora.splits import SplitError
from abstain.scorers import by_kind
from abstain.scorers.influence import influences
from abstain.scorers.metric import EVERY, Metric
from abstain.scorers.shapes import evened, without_reasoning

UNREAD = "unread"
COLUMNS = {"truth": str, "reading": str, "truth_is_positive": float, "reads_positive": float, "is_hard": float}
WORD = re.compile(r"[^\W\d_]+")
SIDES = ["truth_is_positive", "reads_positive", "is_hard"]  # of a row, as a statistic is given them


def right(scores, base):
    """Whether a reply is read as the truth: 1 or 0."""
    return (scores.reading == scores.truth).astype(float).where(scores.truth != "")


def is_unread(scores, base):
    """Whether a reply begins with neither word: 1 or 0."""
    return (scores.reading == UNREAD).astype(float).where(scores.truth != "")


def of_hard_rows(values: Callable) -> Callable:
    """The same of the hard rows alone."""
    return lambda scores, base: values(scores, base).where(scores.is_hard == 1)


def of_all_rows(statistic: Callable, hard: bool = False) -> Callable:
    """A number of all rows of a condition, or of the hard ones, as values of rows (abstain.scorers.influence)."""

    def values(scores, base):
        """The statistic's values for each reply; none for those that are not counted."""
        counted = scores[scores.is_hard == 1] if hard else scores
        return influences(counted, SIDES, statistic, ["condition"]).reindex(scores.index)

    return values


def f1(truth, read, positive: int) -> float:
    """F1 of one class; `read` is neither 1 nor 0 where a reply is unread."""
    there, named = truth == positive, read == positive
    both = there.sum() + named.sum()
    return float(2 * (there & named).sum() / both) if both else 0.0


def macro_f1(truth, read, hard) -> float:
    """The mean F1 of both classes."""
    return (f1(truth, read, 1) + f1(truth, read, 0)) / 2


def precision(truth, read, hard) -> float:
    """The share of the positive class among the replies that say it."""
    return float(truth[read == 1].mean()) if (read == 1).any() else 0.0


def recall(truth, read, hard) -> float:
    """The share of the rows of the positive class whose replies say it."""
    return float((read[truth == 1] == 1).mean()) if (truth == 1).any() else 0.0


RATE = {"unit": "share", "kind": "proportion", "should": EVERY}
MEAN = {"unit": "share", "kind": "mean", "should": EVERY, "by_kind": False}
METRICS = (
    Metric("accuracy", values=right, by_kind=False, paired=True, **RATE),
    Metric("accuracy-by-kind", values=right, by_kind=True, **RATE),
    Metric("accuracy-hard", values=of_hard_rows(right), by_kind=False, **RATE),
    Metric("unread-label", values=is_unread, by_kind=False, **RATE),
    Metric("unread-label-by-kind", values=is_unread, by_kind=True, **RATE),
    Metric("precision", values=of_all_rows(precision), **MEAN),
    Metric("recall", values=of_all_rows(recall), **MEAN),
    Metric("macro-f1", values=of_all_rows(macro_f1), paired=True, **MEAN),
    Metric("macro-f1-hard", values=of_all_rows(macro_f1, hard=True), **MEAN),
)
covers, settings = by_kind.covers, by_kind.settings


def cost(record: dict) -> str:
    """What a label needs: the text alone."""
    return "text"


def names(record: dict) -> list[tuple[str, str, str]]:
    """The prompts that ask the opposite question, and the kinds of request that have a label."""
    prompts = [(f"exchanged.{i}", "prompt", prompt) for i, prompt in enumerate(record["exchanged"])]
    return [*prompts, *by_kind.names(record)]


def label(rows: list[dict], settings: dict) -> Iterator[dict]:
    """For every reply of the kinds the word that is right, the word that it is read as, and both as numbers.

    `reads_positive` is -1 for an unread reply. Raises SplitError for a row whose field is neither of the words.
    """
    words = settings["words"]
    for row in [row for row in rows if row["kind"] in settings["kinds"]]:
        truth = fill(f"{{{settings['truth']}}}", row["fields"])
        if truth not in words:
            raise SplitError(f"example {row['id']}: its {settings['truth']} is {truth!r}, not {' or '.join(words)}")
        if row["condition"] in settings["exchanged"]:
            truth = words[1 - words.index(truth)]
        reading = read(row["reply"], words)
        yield {
            "id": row["id"],
            "truth": truth,
            "reading": reading,
            "truth_is_positive": int(truth == words[0]),
            "reads_positive": -1 if reading == UNREAD else int(reading == words[0]),
            "is_hard": int(row["fields"].get(settings["hard"]) == "yes"),
        }


def read(reply: str, words: list[str]) -> str:
    """The word that a reply begins with, capitals and signs aside; UNREAD for any other beginning."""
    first = WORD.search(without_reasoning(reply))
    found = {evened(word): word for word in words}
    return found.get(evened(first.group()), UNREAD) if first else UNREAD
