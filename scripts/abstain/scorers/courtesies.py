"""Courtesies: the words and phrases by which a sentence is courteous, offers to go on, or asks back.

They follow the strategies of Danescu-Niculescu-Mizil et al. 2013 (arXiv 1306.6078) and what people say at a counter:
greetings, thanks, please, apologies, kind wishes, kind words, offers. Assent alone ("Sure!") does not count.
Sentences are plain: "I'm so very glad" is read as "i am glad", so a pattern is nearly the phrase itself.
"""

import re

FULL = {r"'m\b": " am", r"'re\b": " are", r"'d\b": " would", r"'ll\b": " will", r"\bcannot\b": "can not"}
FILLERS = re.compile(r"\b(so|very|really|truly|always|also|just|only|most|quite|deeply|sincerely|more than|here and) ")
# What looks like a courtesy: "thanks to the sun", "care to please others", "I wish I knew".
LOOKALIKES = re.compile(r"\b(thanks to|to please|take care (of|to|that|not)|i (wish|hope) i|welcome to)\b")
LIST_ITEM = re.compile(r"\(?\d+[.)]|[-•+>]")
SELF = r"\b(i|we) (am|are|would be|will be) "
OFFERS = {
    "willing": SELF
    + r"(happy|glad|pleased|delighted|eager|ready|here) (to (?!(hear|see|know|say|meet)\b)|for you|if you)",
    "would love": r"\b(i|we) would love to\b|\b(i|we) would like to (help|hear|know|tell|offer)\b",
    "can": r"\b(i|we) (can|could) (help|tell|explain|show|give|answer|find|share|suggest|offer|write) ",
    "may I": r"\b(can|may|could|shall|should) (i|we) .*\?",
    "let me know": r"\blet me know\b|\bfeel free\b|\b(do not|don't) hesitate\b",
    "ask me": r"\bask (me|away|again|another|any ?time)\b|\b(come back|here) any ?time\b|\bcome back (again|soon)\b",
    "would you like": r"\b(would|do) you (like|want|need|wish)\b.*\?|\b(anything|something) else\b.*\?",
    "if you like": r"\bif you (would like|like|want|wish|need|have)( \w+){0,3} (more|another|help|questions?)\b",
}
COURTESIES = {
    **OFFERS,
    "greeting": r"^(hello|hi|hey|greetings|welcome|good (morning|afternoon|evening|day))\b"
    r"|\b(nice|good|great|lovely|pleasure) to (meet|see|hear from) you\b",
    "thanks": r"\bthank you\b|\bthanks\b|\bi (appreciate|am (grateful|thankful))\b",
    "please": r"\bplease\b|\bwould you mind\b",
    "welcome": r"\byou are welcome\b|\b(my|with|a) pleasure\b|\ba joy to help\b|\bgladly\b|^no (problem|worries)\b",
    "apology": r"\b(i am|we are) sorry\b|^sorry\b|\bapologi(es|[sz]e)\b|\b(excuse|pardon|forgive) me\b",
    "wish": r"\bi (do )?(hope|wish)\b|\bwe (hope|wish) you\b|^(hope|wishing|enjoy)\b|\bmay your?\b"
    r"|\b(good luck|best of luck|best wishes|all the best|congratulations|well done|happy birthday)\b"
    r"|\b(take care|stay safe|sleep well|get well|have fun|have an? (good|nice|great|lovely|wonderful|safe|happy))\b",
    "kind word": SELF + r"(glad|happy|pleased|delighted|thrilled|proud|hono(u)?red)\b|\bi believe in you\b"
    r"|\b(good|great|lovely|excellent|wonderful|interesting) question\b|\b(lovely|wonderful|great) news\b",
}
COURTEOUS, OFFERING = (re.compile("|".join(cues.values())) for cues in (COURTESIES, OFFERS))
TO_USER = re.compile(r"\b(you|your|yours|yourself)\b")
ENDING = 2  # sentences: who asks back asks at the end


def is_courteous(sentence: str) -> bool:
    """Whether a normalised sentence holds a courtesy; an item of a list is content."""
    return not LIST_ITEM.match(sentence) and COURTEOUS.search(plain(sentence)) is not None


def is_engaging(sentences: list[str]) -> bool:
    """Whether a reply, given by its sentences, offers to go on, or asks the user back at its end.

    A question is to the user when it says so ("you"), or is the last thing that is said.
    """
    own = [sentence for sentence in sentences if not LIST_ITEM.match(sentence)]
    closing_questions = [sentence for sentence in sentences[-ENDING:] if sentence.endswith("?") and sentence in own]
    asks = any(TO_USER.search(sentence) or sentence == sentences[-1] for sentence in closing_questions)
    return asks or any(OFFERING.search(plain(sentence)) for sentence in own)


def plain(sentence: str) -> str:
    """A normalised sentence with its contractions written out, without fillers and what only looks like a courtesy."""
    for short, full in FULL.items():
        sentence = re.sub(short, full, sentence)
    words = " ".join(re.findall(r"[\w']+|\?", sentence)) + " "
    return LOOKALIKES.sub("_", FILLERS.sub("", words)).strip()
