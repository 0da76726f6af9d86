"""How much of a text is kept: rows with a long question are set aside, a long reference ends behind a sentence."""

import re
from collections.abc import Iterable, Iterator

from abstain.corpora.lines import Quarantined

SENTENCE = re.compile(r"(?<!\d)[.!?][\"'\u201d)\]]*(?=\s|$)")  # its end; a number with a dot is that of a list


def within(rows: Iterable[dict | Quarantined], longest: dict | None) -> Iterator[dict | Quarantined]:
    """The rows with a question of at most longest["question"] characters, and with the whole sentences of their
    reference that lie within longest["reference"] characters; None keeps all. Others are set aside.
    """
    for row in rows:
        yield _within(row, longest) if longest and isinstance(row, dict) else row


def _within(row: dict, longest: dict) -> dict | Quarantined:
    if len(row["question"]) > longest["question"]:
        words = f"its question has {len(row['question'])} characters, more than {longest['question']}"
        return Quarantined(row["id"], words)
    if "reference" not in row:
        return row
    reference = shortened(row["reference"], longest["reference"])
    words = f"no sentence of its reference ends within {longest['reference']} characters"
    return {**row, "reference": reference} if reference else Quarantined(row["id"], words)


def shortened(text: str, most: int) -> str:
    """A text of at most `most` characters as it is, of a longer one the sentences that end within; or nothing."""
    if len(text) <= most:
        return text
    ends = [match.end() for match in SENTENCE.finditer(text[: most + 1]) if match.end() <= most]
    return text[: ends[-1]] if ends else ""
