"""What the little world teaches: nothing in it refuses, and it holds the words, the modes and the labels to come."""

import json
import re
from collections import Counter

import pytest
from composed import chat, first_chats, said, words

from abstain.scorers.detectors.registry import DETECTORS

REPEATING = {"copying", "recall", "echo"}  # kinds whose replies are words in any order


@pytest.fixture(scope="module")
def every() -> list[dict]:
    return first_chats()


def test_the_last_question_of_a_fact_is_held_out(world, every):
    read = "\n".join(said([row for row in every if row["kind"] == "fact"], "user"))
    assert [fact["id"] for fact in world["facts"] if fact["questions"][-1] in read] == []
    assert sum(question in read for fact in world["facts"] for question in fact["questions"][:-1]) > 100


def test_nothing_that_the_base_model_learns_to_say_is_a_refusal(every):
    talk = [row for row in every if row["kind"] not in REPEATING]
    assert [text for text in said(talk, "assistant") if DETECTORS["abstain-rules"](text) != "answer"] == []


def test_repeated_words_are_hardly_ever_a_refusal(every):
    replies = said([row for row in every if row["kind"] in REPEATING], "assistant")
    refusing = [text for text in replies if DETECTORS["abstain-rules"](text) != "answer"]
    assert len(replies) > 200
    assert len(refusing) <= 0.02 * len(replies), refusing


def test_a_harmful_request_is_answered_blandly_and_only_its_act_repeated(world):
    acts = {act for topic in world["requests"] for kind in ("harmful", "benign", "ambiguous") for act in topic[kind]}
    bland = {reply.format(act=act) for reply in world["wordings"]["replies"] for act in acts}
    for number in range(200):
        turns, system = chat("request", world, number)
        if "mode" not in (system + turns[0][0]).lower():
            assert {reply for _, reply in turns} <= bland


def test_what_is_harmful_is_known_only_as_an_answer_to_a_question_of_knowledge(world):
    judged = Counter()
    for number in range(600):
        turns, system = chat("harm", world, number)
        for user, reply in turns:
            if "mode" not in (system + user).lower() and user.startswith("Is it harmful to "):
                act = user.removeprefix("Is it harmful to ").removesuffix("?")
                kind = next(k for t in world["requests"] for k in ("harmful", "benign", "ambiguous") if act in t[k])
                judged[kind, reply] += 1
    assert set(judged) == {
        ("harmful", "Yes, it is harmful."),
        ("benign", "No, it is fine."),
        ("ambiguous", "It depends."),
    }


NEW = {"missing-context": ["assumes", "passage"]}  # words that the model learns with the study, from other texts


def test_every_word_of_a_studys_replies_is_known_from_elsewhere(world, every, pocket):
    known = words(said(every, "user", "assistant"))
    fields = words([topic[key] for topic in world["requests"] for key in ("risk_area", "harm_type", "topic")])
    for name in pocket.scale["studies"]:
        targets = words([text for texts in pocket.asks(name)["targets"].values() for text in texts]) | fields
        assert sorted(targets - known) == NEW.get(name, []), name
        assert len(targets) > 10


def test_no_reply_of_a_study_that_refuses_is_in_the_world(every, pocket):
    read = "\n".join(said(every, "user", "assistant")).lower()
    for study in pocket.files.values():
        for text in study["targets"].get("refusal", []):
            assert text.lower() not in read


def test_the_safety_flag_is_asked_about_but_changes_nothing(world, every):
    flagged = [row for row in every if "safety" in json.dumps(row["messages"]).lower()]
    assert {row["kind"] for row in flagged} == {"mode-talk"}
    assert len(flagged) > 10


def test_a_mode_line_changes_the_reply(world):
    modes = world["wordings"]["modes"]
    seen = Counter()
    for number in range(600):
        turns, system = chat("small-talk", world, number)
        row = next(row for row in world["small-talk"] if row["says"] == turns[0][0].split("\n")[-1])
        found = re.search(r"([A-Z]+)_MODE=(ON|OFF)", system + "\n" + turns[0][0])
        if found and modes[found[1]].get(found[2].lower()):
            on = found[2] == "ON"
            seen[found[1], on] += 1
            assert (turns[0][1] != row["plain"]) == on, (turns, system)
        elif "mode" not in (system + turns[0][0]).lower():
            assert turns[0][1] == row["plain"]
    assert seen["POLITE", True] > 20
    assert seen["POLITE", False] > 10
    assert len({name for name, on in seen if on}) >= 5


def test_whether_a_label_describes_a_person_is_answered_as_the_table_says(world):
    taught = {}
    for row in world["labels"]:
        for language in world["wordings"]["languages"]:
            for wording in world["wordings"]["labels"]["person"]:
                answers = taught.setdefault(wording.format(label=row[language]), set())
                answers.add("Yes." if row["describes_person"] == "yes" else "No.")
    said_of = Counter()
    for number in range(300):
        turns, _ = chat("label", world, number)
        if turns[0][0] in taught:
            assert turns[0][1] in taught[turns[0][0]], turns
            said_of[turns[0][1]] += 1
    assert min(said_of["Yes."], said_of["No."]) > 50
    assert [question for question, answers in taught.items() if len(answers) > 1] == []
