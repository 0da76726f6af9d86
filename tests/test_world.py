"""The little world: every chat depends on its number alone, nothing in it refuses, and it holds the words to come."""

import hashlib
import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from abstain.kinds import KINDS, ask, draw_facts
from abstain.refusal import DETECTORS
from abstain.world import compose, load_world, people, share

ROOT = Path(__file__).resolve().parents[1]
RECIPE = yaml.safe_load((ROOT / "models" / "pocket" / "recipe.yaml").read_text(encoding="utf-8"))
PHASES = sorted(RECIPE["phases"].values(), key=lambda phase: phase["chats"])
SETTINGS = {**RECIPE, **RECIPE["phases"]["broad"]}
REPEATING = {"copying", "recall", "echo"}  # kinds whose replies are words in any order
COUNT = 5000
FIRST = SETTINGS["chats"][0]
NAMES = ["Ada Amber", "Bela Birch", "Cora Castle", "Dario Dale"]


@pytest.fixture(scope="module")
def names(world) -> list[str]:
    return people(world, *SETTINGS["people"])


@pytest.fixture(scope="module")
def rows(world, names) -> list[dict]:
    """The first chats of the phase in which the pocket model reads of everything."""
    return first_of(RECIPE["phases"]["broad"], world, names)


@pytest.fixture(scope="module")
def every(world, names, rows) -> list[dict]:
    """The first chats of every phase."""
    return [row for phase in PHASES for row in first_of(phase, world, names)]


def first_of(phase: dict, world: dict, names: list[str]) -> list[dict]:
    """The first chats of a phase of the recipe."""
    start, end = phase["chats"]
    return [compose(world, {**RECIPE, **phase}, number, names) for number in range(start, min(end, start + COUNT))]


def said(rows: list[dict], *roles: str) -> list[str]:
    return [message["content"] for row in rows for message in row["messages"] if message["role"] in roles]


def words(texts: list[str]) -> set[str]:
    """Words in lower case, without the fields to be filled in."""
    return {word for text in texts for word in re.findall(r"[\w']+", re.sub(r"\{\w+\}", " ", text.lower()))}


def chat(kind: str, world: dict, number: int) -> tuple[list, str]:
    """Turns and system message of one chat of a kind, late in the curriculum."""
    state = {"names": NAMES, "progress": 1.0}
    return KINDS[kind](random.Random(f"test-{kind}-{number}"), world, state, "You are a helpful assistant.")


def test_a_chat_depends_on_its_number_alone(world, names, rows):
    order = list(range(0, COUNT, 37))
    random.Random(0).shuffle(order)
    assert [compose(world, SETTINGS, FIRST + number, names) for number in order] == [rows[number] for number in order]


def test_the_world_is_the_same_when_it_is_loaded_again(world, rows):
    again = load_world(ROOT / "data" / "world")
    assert again == world
    assert compose(again, SETTINGS, FIRST + 123, people(again, *SETTINGS["people"])) == rows[123]


def test_another_seed_gives_other_chats(world, names, rows):
    other = {**SETTINGS, "seed": SETTINGS["seed"] + 1}
    assert [compose(world, other, FIRST + number, names)["messages"] for number in range(20)] != [
        row["messages"] for row in rows[:20]
    ]


