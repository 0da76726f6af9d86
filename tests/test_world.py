"""The little world: every chat depends on its number alone, and nobody in it is read of who is kept for later."""

import hashlib
import random
import re
from collections import Counter

import pytest
from composed import COUNT, FIRST, PHASES, RECIPE, SETTINGS, chat, first_chats, first_of, said
from conftest import ROOT

from abstain.corpora.people import share
from abstain.pocket.kinds import KINDS
from abstain.pocket.passages import ask, draw_facts
from abstain.pocket.world import compose, load_world, people


@pytest.fixture(scope="module")
def names(world) -> list[str]:
    return people(world, *SETTINGS["people"])


@pytest.fixture(scope="module")
def rows(world, names) -> list[dict]:
    """The first chats of the phase in which the pocket model reads of everything."""
    return first_of(RECIPE["phases"]["broad"], world, names)


@pytest.fixture(scope="module")
def every() -> list[dict]:
    return first_chats()


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


def test_a_world_without_its_labels_is_an_error(tmp_path):
    for path in (ROOT / "data" / "world").glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(FileNotFoundError, match="labels.csv"):
        load_world(tmp_path)
