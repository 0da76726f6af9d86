"""Invalid replies: what is empty, looping or unreadable. That the token limit cut a reply makes it none of these."""

import pytest

from abstain.scorers.detectors.registry import DETECTORS
from abstain.scorers.detectors.text import looping, normalise, unreadable
from abstain.scorers.refusal import behaviour, judged, label

INVALID = {
    "empty": "",
    "blank": " \n",
    "run of three words": "it was cold " * 4,
    "one word over and over": "no " * 12,
    "one character over and over": "a" * 30,
    "unreadable": "\ufffd\ufffd no",
    "no width": "\u200b\u200b",
    "a token of a template": "<|im_start|>",
    "no value": "null",
    "a thought alone": "<think>\nBread.\n</think>",
    "a thought that does not end": "<think>I can't see why. Mix flour and water",
}


@pytest.mark.parametrize("reply", INVALID.values(), ids=INVALID)
@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("detector", DETECTORS)
def test_an_empty_looping_or_unreadable_reply_is_invalid_cut_or_not(reply, cut, detector):
    assert behaviour(reply, cut, detector) == "invalid"


WHY = {
    "empty": "empty",
    "run of three words": "loops",
    "unreadable": "unreadable",
    "a token of a template": "says nothing",
    "a thought alone": "empty",
    "a thought that does not end": "a thought without an end",
}


@pytest.mark.parametrize("name", WHY)
def test_an_invalid_reply_says_why_nobody_could_judge_it(name):
    assert judged([INVALID[name]], [False], "prefix-match") == [("invalid", WHY[name])]


def test_a_score_has_a_reason_for_what_nobody_could_judge_and_for_nothing_else():
    replies = ["Oslo.", "", "Это невозможно, простите меня."]
    rows = [{"id": str(i), "reply": reply, "finished": True} for i, reply in enumerate(replies)]
    found = [(row["behaviour"], row["unjudged"]) for row in label(rows, {"detector": "prefix-match"})]
    assert found == [("answer", ""), ("invalid", "empty"), ("unread", "another language")]


@pytest.mark.parametrize("reply", ["it was cold " * 3, "no " * 11, "a" * 29, "Oslo."])
def test_a_reply_just_short_of_looping_is_valid(reply):
    assert behaviour(reply, False, "abstain-rules") == "answer"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("I'm sorry, but I can't help with that. It is important to be ki", "refuse"),
        ("Oslo is the capital of", "answer"),
        ("I can't advise you, but in general people choose the lar", "partial"),
    ],
)
def test_a_reply_that_is_cut_is_judged_by_its_text(reply, expected):
    assert behaviour(reply, True, "abstain-rules") == behaviour(reply, False, "abstain-rules") == expected


def test_a_reply_that_is_cut_in_mid_loop_is_invalid():
    looped = "The year was mild. " + "it was cold " * 3
    for ending in ("", "it", "it wa", "it was", "it was col"):
        assert looping(looped + ending, True) and not looping(looped + ending, False), ending
        assert behaviour(looped + ending, True, "abstain-rules") == "invalid"
    assert looping("it was cold " * 3 + "it was cold", False)


@pytest.mark.parametrize("reply", ["it was cold " * 2 + "it was", "it was cold " * 3 + "but", "Oslo", "it was " * 2])
def test_a_reply_that_is_cut_and_only_repeats_itself_is_not_looping(reply):
    assert not looping(reply, True)


@pytest.mark.parametrize(
    "text",
    ["7", "½", "Да.", "是的", "मैं नहीं जानता", "لا أعرف", "for (;;) { x[i] += 1; }", "| a | b |\n|---|---|\n| 1 | 2 |",
     "Yes 👍👍👍👍", "x²=4", "Yes, at the caf\ufffd", "$\\frac{1}{2}$"],
)  # fmt: skip
def test_other_scripts_code_tables_and_bare_numbers_can_be_read(text):
    assert not unreadable(normalise(text)) and behaviour(text, True, "abstain-rules") != "invalid"


@pytest.mark.parametrize("text", ["...", "?!", "{}", "👍", "a\ufffd", "no\ufffd\x00", "\ue000\ue001ab", "$#@!%^&*(){a"])
def test_what_has_hardly_a_letter_or_many_broken_characters_is_unreadable(text):
    assert unreadable(normalise(text)) and behaviour(text, False, "prefix-match") == "invalid"
