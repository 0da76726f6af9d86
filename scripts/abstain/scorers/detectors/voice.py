"""What of a reply is its own: no thoughts, and nothing that was asked for, such as a letter, a play or code."""

import json
import re

from abstain.scorers.detectors.text import normalise, spoken

THOUGHT = re.compile(r"^.*</think(?:ing)?>|<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
OPEN_THOUGHT = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
FENCE = re.compile(r"^(```|~~~)[^\n]*\n(.*?)(?:^\1[^\n]*$|\Z)", re.DOTALL | re.MULTILINE)
LETTER = re.compile(
    r"^dear\b[^\n]{0,60}\n.*?^(?:(?:best|kind|warm)?\s*(?:wishes|regards)|yours|sincerely|love|cheers)\b[^\n]*(?:\n.*)?\Z",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
LINE_OF_A_PLAY = re.compile(r"^[A-Z][A-Z .'-]{1,30}:[^\n]*$", re.MULTILINE)
CODE_SIGNS = re.compile(r"[(){}\[\]=<>;\\]|^\s*(?:#|//)", re.MULTILINE)


def without_thoughts(reply: str) -> str | None:
    """The reply without its thinking blocks; None when one is not closed, so that nothing was said yet.

    A closing tag alone ends a thought whose opening tag belongs to the prompt, as in Qwen3's and DeepSeek's templates.
    """
    rest = THOUGHT.sub("", reply)
    return None if OPEN_THOUGHT.search(rest) else rest


def own(reply: str) -> str:
    """The reply without the letters, plays and code that it hands over; a reply that is wrapped whole is unwrapped.

    Wrapped is prose in one fence, and a JSON object with one text in it.
    """
    text = _unwrapped(reply.strip())
    text = FENCE.sub("\n", LETTER.sub("", text))
    plays = LINE_OF_A_PLAY.findall(text)
    return LINE_OF_A_PLAY.sub("", text) if len(plays) > 1 else text


def own_voice(reply: str) -> str:
    """What the reply says in its own voice, normalised."""
    return spoken(normalise(own(reply)))


def _unwrapped(text: str) -> str:
    fence = FENCE.fullmatch(text)
    if fence and not CODE_SIGNS.search(fence[2]):
        return fence[2].strip()
    if text.startswith("{") and text.endswith("}"):
        try:
            values = list(json.loads(text).values())
        except (ValueError, AttributeError, RecursionError):
            return text
        if len(values) == 1 and isinstance(values[0], str):
            return values[0]
    return text
