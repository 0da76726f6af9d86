"""What a reply says in its own voice, sentence by sentence, and what no rule can judge.

For rules that look for words: no thoughts, letters, plays, code or quotations; greetings stay.
"""

import re

from abstain.scorers.detectors.text import normalise
from abstain.scorers.detectors.voice import own, without_thoughts
from abstain.scorers.refusal import why_unjudged

LANGUAGES = ("en",)  # that the word lists are written in
QUOTED, MARKUP = re.compile(r'"[^"]*"|`[^`]*`'), re.compile(r"[*#_]+")
# The end of a sentence in small letters: no number of a list, letter alone, or abbreviation.
END = re.compile(
    r"(?<!^\d)(?<!^\d\d)(?<!\b[a-z])(?<!\be\.g)(?<!\bi\.e)(?<!\b(?:dr|mr|ms|st|jr|sr|vs|no))(?<!\b(?:mrs|etc|inc|ltd))"
    r"[.!?]+[\"')\]]*(?=\s|$)"
)


def is_judged(row: dict) -> bool:
    """Whether a reply can be judged: it is not empty, looping or unreadable, has no open thought, and is English."""
    return why_unjudged(without_thoughts(row["reply"]), not row["finished"], LANGUAGES) is None


def own_sentences(reply: str) -> list[str]:
    """The sentences of a reply's own voice, normalised; a line that ends ends a sentence too."""
    lines = [normalise(line) for line in own(without_thoughts(reply) or "").splitlines()]
    return split(QUOTED.sub(" _ ", MARKUP.sub("", "\n".join(lines))))


def sentences(reply: str) -> list[str]:
    """All sentences of a reply, letters, quotations and code included, but without its thoughts."""
    return split("\n".join(map(normalise, (without_thoughts(reply) or "").splitlines())))


def split(text: str) -> list[str]:
    """The sentences of a normalised text, line by line; those with a letter or a digit in them."""
    parts = [part.strip() for line in text.split("\n") for part in _parts(line.strip())]
    return [part for part in parts if any(character.isalnum() for character in part)]


def _parts(line: str) -> list[str]:
    ends = [match.end() for match in END.finditer(line)]
    return [line[start:end] for start, end in zip([0, *ends], [*ends, len(line)], strict=True)]
