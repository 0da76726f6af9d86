"""Chats of the pocket model's world, composed as its recipe says, and what is said in them."""

import random
import re
from functools import cache

from conftest import ROOT, load

from abstain.pocket.kinds import KINDS
from abstain.pocket.world import compose, load_world, people

RECIPE = load(ROOT / "models/pocket/recipe.yaml")
PHASES = sorted(RECIPE["phases"].values(), key=lambda phase: phase["chats"])
SETTINGS = {**RECIPE, **RECIPE["phases"]["broad"]}
COUNT = 5000
FIRST = SETTINGS["chats"][0]
NAMES = ["Ada Amber", "Bela Birch", "Cora Castle", "Dario Dale"]


@cache
def first_chats() -> list[dict]:
    """The first chats of every phase."""
    world = load_world(ROOT / "data/world")
    return [row for phase in PHASES for row in first_of(phase, world, people(world, *SETTINGS["people"]))]


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
