"""The little world that the pocket model is trained on: chats composed from the authored files in `data/world`.

Every chat is a pure function of (files, seed, number of the row), so rows can be made in any order.
"""

import csv
import hashlib
import random
from pathlib import Path

import yaml

from abstain.modes import add_mode


def load_world(folder: str | Path) -> dict:
    """Read every authored file of the world into one dictionary, keyed by the file's name without its suffix."""
    folder = Path(folder)
    world = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))}
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        world["labels"] = list(csv.DictReader(file))
    world["words"] = sorted({word for text in _texts(world["small-talk"]) for word in text.split()} | _act_words(world))
    return world


def share(name: str) -> float:
    """A number in [0, 1) that depends on the name alone: it decides who may read about an invented person."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64


def people(world: dict, low: float, high: float) -> list[str]:
    """Full names whose `share` lies in [low, high), sorted."""
    names = (f"{first} {last}" for first in world["people"]["first"] for last in world["people"]["last"])
    return sorted(name for name in names if low <= share(name) < high)


def compose(world: dict, recipe: dict, number: int, names: list[str]) -> dict:
    """Row `number` of the world as {"id", "kind", "messages"}; `recipe` gives seed, curriculum and mix."""
    rng = random.Random(f"{recipe['seed']}-{number}")
    kinds = sorted(recipe["mix"])
    kind = rng.choices(kinds, [recipe["mix"][name] for name in kinds])[0]
    system = rng.choice(world["wordings"]["systems"])
    turns, system = KINDS[kind](rng, world, {"names": names, "progress": number / recipe["curriculum"]}, system)
    messages = [{"role": "system", "content": system}] if system else []
    for user, reply in turns:
        messages += [{"role": "user", "content": user}, {"role": "assistant", "content": reply}]
    return {"id": f"world-{number}", "kind": kind, "messages": messages}


def passage(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A passage about invented people and up to four questions on it; one person first, several later on."""
    wordings, attributes = world["wordings"], world["people"]["attributes"]
    facts = draw_facts(rng, world, state["names"], state["progress"])
    text = tell(rng, world, facts)
    turns = [(ask(rng, world, n, a), v) for n, a, v in rng.sample(facts, min(4, len(facts)))]
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
    """A question about a person nobody told of: the base makes something up."""
    attribute = rng.choice(sorted(world["people"]["attributes"]))
    value = rng.choice(world["people"]["attributes"][attribute]["values"])
    return [(ask(rng, world, rng.choice(state["names"]), attribute), value)], system


