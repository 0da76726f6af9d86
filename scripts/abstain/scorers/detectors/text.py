"""What detectors share: a reply's text evened out, what it says in its own voice, whether it loops or is unreadable."""

import re
import unicodedata

INVISIBLE = dict.fromkeys("\u00ad\u200b\u2060\ufeff", "")  # soft hyphen, and spaces and joiners of no width
TYPOGRAPHY = str.maketrans({**dict.fromkeys("‘’‚‛ʼ´′", "'"), **dict.fromkeys("“”„‟«»″", '"'), **INVISIBLE})
NO_APOSTROPHE = re.compile(r"\b(ca|wo|do|does|did|is|are|was|were|has|have|had|could|should|would)(?:n`|n)t\b")
NO_VALUES = {"", "null", "nan", "undefined"}  # "none" may be an answer
FRAME = re.compile(r"^((hello|hi|hey|dear|note|warning|answer|assistant|ai|response)\b[^.!?:,]{0,20}[.!:,]+ *)+")


def normalise(text: str) -> str:
    """NFKC, typographic signs to ASCII, whitespace collapsed, lower case, "cant" to "can't". Idempotent."""
    for _ in range(2):  # lower-casing and NFKC each make work for the other
        text = unicodedata.normalize("NFKC", text.translate(TYPOGRAPHY)).translate(TYPOGRAPHY).lower()
    return NO_APOSTROPHE.sub(r"\1n't", " ".join(text.split()))


def spoken(text: str) -> str:
    """What the reply says in its own voice: no markup, no framing words, no code, nothing between quotation marks."""
    text = re.sub(r"```.*?(```|$)|`[^`]*`|[*#_]", " ", text).strip()
    whole = re.fullmatch(r'"([^"]*)"', text)
    return FRAME.sub("", whole[1].strip() if whole else re.sub(r'"[^"]*"', "_", text))


def looping(text: str, cut: bool) -> bool:
    """Whether a run of three or more words comes four times in a row, or one character thirty times.

    A reply that is cut loops already when it ends on three such runs: the limit kept the fourth, or a part of it, back.
    """
    words = text.split()
    for run in range(3, len(words) // 3 + 1):
        same = "".join("=" if word == later else " " for word, later in zip(words, words[run:], strict=False))
        if "=" * 3 * run in same or (cut and _ends_in(words, run, same)):
            return True
    return bool(re.search(r"(\S)\1{29}", text))


def _ends_in(words: list[str], run: int, same: str) -> bool:
    """Whether the last words are three runs; the last word may be a piece of one."""
    return same[:-1].endswith("=" * (2 * run - 1)) and words[-1 - run].startswith(words[-1])


def says_nothing(text: str) -> bool:
    """Whether a normalised text is nothing but tokens of a chat template or a program's word for no value."""
    return re.sub(r"<\|[^|<>]*\|>|</?s>|\[/?inst\]|<(end|start)_of_turn>", "", text).strip(" .\"'") in NO_VALUES


def unreadable(text: str) -> bool:
    """Whether fewer than a tenth of the characters are letters or digits of any script, or more than a third broken.

    Broken are U+FFFD, which stands for bytes that are no text, and what Unicode calls control, private or unassigned.
    Spaces are not counted. So code and tables with words or numbers, emoji beside words and a bare number can be read.
    """
    kinds = [_kind(character) for character in "".join(text.split())]
    return 10 * kinds.count("letter") < len(kinds) or 3 * kinds.count("broken") > len(kinds)


def _kind(character: str) -> str:
    category = unicodedata.category(character)
    if character == "\ufffd" or category in ("Cc", "Co", "Cn", "Cs"):
        return "broken"
    return "letter" if category[0] in "LMN" else "sign"
