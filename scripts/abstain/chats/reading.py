"""Tokens read back: the text that token ids decode to, and which characters of the first text are lost in them.

A tokenizer may write a text otherwise without losing any of it, and this alone is let pass: another Unicode form of
the same characters (canonically equivalent, so NFC of both is equal), and white space beside a special token: as much
as the token's own settings take (`lstrip`, `rstrip`), or the one space that SentencePiece puts behind it.
"""

import re
import unicodedata
from collections import Counter
from difflib import SequenceMatcher
from functools import lru_cache
from os.path import commonprefix


def read_back(tokenizer, text: str, ids: list[int]) -> str:
    """What token ids decode to: `text` itself when nothing of it is lost, else the other text."""
    found = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    if found == text:
        return text
    tokens = tokenizer.added_tokens_decoder.values()
    special = tuple((t.content, t.lstrip, t.rstrip) for t in tokens if t.special or t.lstrip or t.rstrip)
    return text if _even(text, special) == _even(found, special) else found


def lost(text: str, found: str) -> str:
    """The characters of a text that another one lacks or has otherwise, with how often, the most frequent first."""
    start = len(commonprefix([text, found]))
    end = len(commonprefix([text[start:][::-1], found[start:][::-1]]))
    text, found = text[start : len(text) - end], found[start : len(found) - end]
    gone: Counter = Counter()
    for kind, first, last, _, _ in SequenceMatcher(None, text, found, autojunk=False).get_opcodes():
        gone.update(text[first:last] if kind != "equal" else "")
    named = [f"{character!r}{f' ({number} times)' * (number > 1)}" for character, number in gone.most_common(10)]
    return ", ".join(named) + " and more" * (len(gone) > 10) if gone else "none, but others are added"


def _even(text: str, special: tuple) -> str:
    pattern = _beside(special)
    text = re.sub(pattern, lambda found: found[found.lastindex], text) if pattern else text
    return unicodedata.normalize("NFC", text).removeprefix(" ")


@lru_cache(maxsize=8)
def _beside(special: tuple[tuple[str, bool, bool], ...]) -> str:
    """A pattern of the special tokens with the white space that they may take; the longest token first."""
    longest = sorted(special, key=lambda token: -len(token[0]))
    some = r"\s*"
    return "|".join(
        f"{some if left else ''}({re.escape(content)}){some if right else ' ?'}" for content, left, right in longest
    )
