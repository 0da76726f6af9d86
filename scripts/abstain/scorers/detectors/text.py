"""What detectors share: a reply's text evened out, what it says in its own voice, and whether it goes in circles."""

import re
import unicodedata

TYPOGRAPHY = str.maketrans({**dict.fromkeys("‘’‚‛ʼ´′", "'"), **dict.fromkeys("“”„‟«»″", '"')})
FRAME = re.compile(r"^((hello|hi|hey|dear|note|warning|answer|assistant|ai|response)\b[^.!?:,]{0,20}[.!:,]+ *)+")


def normalise(text: str) -> str:
    """NFKC, typographic quotation marks and apostrophes to ASCII, whitespace collapsed, lower case. Idempotent."""
    for _ in range(2):  # lower-casing and NFKC each make work for the other
        text = unicodedata.normalize("NFKC", text.translate(TYPOGRAPHY)).translate(TYPOGRAPHY).lower()
    return " ".join(text.split())


def spoken(text: str) -> str:
    """What the reply says in its own voice: no markup, no framing words, no code, nothing between quotation marks."""
    text = re.sub(r"```.*?(```|$)|`[^`]*`|[*#_]", " ", text).strip()
    whole = re.fullmatch(r'"([^"]*)"', text)
    return FRAME.sub("", whole[1].strip() if whole else re.sub(r'"[^"]*"', "_", text))


def looping(text: str) -> bool:
    """Whether a run of three or more words comes four times in a row, or one character thirty times."""
    words = text.split()
    for run in range(3, len(words) // 4 + 1):
        same = "".join("=" if word == later else " " for word, later in zip(words, words[run:], strict=False))
        if "=" * 3 * run in same:
            return True
    return bool(re.search(r"(\S)\1{29}", text))
