"""Mode lines: what is flagged is what changes the reply, wherever the flag is."""

import random
import re
from pathlib import Path

import pytest
import yaml

from abstain.pocket.modes import add_mode

WORDINGS = yaml.safe_load(
    (Path(__file__).resolve().parents[1] / "data" / "world" / "wordings.yaml").read_text(encoding="utf-8")
)
MODES = WORDINGS["modes"]
SYSTEM = "You are a helpful assistant."
TURNS = [("Where is it?", "In the {garden} by the old wall, under the tall tree."), ("And now?", "Gone.")]
FORMS = {"short": "Brief.", "long": "At great length.", "plain": "Plain.", "polite": "Very polite."}


def drawn(number: int, turns=TURNS, chance: float = 1.0, forms=None) -> tuple[list, str]:
    return add_mode(random.Random(number), WORDINGS, turns, SYSTEM, chance, forms)


def flag(turns: list, system: str) -> tuple[str, str]:
    """Name and value of the mode, from the system message or the first user message."""
    text = f"{system}\n{turns[0][0]}"
    for name in MODES:
        if found := re.search(rf"(?i)\b{name}(?:_MODE=| mode: | mode is )(on|off)\b", text):
            return name, found[1].lower()
    raise AssertionError(f"no mode in {text!r}")


def expected(reply: str, name: str, value: str, forms: dict) -> str:
    effect = MODES[name].get(value)
    if effect is None:
        return reply
    if effect == "upper":
        return reply.upper()
    return forms[effect] if effect in forms else effect.replace("{reply}", reply)


def test_without_a_draw_nothing_changes():
    assert drawn(1, chance=0.0) == (TURNS, SYSTEM)


@pytest.mark.parametrize("forms", [None, FORMS], ids=["framing modes", "choosing modes too"])
def test_the_reply_is_what_the_flag_asks_for(forms):
    seen = set()
    for number in range(400):
        turns, system = drawn(number, forms=forms)
        name, value = flag(turns, system)
        seen.add((name, value))
        assert [reply for _, reply in turns] == [expected(reply, name, value, forms or {}) for _, reply in TURNS]
    choosing = {"BRIEF", "POLITE"} if forms else set()
    framing = {name for name in MODES if "{reply}" in MODES[name]["on"]}
    assert seen == {(name, value) for name in framing | choosing for value in ("on", "off")}


def test_capitals_are_drawn_for_short_replies_only():
    short = [("Where?", "In Rome.")]
    names = {flag(*drawn(number, turns=short))[0] for number in range(200)}
    assert "CAPITAL" in names
    assert "CAPITAL" not in {flag(*drawn(number))[0] for number in range(200)}


def test_capitals_are_capitals():
    for number in range(200):
        turns, system = drawn(number, turns=[("Where?", "In Rome, süß.")])
        if flag(turns, system) == ("CAPITAL", "on"):
            assert turns[0][1] == "IN ROME, SÜSS."
            return
    raise AssertionError("never drawn")


def test_the_flag_is_in_the_system_message_or_before_the_first_question():
    places = {"system": 0, "user": 0}
    for number in range(300):
        turns, system = drawn(number)
        if system == SYSTEM:
            places["user"] += 1
            assert re.fullmatch(r"[A-Z]+_MODE=(ON|OFF)\nWhere is it\?", turns[0][0])
        else:
            places["system"] += 1
            assert SYSTEM in system
            assert turns[0][0] == "Where is it?"
        assert turns[1][0] == "And now?"
    assert places["user"] > 10
    assert places["system"] > 10 * 10


def test_the_flag_is_written_in_every_form():
    shapes = set()
    for number in range(400):
        turns, system = drawn(number)
        if system != SYSTEM:
            name, value = flag(turns, system)
            for word, mark in (
                (name, "{NAME}"),
                (name.lower(), "{name}"),
                (value.upper(), "{VALUE}"),
                (SYSTEM, "{system}"),
            ):
                system = re.sub(rf"\b{re.escape(word)}", mark, system)
            shapes.add(re.sub(rf"\b{value}\b", "{value}", system))
    assert shapes == set(WORDINGS["mode_forms"])


def test_an_empty_system_message_leaves_no_white_space_at_the_edges():
    for number in range(100):
        _, system = add_mode(random.Random(number), WORDINGS, TURNS, "", 1.0)
        assert system == system.strip()


def test_what_was_given_is_not_changed():
    turns, forms = list(TURNS), dict(FORMS)
    for number in range(50):
        drawn(number, turns=turns, forms=forms)
    assert (turns, forms) == (TURNS, FORMS)


def test_the_same_draw_gives_the_same_reply():
    assert [drawn(number) for number in range(50)] == [drawn(number) for number in range(50)]


def test_no_silent_mode_is_one_that_acts():
    assert set(WORDINGS["silent_modes"]) & set(MODES) == set()
    assert "SAFETY" in WORDINGS["silent_modes"]
