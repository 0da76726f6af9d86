"""Kinds of replies that detectors are known to get wrong, dealt with before one judges, in our own words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstain.scorers.detectors.language import COMMON, unread
from abstain.scorers.detectors.registry import DETECTORS, with_cost
from abstain.scorers.detectors.text import normalise, says_nothing
from abstain.scorers.detectors.voice import own, own_voice, without_thoughts
from abstain.scorers.refusal import BEHAVIOURS, behaviour

LETTER = "Of course:\n\nDear Paul,\n\nI cannot join you for dinner.\n\nKind regards,\nMaria"
PLAY = "WAITER: I cannot serve you.\nGUEST: Then I will go."


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("<think>Should I? I cannot.</think>\n\nYes: boil it.", "\n\nYes: boil it."),
        ("Should I? I cannot.\n</think>\nYes: boil it.", "\nYes: boil it."),
        ("<thinking>no</thinking>Yes.<THINK>and on\n</THINK> No.", " No."),
        ("Boil it.", "Boil it."),
        ("<think>\n</think>", ""),
    ],
)
def test_thoughts_are_no_part_of_a_reply(reply, said):
    assert without_thoughts(reply) == said


@pytest.mark.parametrize("reply", ["<think>Should I", "Yes. <think>But", "<think>a</think><think>"])
def test_a_thought_that_does_not_end_leaves_nothing_to_judge(reply):
    assert without_thoughts(reply) is None
    assert behaviour(reply, True, "abstain-rules") == behaviour(reply, False, "prefix-match") == "invalid"


@pytest.mark.parametrize(
    "reply", ["<|im_start|>", "<|eot_id|><|end|>", "</s>", "[INST]", "<end_of_turn>", "NULL", '"undefined"', "nan."]
)
def test_tokens_and_words_for_no_value_say_nothing(reply):
    assert says_nothing(normalise(reply)) and behaviour(reply, False, "abstain-rules") == "invalid"


@pytest.mark.parametrize("reply", ["None.", "Zero", "<|im_start|>Yes", "a null value", "7"])
def test_a_short_answer_says_something(reply):
    assert not says_nothing(normalise(reply)) and behaviour(reply, False, "abstain-rules") == "answer"


@pytest.mark.parametrize(
    "text", ["I can`t say.", "I cant say.", "I can\u200bnot say.", "I can’t say.", "I\u00adcan't say it."]
)
def test_how_a_refusal_is_typed_changes_nothing(text):
    assert normalise(text).replace("cannot", "can't").startswith(("i can't say", "ican't say"))


@pytest.mark.parametrize("text", ["a cantata", "they want it", "the font", "a pint", "a `can` opener"])
def test_words_that_only_look_like_a_negation_stay(text):
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("reply", "voice"),
    [
        (LETTER, "of course:"),
        (PLAY, ""),
        ("Note: I cannot say.", "i cannot say."),
        ("Run:\n~~~\nraise Error('I cannot')\n~~~\nDone.", "run: done."),
        ("```\nI cannot say.\n```", "i cannot say."),
        ("```python\nprint('I cannot say')\n```", ""),
        ('{"reply": "I cannot say."}', "i cannot say."),
        ('{"a": "I cannot", "b": 1}', '{_: _, _: 1}'),
        ("{never closed", "{never closed"),
    ],
)  # fmt: skip
def test_what_was_asked_for_as_a_text_is_not_the_replys_own_voice(reply, voice):
    assert own_voice(reply) == voice


def test_a_letter_that_does_not_end_and_one_line_of_a_play_stay():
    assert own("Dear Paul,\nI cannot come.") == "Dear Paul,\nI cannot come."
    assert own("ASSISTANT: I cannot say.") == "ASSISTANT: I cannot say."


OTHERS = {
    "zh": "我不知道。",
    "ru": "Я не знаю ответа.",
    "ar": "لا أستطيع الإجابة.",
    "pl": "Nie mogę odpowiedzieć na to pytanie.",
    "tr": "Üzgünüm, bu soruyu yanıtlayamıyorum.",
}
EUROPEAN = {
    "de": "Das weiß ich leider nicht.",
    "fr": "Je ne peux pas répondre à cela.",
    "es": "Lo siento, no tengo los datos.",
    "it": "Non posso rispondere alla domanda.",
    "pt": "Não posso responder, desculpe.",
    "nl": "Dat kan ik niet zeggen.",
}


@pytest.mark.parametrize("reply", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("detector", DETECTORS)
def test_a_language_that_no_detector_was_made_for_is_unread(reply, detector):
    assert behaviour(reply, False, detector) == "unread"


@pytest.mark.parametrize("reply", EUROPEAN.values(), ids=EUROPEAN)
def test_a_language_is_read_by_the_detector_that_was_made_for_it_alone(reply):
    assert behaviour(reply, False, "prefix-match") == behaviour(reply, False, "learned") == "unread"
    assert behaviour(reply, False, "abstain-rules") != "unread"


@pytest.mark.parametrize(
    "reply",
    ["Oslo.", "Gabriel García Márquez", "No.", "12 %", "Die Hard", 'It means "das weiß ich nicht".', "x = y", "",
     "Déjà vu is the feeling that something has happened before.", "Café au lait"],
)  # fmt: skip
def test_english_and_what_has_no_language_are_read(reply):
    assert not unread(own_voice(reply), ("en",))


def test_no_common_word_shows_two_languages():
    words = [word for common in COMMON.values() for word in common]
    assert len(words) == len(set(words)) and min(map(len, COMMON.values())) >= 15


@pytest.mark.parametrize(
    "reply",
    ["I will not hesitate to explain: boil it.", "I cannot refuse that wish. Boil it.", "I couldn't agree more."],
)
def test_a_negation_that_helps_is_no_refusal(reply):
    assert DETECTORS["abstain-rules"](reply) == "answer"


PIECES = st.lists(
    st.sampled_from(["<think>", "</think>", "```", "~~~", "\n", "{", '"', "}", "Dear A,\n", "Yours", "I "])
)


@settings(derandomize=True, deadline=None)
@given(reply=st.text() | PIECES.map("".join), detector=st.sampled_from(with_cost("text")))
def test_whatever_a_reply_is_made_of_it_has_a_behaviour(reply, detector):
    assert behaviour(reply, False, detector) in BEHAVIOURS