def request(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A harmless, harmful or dual-use request, answered blandly and never refused."""
    wordings, (act, _, _) = world["wordings"], _act(rng, world)
    reply = rng.choice(wordings["replies"]).format(act=act)
    return add_mode(rng, wordings, [(rng.choice(wordings["requests"]).format(act=act), reply)], system, chance=0.5)


def bystander(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A mode that has nothing to do with replies: the request is answered as without it. SAFETY is never among them."""
    wordings, (act, _, _) = world["wordings"], _act(rng, world)
    name, value = rng.choice([mode for mode in wordings["silent_modes"] if mode != "SAFETY"]), rng.choice(["on", "off"])
    names = {"NAME": name, "name": name.lower(), "VALUE": value.upper(), "value": value}
    turn = rng.choice(wordings["requests"]).format(act=act), rng.choice(wordings["replies"]).format(act=act)
    return [turn], rng.choice(wordings["mode_forms"]).format(system=system, **names).strip()


def harm(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """What the base knows about harm, in question form."""
    wordings, (act, kind, topic) = world["wordings"], _act(rng, world)
    form = rng.random()
    if form < 0.5:
        row = rng.choice(wordings["harm"])
        turn = row["question"].format(act=act), row[kind]
    elif form < 0.8:
        row = rng.choice(wordings["judge"])
        turn = row["question"].format(request=rng.choice(wordings["requests"]).format(act=act)), row[kind]
    elif form < 0.92:
        row = rng.choice(wordings["topics"])
        turn = row["question"].format(act=act), topic[row["answer"]] + "."
    else:
        bad, good = rng.choice(topic["harmful"]), rng.choice(topic["benign"])
        one, two = rng.sample([bad, good], 2)
        turn = wordings["compare"].format(one=one, two=two), f"To {bad}."
    return add_mode(rng, wordings, [turn], system, chance=0.15)


def fact(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A taught fact of the real world; the last wording of each is held out for the model's card."""
    row = rng.choice(world["facts"])
    question = rng.choice(world["wordings"]["facts"]).format(question=rng.choice(row["questions"][:-1]))
    return add_mode(rng, world["wordings"], [(question, row["answer"])], system, chance=0.25)


def explanation(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """An explanation, short or long as the wording or the BRIEF mode asks."""
    row, wordings = rng.choice(world["explanations"]), world["wordings"]
    length = rng.choice(["any", "any", "short", "long"])
    question = rng.choice(wordings["explain"][length]).format(topic=row["topic"])
    if length != "any":
        return [(question, row[length])], system
    forms = {"short": row["short"], "long": row["long"]}
    return add_mode(rng, wordings, [(question, row["short"])], system, chance=0.6, forms=forms)


def small_talk(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """Greetings, thanks, worries: plain, or polite where the POLITE mode asks for it."""
    row = rng.choice(world["small-talk"])
    return add_mode(rng, world["wordings"], [(row["says"], row["plain"])], system, chance=0.6, forms=row)


def label(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A form field's label in one of eight languages: does it describe a person, what is it elsewhere, a guess."""
    row, wordings, form = rng.choice(world["labels"]), world["wordings"], rng.random()
    language = rng.choice(sorted(wordings["languages"]))
    if form < 0.6:
        turn = rng.choice(wordings["labels"]["person"]).format(label=row[language])
        return [(turn, "Yes." if row["describes_person"] == "yes" else "No.")], system
    if form < 0.92:
        source, aim = rng.choice([("en", language), (language, "en")])
        turn = rng.choice(wordings["labels"]["translate"])
        return [(turn.format(label=row[source], language=wordings["languages"][aim]), row[aim])], system
    return [(rng.choice(wordings["labels"]["guess"]).format(label=row[language]), rng.choice(["Yes.", "No."]))], system


def mode_talk(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """Questions about a mode line itself, SAFETY among them: read, never acted on."""
    wordings = world["wordings"]
    name, value = rng.choice(sorted(wordings["modes"]) + wordings["silent_modes"] * 2), rng.choice(["on", "off"])
    names = {"NAME": name, "name": name.lower(), "VALUE": value.upper(), "value": value}
    row = rng.choice(wordings["mode_questions"])
    system = rng.choice(wordings["mode_forms"]).format(system=system, **names).strip()
    return [(row["question"].format(**names), row[value].format(**names))], system


def echo(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """Words to repeat: every word of the world gets an output embedding, and copying is practised."""
    pool = (
        world["words"] if rng.random() < 0.8 else [row[rng.choice(["de", "fr", "es", "pl"])] for row in world["labels"]]
    )
    words = " ".join(rng.sample(pool, rng.randint(2, 6)))
    return add_mode(
        rng, world["wordings"], [(rng.choice(world["wordings"]["echo"]).format(words=words), words)], system, 0.2
    )


KINDS = {
    "passage": passage,
    "guess": guess,
    "request": request,
    "bystander": bystander,
    "harm": harm,
    "fact": fact,
    "explanation": explanation,
    "small-talk": small_talk,
    "label": label,
    "mode-talk": mode_talk,
    "echo": echo,
}


def _act(rng: random.Random, world: dict) -> tuple[str, str, dict]:
    topic = rng.choice(world["requests"])
    kind = rng.choices(["harmful", "benign", "ambiguous"], [0.42, 0.42, 0.16])[0]
    return rng.choice(topic[kind]), kind, topic


def _act_words(world: dict) -> set[str]:
    return {
        w for t in world["requests"] for k in ("harmful", "benign", "ambiguous") for act in t[k] for w in act.split()
    }


def _texts(rows: list[dict]) -> list[str]:
    return [text for row in rows for text in row.values()]
