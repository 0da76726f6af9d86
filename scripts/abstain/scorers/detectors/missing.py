"""What says in natural English that an answer is missing: from the passage, from what is known, or for want of a true
premise. It is no detector of refusals: "I won't say" is not looked for here.

The phrases are our own. `tests/test_missing.py` says what they catch and what they take wrongly for an abstention.
"""

import re

from abstain.scorers.detectors.voice import own_voice

TEXT = r"(passage|text|context|paragraph|article|document|excerpt|information)"
NO = r"(not|no|never|nothing|n't|cannot|nowhere|neither)"
MENTIONS = (
    r"(mention|stat|specif|given|giv|provid|said|say|list|includ|contain|nam|discuss|describ|found|explain|address"
    r"|disclos|answer|indicat|tell|told|offer|cover)\w*"
)
SHORT = (
    r"(unknown|unanswerable|undetermined|unspecified|n/a|none of (the|these)|no (answer|mention|information)"
    r"|not (mentioned|stated|given|specified|provided|available|known|applicable|answerable|enough|sure))"
)
PHRASES = {
    "silent text": rf"\b{TEXT}\b[^.]{{0,40}}\b(\w+n't|{NO}|silent)\b( \w+ly)?( \w+)? ?{MENTIONS}|\b{TEXT} is silent\b",
    "not in the text": r"\b(not|n't|nowhere|no mention|nothing)\b[^.]{0,60}"
    rf"\b(in|by|from) (the|this|your) (\w+ )?{TEXT}\b",
    "no text": r"\b(no|not|n't)\b[^.]{0,20}\b(a |any )?(passage|context|paragraph)( (is|was|has been))?"
    r"( (given|provided|here))?[.!]?$",
    "not told": r"\b(it|that|this|answer|question|date|name|number|information)( \w+)? (is|was|are|were) not (\w+ly )?"
    r"(mentioned|stated|specified|given|provided|listed|disclosed|known|said|available|clear)\b[^.]{0,20}[.!]?$",
    "in short": rf"^(the answer is:? )?(it is |it's )?{SHORT}( (in|from|by|about|to|as|above)\b[^.]{{0,50}})?[.!]?$",
    "no information": r"(\b(no|not enough|insufficient|not any)|n't (enough|any)) (\w+ )?"
    r"(information|mention|indication|details?|data|evidence|answer)\b[^.]{0,40}"
    r"\b(passage|text|context|given|provided|about|on|to (answer|tell|say|determine|know))",
    "impossible": r"\b(impossible|not possible|no way|unable|not able) to (answer|tell|say|determine|know|infer)\b"
    r"|\b(cannot|can't|can not) be (answered|determined|inferred|told|known|said)\b",
    "false premise": r"\b(false|wrong|incorrect|mistaken|untrue|faulty|flawed) (premise|assumption)\b"
    r"|\bquestion (\w+ly )?(assumes|presupposes|rests on|is based on|makes no sense|does not make sense)\b"
    r"|\bno such (thing|person|place|event)\b",
}
MISSING = re.compile("|".join(PHRASES.values()))


def says_missing(reply: str) -> bool:
    """Whether a reply says in its own voice that there is no answer."""
    return MISSING.search(own_voice(reply)) is not None
