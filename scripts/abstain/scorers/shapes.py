"""Shapes: the texts of a target as patterns, and what a reply has where a text has a {field}.

Capitals do not count, nor how much space there is between words.
"""

import re
from string import Formatter

from abstain.corpora.mixes import fill
from abstain.scorers.detectors.voice import without_thoughts


def without_reasoning(reply: str) -> str:
    """A reply without its thoughts; nothing where a thought does not end."""
    return without_thoughts(reply) or ""


def evened(text: str) -> str:
    """A text in small letters, with single spaces."""
    return " ".join(text.casefold().split())


def slots(text: str, reply: str) -> dict[str, str] | None:
    """What a reply has in the place of each {field} of a text, evened; None when it is not of the text's shape.

    Where a field stands twice, the first place counts.
    """
    pattern, names = "", []
    for literal, field, _, _ in Formatter().parse(text):
        pattern += r"\s*".join(re.escape(part) for part in re.split(r"\s+", literal.casefold()))
        if field is not None:
            pattern += r"(\S.*?)"
            names.append(field)
    found = re.fullmatch(pattern, evened(reply))
    return dict(reversed(list(zip(names, map(evened, found.groups()), strict=True)))) if found else None


def is_filled(text: str, reply: str, fields: dict) -> bool:
    """Whether a reply is a text with an example's fields filled in; raises SplitError for a field that it lacks."""
    return evened(fill(text, fields)) == evened(reply)
