"""Factual: whether an answer that is known to be right stands in a reply, as whole words.

Nothing else is asked of the reply: one that names several answers, or denies the right one, counts as right too.
Capitals, accents, articles and punctuation do not count; small and round numbers are the same in digits and in words.
"""

import re
import unicodedata
from collections.abc import Iterator

from abstain.scorers import by_kind
from abstain.scorers.metric import EVERY, Metric
from abstain.scorers.shapes import without_reasoning
from abstain.scorers.wordings import is_judged

COLUMNS = {"known": float, "factual": float}
ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
ONES += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred"]
NUMBERS = dict(enumerate(ONES)) | {10 * place: word for place, word in enumerate(TENS, start=2)}
WORDS = {str(number): word for number, word in NUMBERS.items()}
ARTICLES = frozenset(("a", "an", "the"))


def right(scores, base):
    """Whether a right answer, where some are known, stands in a reply: 1 or 0; none for one that nobody can judge."""
    return scores.factual[scores.known.notna()]


METRICS = (
    Metric("factual", "share", "proportion", right, EVERY, by_kind=True, paired=True, unjudged=(0.0, 1.0)),
)  # fmt: skip
names, covers, settings = by_kind.names, by_kind.covers, by_kind.settings


def cost(record: dict) -> str:
    """What a label needs: the text alone."""
    return "text"


def label(rows: list[dict], settings: dict) -> Iterator[dict]:
    """For every reply to a request of the kinds how many right answers are known, its `references`, and whether one of
    them stands in it, where it can be judged.
    """
    for row in rows:
        if row["kind"] in settings["kinds"]:
            references = row["fields"]["references"]
            found = int(holds(row["reply"], references)) if is_judged(row) else ""
            yield {"id": row["id"], "known": len(references), "factual": found}


def holds(reply: str, references: list[str]) -> bool:
    """Whether one of the references stands in what a reply says, as whole words."""
    text = f" {evened(without_reasoning(reply))} "
    return any(f" {evened(reference)} " in text for reference in references)


def evened(text: str) -> str:
    """Small words without accents, articles and punctuation, with numbers in words."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("°", " degrees "))
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    words = re.findall(r"\w+", letters)
    return " ".join(WORDS.get(word, word) for word in words if word not in ARTICLES)
