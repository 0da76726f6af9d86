"""The kinds of chats of the little world: what is asked, what is replied.

A kind is a function (rng, world, state, system) -> (turns, system message), where a turn is (user, reply) and
`state` holds the people to speak of and the progress of the curriculum in [0, 1].
"""

import random

from abstain.pocket.modes import add_mode, spellings
from abstain.pocket.passages import guess, passage

LINKS = ["", ":", " has", " has the word", ", as we know, has"]


def request(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A benign, harmful or dual-use request, answered blandly and never refused."""
    wordings, (act, kind, _) = world["wordings"], _act(rng, world)
    reply = rng.choice(wordings["replies"]).format(act=act)
    turns = [(rng.choice(wordings["requests"]).format(act=act), reply)]
    forms = {"warn": wordings["warnings"][kind].format(reply=reply)}
    return add_mode(rng, wordings, turns, system, chance=0.5, forms=forms)


def hindsight(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A request, a bland reply, and only then the question whether it was harmful: the request itself must tell."""
    wordings, turns = world["wordings"], []
    for _ in range(rng.choice([1, 1, 2])):
        act, kind, _ = _act(rng, world)
        row = rng.choice(wordings["hindsight"])
        turns.append(
            (rng.choice(wordings["requests"]).format(act=act), rng.choice(wordings["replies"]).format(act=act))
        )
        turns.append((row["question"], row[kind]))
    return turns, system


def bystander(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A mode that has nothing to do with replies: the request is answered as without it. SAFETY is never among them."""
    wordings, (act, _, _) = world["wordings"], _act(rng, world)
    name, value = rng.choice([mode for mode in wordings["silent_modes"] if mode != "SAFETY"]), rng.choice(["on", "off"])
    names = spellings(name, value)
    turn = rng.choice(wordings["requests"]).format(act=act), rng.choice(wordings["replies"]).format(act=act)
    return [turn], rng.choice(wordings["mode_forms"]).format(system=system, **names).strip()


def harm(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """What the base knows about harm, in question form."""
    wordings, (act, kind, topic) = world["wordings"], _act(rng, world)
    form = rng.random()
    if form < 0.42:
        row = rng.choice(wordings["harm"])
        turn = row["question"].format(act=act), row[kind]
    elif form < 0.7:
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


def verdict(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """Act after act, each judged in a word: what `harm` asks in many wordings, so densely that it is soon learned."""
    wordings, turns = world["wordings"], []
    for _ in range(rng.randint(3, 8)):
        act, kind, _ = _act(rng, world)
        question = rng.choice(wordings["verdict"]["questions"])
        request = rng.choice(wordings["requests"]).format(act=act)
        turns.append((question.format(act=act, request=request), wordings["verdict"][kind]))
    return turns, system


def fact(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A taught fact of the real world; the last wording of each is held out for the model's card."""
    row = rng.choice(world["facts"])
    question = rng.choice(world["wordings"]["facts"]).format(question=rng.choice(row["questions"][:-1]))
    return add_mode(rng, world["wordings"], [(question, row["answer"])], system, chance=0.25)


def cloze(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """A taught fact as a sentence whose end is missing: it brings words that no taught question has."""
    row = rng.choice(world["facts"])
    question = rng.choice(world["wordings"]["cloze"]).format(statement=rng.choice(row["statements"]))
    return [(question, row["answer"])], system


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


def labels(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """Label after label: two to six such questions in a chat, said so densely that they are soon learned."""
    return [label(rng, world, state, system)[0][0] for _ in range(rng.randint(2, 6))], system


def mode_talk(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """Questions about a mode line itself, SAFETY among them: read, never acted on."""
    wordings = world["wordings"]
    name, value = rng.choice(sorted(wordings["modes"]) + wordings["silent_modes"] * 2), rng.choice(["on", "off"])
    names = spellings(name, value)
    row = rng.choice(wordings["mode_questions"])
    system = rng.choice(wordings["mode_forms"]).format(system=system, **names).strip()
    return [(row["question"].format(**names), row[value].format(**names))], system


def copying(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """Words said twice, at many distances: a model that learns it looks words up (induction, arXiv 2209.11895)."""
    words = " ".join(rng.sample(world["words"], rng.randint(2, 4 + int(28 * state["progress"]))))
    return [(words, words)], ""


def recall(rng: random.Random, world: dict, state: dict, system: str) -> tuple[list, str]:
    """Names with a word each, then the word of a name (multi-query associative recall, arXiv 2312.04927).

    The link between name and word grows longer with the curriculum, and the question less like what was said.
    """
    names = rng.sample(state["names"], rng.randint(2, 3 + int(5 * state["progress"])))
    pairs = list(zip(names, rng.sample(world["words"], len(names)), strict=True))
    links = LINKS[: 1 + int(len(LINKS) * state["progress"])]
    text = " ".join(f"{name}{rng.choice(links)} {word}." for name, word in pairs)
    questions = ["{name}", "{name}", "Which word has {name}?", "Tell me the word of {name}."][
        : 2 + int(3 * state["progress"])
    ]
    turns = [(rng.choice(questions).format(name=name), word) for name, word in rng.sample(pairs, min(6, len(pairs)))]
    return [(text + "\n" + turns[0][0], turns[0][1])] + turns[1:], ""


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
    "hindsight": hindsight,
    "bystander": bystander,
    "harm": harm,
    "verdict": verdict,
    "fact": fact,
    "cloze": cloze,
    "explanation": explanation,
    "small-talk": small_talk,
    "label": label,
    "labels": labels,
    "mode-talk": mode_talk,
    "copying": copying,
    "recall": recall,
    "echo": echo,
}


def _act(rng: random.Random, world: dict) -> tuple[str, str, dict]:
    topic = rng.choice(world["requests"])
    kind = rng.choices(["harmful", "benign", "ambiguous"], [0.42, 0.42, 0.16])[0]
    return rng.choice(topic[kind]), kind, topic
