"""Readers of what we wrote for missing-context: passages about invented people, and questions with a false premise."""

import random
from collections.abc import Iterator
from pathlib import Path

import yaml

from abstain.corpora.download import CorpusError
from abstain.corpora.lines import Quarantined, is_text, plain_text, text_id
from abstain.corpora.people import named

UNREAD = (0.6, 1.0)  # the part of all people of whom the pocket model has read nothing (models/pocket/recipe.yaml)
GROUPS = (1, 2, 1, 3)  # how many people a passage is about, in turn
ATTRIBUTES_PER_PERSON = 3  # attributes of each person of a passage
Fact = tuple[str, str, str]  # a name, an attribute and its value


def read_passages(people: str) -> Iterator[dict | Quarantined]:
    """Passages about people whom the pocket model's training leaves out, each with questions of two or three kinds.

    answerable: a fact of the passage; unanswerable: a fact that it does not hold, about one of its people or somebody
    else; open, only for a passage about one person: a question about that person, without the passage. Where a passage
    is about several people the first two kinds end in -of-several, because there a model can also fail by confusing
    people. `person` names all people of the passage. The draws depend on the names alone.
    """
    attributes = _attributes(people)
    names = named(yaml.safe_load(Path(people).read_text(encoding="utf-8")), *UNREAD)
    names.sort(key=text_id)
    groups = list(_grouped(names))
    passages = [_passage(group, attributes) for group in groups]
    for place, (group, (facts, context)) in enumerate(zip(groups, passages, strict=True)):
        stranger = groups[place - 1][0]
        shared = {"person": ", ".join(group), "context": context, "other_context": passages[place - 1][1]}
        for kind, fact, is_in_passage in _questions(group, stranger, facts, attributes):
            yield _example(kind, fact, is_in_passage, attributes, shared)


def _grouped(names: list[str]) -> Iterator[list[str]]:
    place, turn = 0, 0
    while (end := place + GROUPS[turn % len(GROUPS)]) <= len(names):
        yield names[place:end]
        place, turn = end, turn + 1


def _attributes(path: str) -> dict[str, dict]:
    """The attributes of people; CorpusError where one lacks values, sentences or questions."""
    given = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    attributes = given.get("attributes") if isinstance(given, dict) else None
    if not isinstance(attributes, dict) or not all(isinstance(given.get(key), list) for key in ("first", "last")):
        raise CorpusError(f"{path} needs lists `first` and `last`, and `attributes`")
    for name, each in attributes.items():
        if lacking := [key for key in ("values", "sentences", "questions") if not each.get(key)]:
            raise CorpusError(f"{path}: the attribute {name!r} has no {lacking[0]}")
    return attributes


def _passage(group: list[str], attributes: dict[str, dict]) -> tuple[list[Fact], str]:
    """The facts of a passage, no two of them with one attribute and value, and its text."""
    rng = random.Random(text_id(f"passage about {', '.join(group)}"))
    chosen = rng.sample(sorted(attributes), ATTRIBUTES_PER_PERSON)
    values = {name: rng.sample(attributes[name]["values"], len(group)) for name in chosen}
    facts = [(person, name, values[name][i]) for i, person in enumerate(group) for name in chosen]
    rng.shuffle(facts)
    sentences = (
        rng.choice(attributes[name]["sentences"]).format(name=person, value=value) for person, name, value in facts
    )
    return facts, " ".join(sentences)


def _questions(
    group: list[str], stranger: str, facts: list[Fact], attributes: dict[str, dict]
) -> Iterator[tuple[str, Fact, bool]]:
    """The kind of each question, the fact that it asks for, and whether the passage holds it."""
    rng = random.Random(text_id(f"questions about {', '.join(group)}"))
    several = "-of-several" if len(group) > 1 else ""
    person, name, value = rng.choice(facts)
    yield f"answerable{several}", (person, name, value), True
    absent_attribute = rng.choice(sorted(set(attributes) - {name for _, name, _ in facts}))
    unanswerable_facts = [(person, absent_attribute, ""), (stranger, name, "")]  # another attribute, another person
    yield f"unanswerable{several}", rng.choice(unanswerable_facts), False
    if not several:
        yield "open", (person, rng.choice(sorted(attributes)), ""), False


def _example(kind: str, fact: Fact, is_in_passage: bool, attributes: dict[str, dict], shared: dict) -> dict:
    person, name, value = fact
    forms = attributes[name]["questions"]
    question = forms[int(text_id(f"{kind} {person} {name}"), 16) % len(forms)].format(name=person)
    answer = {"reference": value, "references": [value]} if is_in_passage else {"references": []}
    about = shared if kind != "open" else {"person": shared["person"]}
    question_fields = {"question": question, "text": plain_text(question), "attribute": name}
    return {"id": f"{kind}-{text_id(shared['person'])}", "kind": kind, **question_fields, **about, **answer}


def read_premises(premises: str) -> Iterator[dict | Quarantined]:
    """Authored questions that rest on a false premise, each with a twin that rests on a true one: YAML.

    Kinds false-premise and true-premise. Both have the `premise` as a sentence and the same `pair`. No answer is known.
    """
    rows = yaml.safe_load(Path(premises).read_text(encoding="utf-8"))
    if not isinstance(rows, list):
        raise CorpusError(f"{premises} is no list; begin each of its entries with a hyphen")
    for number, row in enumerate(rows, start=1):
        given = row if isinstance(row, dict) else {}
        if lacking := [key for key in ("question", "premise", "twin") if not is_text(given.get(key))]:
            yield Quarantined(f"entry {number}", f"{' and '.join(lacking)} must be text that is not empty")
            continue
        for kind, question in (("false-premise", row["question"]), ("true-premise", row["twin"])):
            fields = {"question": question, "text": plain_text(question), "pair": f"pair {number}"}
            yield {"id": f"premise-{text_id(question)}", "kind": kind, **fields, "premise": row["premise"]}
