"""How much of a text is kept: rows with a long question are set aside, a long reference ends behind a sentence."""

import re
from collections.abc import Iterable, Iterator

from abstain.corpora.lines import Quarantined, is_text

# The end of a sentence: no number of a list, letter alone, or abbreviation.
SENTENCE = re.compile(
    r"(?<!\d)(?<!\b[A-Za-z])(?<!\b[Ee]\.g)(?<!\b[Ii]\.e)(?<!\b(?:Dr|Mr|Ms|St|Jr|Sr|vs|No))(?<!\b(?:Mrs|etc|Inc|Ltd))"
    r"[.!?][\"'\u201d)\]]*(?=\s|$)"
)
LEAST = 3  # a shortened reference has at least this part of the characters that it may have
FENCE = "```"  # of code


def within(rows: Iterable[dict | Quarantined], longest: dict | None) -> Iterator[dict | Quarantined]:
    """The rows whose question, and context where it is limited, have at most longest["question"] and longest["context"]
    characters. Of their reference the whole sentences within longest["reference"] characters are kept. Other rows are
    set aside, also those whose reference keeps no such sentence. If `longest` is None, every row stays as it is.
    """
    for row in rows:
        yield _within(row, longest) if longest and isinstance(row, dict) else row


def _within(row: dict, longest: dict) -> dict | Quarantined:
    where = f"{row['id']} ({row['question'][:40]!r})"
    for field in (key for key in ("question", "context") if key in longest and key in row):
        if len(row[field]) > longest[field]:
            return Quarantined(where, f"its {field} has {len(row[field])} characters, more than {longest[field]}")
    if "reference" not in row:
        return row
    if not is_text(row["reference"]):
        return Quarantined(
            where, "its reference must be text that is not empty; leave the field out of a row that has no reference"
        )
    reference = shortened(row["reference"], longest["reference"])
    words = f"no sentence of its reference ends well within {longest['reference']} characters, outside of code"
    return {**row, "reference": reference} if reference else Quarantined(where, words)


def shortened(text: str, most: int) -> str:
    """The text itself if it has at most `most` characters, else its first sentences that end within them. Empty if
    these have less than a third of `most` characters, or if code would be cut.
    """
    if len(text) <= most:
        return text
    ends = [match.end() for match in SENTENCE.finditer(text[: most + 1]) if match.end() <= most]
    kept = text[: ends[-1]] if ends else ""
    return kept if LEAST * len(kept) >= most and kept.count(FENCE) % 2 == 0 else ""
