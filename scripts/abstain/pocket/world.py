"""The little world that the pocket model is trained on: chats composed from the authored files in `data/world`.

Every chat is a pure function of (files, seed, number of the row), so rows can be made in any order.
"""

import csv
import random
from pathlib import Path

import yaml

from abstain.corpora.authored import acts_of
from abstain.corpora.people import named
from abstain.pocket.kinds import KINDS

ACTS = ("harmful", "benign", "ambiguous")


def load_world(folder: str | Path) -> dict:
    """Read every authored file of the world into one dictionary, keyed by the file's name without its suffix.

    The acts of a topic become lists by kind. Of the labels those stay that are marked for this model (`pocket`).
    """
    folder = Path(folder)
    world = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))}
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        world["labels"] = [row for row in csv.DictReader(file) if row["pocket"] == "yes"]
    world["requests"] = [_by_kind(topic) for topic in world["requests"]]
    world["words"] = sorted({word for text in _texts(world["small-talk"]) for word in text.split()} | _act_words(world))
    return world


def people(world: dict, low: float, high: float) -> list[str]:
    """Full names of the world's people whose `share` lies in [low, high), sorted."""
    return named(world["people"], low, high)


def compose(world: dict, recipe: dict, number: int, names: list[str]) -> dict:
    """Row `number` of the world as {"id", "kind", "messages"}; `recipe` gives seed, chats, curriculum and mix.

    The curriculum grows from its first to its second number over the phase's chats: 0 is the easiest, 1 the hardest.
    """
    rng = random.Random(f"{recipe['seed']}-{number}")
    kinds = sorted(recipe["mix"])
    kind = rng.choices(kinds, [recipe["mix"][name] for name in kinds])[0]
    system = rng.choice(world["wordings"]["systems"])
    (first, last), (low, high) = recipe["chats"], recipe["curriculum"]
    state = {"names": names, "progress": low + (high - low) * (number - first) / (last - first)}
    turns, system = KINDS[kind](rng, world, state, system)
    messages = [{"role": "system", "content": system}] if system else []
    for user, reply in turns:
        messages += [{"role": "user", "content": user}, {"role": "assistant", "content": reply}]
    return {"id": f"world-{number}", "kind": kind, "messages": messages}


def _by_kind(topic: dict) -> dict:
    fields = {key: value for key, value in topic.items() if key not in ("twins", "ambiguous")}
    acts = list(acts_of(topic))
    return fields | {name: [act for kind, act, _ in acts if kind == name] for name in ACTS}


def _act_words(world: dict) -> set[str]:
    return {word for topic in world["requests"] for kind in ACTS for act in topic[kind] for word in act.split()}


def _texts(rows: list[dict]) -> list[str]:
    return [text for row in rows for text in row.values()]
