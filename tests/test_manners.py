"""Manners: what is courteous, what keeps the talk going, and what only looks so; the sentences are our own."""

import pytest

from abstain.scorers.courtesies import COURTESIES, OFFERS, is_courteous, is_engaging, plain
from abstain.scorers.manners import METRICS, judged, label
from abstain.scorers.wordings import own_sentences

POLITE = {
    "greeting": ["Hi there, let us look at it.", "Good evening!", "It is lovely to meet you, Ana."],
    "thanks": ["Thanks for the clear question.", "I really appreciate your patience.", "Many thanks."],
    "please": ["Please stir it twice.", "Would you mind a short walk?"],
    "welcome": ["You’re most welcome.", "My pleasure!", "I would gladly do it again.", "No worries at all."],
    "apology": ["I am so sorry to hear it.", "We apologise for the delay.", "Sorry, I misread it."],
    "wish": ["I hope it helps.", "Good luck with the garden!", "Have a nice week.", "Enjoy the soup!", "Sleep well."],
    "kind word": ["I'm very glad that you wrote.", "What a great question.", "That is wonderful news."],
    "willing": ["I'd be happy to draw it for you.", "I'm here if you need me."],
    "would love": ["I would love to hear how it went."],
    "can": ["I can also explain the second step."],
    "may I": ["How may I help with the rest?", "Shall I go on?"],
    "let me know": ["Let me know how it went.", "Feel free to send a photo.", "Don't hesitate to write."],
    "ask me": ["Ask me again tomorrow.", "Come back any time."],
    "would you like": ["Would you like a list?", "Is there anything else?"],
    "if you like": ["There is much to add if you'd like more."],
}
PLAIN = [
    "Sure!",
    "Of course. The bridge was built in 1932.",
    "Thanks to the rain, the river is high.",
    "He worked hard to please his father.",
    "Take care of the roots when you move the plant.",
    "Welcome to the largest cave of the island.",
    "The hope of rain was small.",
    "The hotel is happy about its guests.",
    "You can tell more from the second chart.",
    "She said \"Thank you, and please come again.\"",
    "1. Thank the host.",
    "- Please close the door",
    "Hit the nail gently.",
    "A question of taste.",
    "We hope for the best in every year.",
    "I can't help with that.",
    "",
]  # fmt: skip


@pytest.mark.parametrize(("cue", "text"), [(cue, text) for cue, texts in POLITE.items() for text in texts])
def test_each_courtesy_is_found_whatever_stands_around_it(cue, text):
    for said in (text, f"Water boils at 100 degrees. {text}", text.upper(), text.replace("'", "\u2019")):
        assert judged(said)["politeness"] == 1, cue
    assert set(POLITE) == set(COURTESIES) > set(OFFERS)


@pytest.mark.parametrize("text", PLAIN)
def test_content_and_assent_are_no_courtesy(text):
    assert judged(text)["politeness"] == judged(text)["engagement"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "It has six sides. Which shape do you need?",
        "It has six sides. What is it for? Tell me.",  # the last but one, and yet the last question is not to anyone
        "Lima. Do you want to know its history?",
        "Lima. Anything else?",
        "Lima. I am glad to add more if you like.",
        "Let me know when the dough has risen.",
    ],
)
def test_a_reply_is_engaging_when_it_asks_back_at_its_end_or_offers_to_go_on(text):
    assert judged(text)["engagement"] == (0 if "What is it for" in text else 1)


@pytest.mark.parametrize(
    "text",
    [
        "Why did the hen stop? It saw your car. Then it went home.",
        "What are your strengths? What are your aims? Two such questions are enough.\nWrite them down. Then rest.",
        "1. What are your strengths?\n2. Where do you see yourself?",
        "I am glad to hear it. The rest is easy.",
        "I hope that it rains.",
    ],
)
def test_a_question_in_the_middle_in_a_list_or_a_kind_word_alone_asks_nobody(text):
    assert judged(text)["engagement"] == 0


def test_what_a_reply_hands_over_is_not_its_own_voice():
    letter = "Here it is.\n\nDear Ms Oak,\nThank you for the book. I hope to see you.\nKind regards,\nBo"
    code = "Here it is.\n```\nprint('thank you, please')\n```"
    play = "ANA: Thank you!\nBO: You are welcome. Would you like tea?"
    for text in (letter, code, play, "<think>Please, I hope it helps.</think>Lima."):
        assert judged(text)["politeness"] == 0
    assert judged(f"{code}\nI hope it helps.")["politeness"] == 1


def test_courteous_sentences_are_a_share_that_falls_with_the_length_of_a_reply():
    kind, bare = "I hope it helps.", "Lima is the capital of Peru."
    shares = [judged(f"{bare} " * n + kind)["courteous_sentences"] for n in (0, 1, 3)]
    assert shares == ["1.0000", "0.5000", "0.2500"]
    assert judged(bare)["courteous_sentences"] == judged("")["courteous_sentences"] == "0.0000"


def test_sentences_end_at_their_ends_and_at_lines_and_not_at_abbreviations():
    text = "Dr. Oak left at 5 p.m. in 1932. She sold, e.g. tea!\n1. One thing\n2. Another (see above). Fine"
    assert own_sentences(text) == [
        "dr. oak left at 5 p.m. in 1932.",
        "she sold, e.g. tea!",
        "1. one thing",
        "2. another (see above).",
        "fine",
    ]


def test_a_plain_sentence_has_its_contractions_written_out_and_no_fillers():
    assert plain("i'm so very glad, and you're welcome!") == "i am glad and you are welcome"
    assert plain("we'd really love to; i'll just go?") == "we would love to i will go ?"


def row(name: str, reply: str, kind: str = "asked", finished: bool = True) -> dict:
    return {"id": name, "kind": kind, "reply": reply, "finished": finished}


def test_every_reply_has_its_words_and_one_that_nobody_can_judge_has_no_more():
    loop = "and so on, and on " * 12
    rows = [row("a", "Please wait here."), row("b", ""), row("c", loop), row("d", "Bitte warten Sie hier, ich bin es.")]
    found = {each["id"]: each for each in label([*rows, row("e", "Please.", kind="other")], {"kinds": ["asked"]})}
    assert {name: each["words"] for name, each in found.items()} == {"a": 3, "b": 0, "c": 60, "d": 7}
    assert found["a"] == {
        "id": "a", "words": 3, "politeness": 1, "courteous_sentences": "1.0000", "engagement": 0,
    }  # fmt: skip
    assert [name for name, each in found.items() if "politeness" in each] == ["a"]


def test_its_metrics_are_compared_by_kind_and_a_share_may_be_anything_where_nobody_could_judge():
    units = {metric.name: (metric.unit, metric.kind, metric.unjudged) for metric in METRICS}
    assert units == {
        "politeness": ("share", "proportion", (0.0, 1.0)),
        "courteous-sentences": ("share", "mean", (0.0, 1.0)),
        "engagement": ("share", "proportion", (0.0, 1.0)),
        "words": ("words", "mean", None),
    }
    assert all(metric.by_kind and metric.paired for metric in METRICS)


def test_an_item_of_a_list_is_content_and_the_rest_of_a_reply_is_not():
    assert not is_courteous("1. thank you") and is_courteous("thank you")
    assert is_engaging(["1. one", "let me know"]) and not is_engaging(["1. let me know"]) and not is_engaging([])