def test_every_chat_alternates_between_user_and_assistant_and_says_something(every):
    for row in every:
        roles = [message["role"] for message in row["messages"]]
        talk = roles[1:] if roles[0] == "system" else roles
        assert talk == ["user", "assistant"] * (len(talk) // 2) != [], row["id"]
        assert all(message["content"].strip() for message in row["messages"]), row["id"]


def test_no_placeholder_is_left_unfilled(every):
    assert [text for text in said(every, "system", "user", "assistant") if re.search(r"[{}]|\bNone\b", text)] == []


@pytest.mark.parametrize("name", RECIPE["phases"])
def test_chats_are_numbered_and_every_kind_of_a_phase_has_its_share(world, names, name):
    phase = RECIPE["phases"][name]
    mine = first_of(phase, world, names)
    assert [row["id"] for row in mine] == [f"world-{phase['chats'][0] + place}" for place in range(len(mine))]
    counts, total = Counter(row["kind"] for row in mine), sum(phase["mix"].values())
    assert set(counts) == set(phase["mix"])
    for kind, weight in phase["mix"].items():
        expected = len(mine) * weight / total
        assert abs(counts[kind] - expected) < 4 * expected**0.5, kind


def test_no_chat_is_read_in_two_phases_or_left_out_and_every_kind_is_read_in_one():
    assert [phase["chats"][0] for phase in PHASES] == [0, *(phase["chats"][1] for phase in PHASES[:-1])]
    assert all(phase["chats"][0] < phase["chats"][1] for phase in PHASES)
    assert set().union(*(phase["mix"] for phase in PHASES)) == set(KINDS)


def test_who_may_read_about_a_person_depends_on_the_name_alone(world):
    assert share("Ada Amber") == int(hashlib.sha256(b"Ada Amber").hexdigest()[:16], 16) / 2**64
    assert 0 <= min(map(share, people(world, 0, 1))) < 0.01 < 0.99 < max(map(share, people(world, 0, 1))) < 1


def test_ranges_of_people_share_nobody_and_leave_nobody_out(world):
    ranges = [people(world, low, high) for low, high in ((0.0, 0.6), (0.6, 0.8), (0.8, 1.0))]
    assert sum(map(len, ranges)) == len(set().union(*ranges)) == 64 * 64
    assert [round(len(part) / 4096, 1) for part in ranges] == [0.6, 0.2, 0.2]
    assert all(part == sorted(part) for part in ranges)


def test_the_base_model_never_reads_a_name_that_is_kept_for_later(world, every):
    kept = set(people(world, SETTINGS["people"][1], 1.0))
    read = " ".join(said(every, "system", "user", "assistant"))
    found = set(re.findall(r"\b(?=([A-Z]\w+ [A-Z]\w+)\b)", read))
    assert found & kept == set()
    assert len(found & set(people(world, *SETTINGS["people"]))) > 500


def test_a_passage_answers_each_question_from_its_own_text(world):
    attributes = world["people"]["attributes"]
    values = {value for attribute in attributes.values() for value in attribute["values"]}
    for number in range(300):
        turns, system = chat("passage", world, number)
        if "mode" not in (system + turns[0][0]).lower():
            facts = [reply for _, reply in turns if reply not in ("Yes.", "No.")]
            assert all(reply in values and reply in turns[0][0] for reply in facts), turns


def test_two_people_of_a_passage_never_share_a_value_of_an_attribute(world):
    names = people(world, 0.8, 1.0)
    for number in range(300):
        facts = draw_facts(random.Random(number), world, names, 1.0)
        assert len({(attribute, value) for _, attribute, value in facts}) == len(facts)
        assert len({(name, attribute) for name, attribute, _ in facts}) == len(facts)


def test_passages_begin_with_one_person(world):
    names = people(world, 0.8, 1.0)
    alone = [len({name for name, _, _ in draw_facts(random.Random(n), world, names, 0.05)}) for n in range(100)]
    later = [len({name for name, _, _ in draw_facts(random.Random(n), world, names, 0.5)}) for n in range(100)]
    assert set(alone) == {1}
    assert set(later) == {1, 2, 3}


def test_a_question_names_the_person(world):
    rng = random.Random(0)
    assert all(
        "Ada Amber" in ask(rng, world, "Ada Amber", name) for name in world["people"]["attributes"] for _ in range(8)
    )


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


def test_a_harmful_request_is_answered_blandly_and_only_its_act_told_back(world):
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


def test_every_word_of_a_studys_replies_is_known_from_elsewhere(world, every):
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    known = words(said(every, "user", "assistant"))
    fields = words([topic[key] for topic in world["requests"] for key in ("risk_area", "harm_type", "topic")])
    for name, study in config["studies"].items():
        targets = words([text for texts in study["targets"].values() for text in texts]) | fields
        assert sorted(targets - known) == [], name
        assert len(targets) > 10


def test_no_reply_of_a_study_that_refuses_is_in_the_world(every):
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    read = "\n".join(said(every, "user", "assistant")).lower()
    for study in config["studies"].values():
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


def test_a_world_without_its_labels_is_an_error(tmp_path):
    for path in (ROOT / "data" / "world").glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(FileNotFoundError, match="labels.csv"):
        load_world(tmp_path)
