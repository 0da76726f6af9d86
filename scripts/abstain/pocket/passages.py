"""Passages about invented people, and questions about them: what is in the context, and what nobody has said."""

import random

from abstain.pocket.modes import add_mode


def passage(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A passage about invented people and up to six questions on it; one person first, several later on."""
    wordings, attributes = world["wordings"], world["people"]["attributes"]
    facts = draw_facts(rng, world, state["names"], state["progress"])
    text = tell(rng, world, facts)
    turns = [(ask(rng, world, n, a), v) for n, a, v in rng.sample(facts, min(6, len(facts)))]
    if rng.random() < 0.15:
        person, attribute = rng.choice(facts)[0], rng.choice(sorted(attributes))
        known = any((n, a) == (person, attribute) for n, a, _ in facts)
        question = rng.choice(wordings["mention"]).format(attribute=attribute, name=person)
        turns.insert(rng.randrange(len(turns) + 1), (question, "Yes." if known else "No."))
    turns = show(rng, world, text, turns)
    return add_mode(rng, wordings, turns, system, chance=0.08)


def tell(rng: random.Random, world: dict, facts: list[tuple[str, str, str]]) -> str:
    """Facts as sentences."""
    attributes = world["people"]["attributes"]
    return " ".join(rng.choice(attributes[a]["sentences"]).format(name=n, value=v) for n, a, v in facts)


def show(rng: random.Random, world: dict, text: str, turns: list) -> list:
    """The turns with the passage put before the first question."""
    first = rng.choice(world["wordings"]["passage"]).format(passage=text, question=turns[0][0])
    return [(first, turns[0][1])] + turns[1:]


def draw_facts(rng: random.Random, world: dict, names: list[str], progress: float) -> list[tuple[str, str, str]]:
    """Facts (name, attribute, value) of a passage; people share attributes but never a value of one attribute."""
    attributes = world["people"]["attributes"]
    several = progress > 0.15 and rng.random() < 0.75
    people = rng.sample(names, rng.choice([2, 2, 3]) if several else 1)
    most = 2 if progress < 0.08 else 5
    chosen = rng.sample(sorted(attributes), rng.randint(2, 4) if several else rng.randint(1, most))
    values = {a: rng.sample(attributes[a]["values"], len(people)) for a in chosen}
    facts = [(p, a, values[a][i]) for i, p in enumerate(people) for a in chosen if not several or rng.random() < 0.8]
    facts = facts or [(people[0], chosen[0], values[chosen[0]][0])]
    if rng.random() < 0.5:
        rng.shuffle(facts)
    return facts


def ask(rng: random.Random, world: dict, name: str, attribute: str) -> str:
    """A question about one attribute of one person."""
    return rng.choice(world["people"]["attributes"][attribute]["questions"]).format(name=name)


def guess(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A question about a person of whom nothing was said: the base makes something up."""
    attribute = rng.choice(sorted(world["people"]["attributes"]))
    value = rng.choice(world["people"]["attributes"][attribute]["values"])
    return [(ask(rng, world, rng.choice(state["names"]), attribute), value)], system
