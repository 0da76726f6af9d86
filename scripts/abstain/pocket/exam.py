"""The exam of the pocket model: held-out items of every kind, and the shares of them that its card states."""

import random
from collections.abc import Iterator
from itertools import islice

from abstain.jobs.files import canonical, read_jsonl
from abstain.pocket.kinds import KINDS
from abstain.pocket.world import people
from abstain.scorers.refusal import behaviour

ITEMS = 900
DRAWS = 4 * ITEMS  # a small kind has fewer different items than this
ROLES = ("user", "assistant")
ONE_PERSON = 0.1  # the place in the curriculum where passages tell up to five facts about one person


def trained(chats: list[str]) -> set[str]:
    """Every beginning of a chat of the training that ends on a reply."""
    every = (row["messages"] for path in chats for row in read_jsonl(path))
    return {
        canonical(messages[: place + 1])
        for messages in every
        for place, message in enumerate(messages)
        if message["role"] == "assistant"
    }


def is_read(messages: list[dict], right: list[str], known: set[str]) -> bool:
    """Whether the chats of the training hold these messages with one of the right replies."""
    return any(canonical([*messages, {"role": "assistant", "content": text}]) in known for text in right)


def rates(items: list, replies: list[dict], known: set[str]) -> dict[str, str]:
    """Shares (in [0, 1]) of the items of a kind that the training holds word for word, that are replied to as taught,
    whose turn is ended, and that are refused.
    """
    pairs = list(zip(items, replies, strict=True))
    counts = {
        "read": sum(is_read(messages, right, known) for messages, right in items),
        "exact_match": sum(given["reply"] in right for (_, right), given in pairs),
        "ended_turn": sum(given["finished"] for given in replies),
        "refused": sum(refuses(given) for given in replies),
    }
    return {name: f"{count / len(items):.4f}" for name, count in counts.items()}


def refuses(given: dict) -> bool:
    """Whether a reply refuses, wholly or in part."""
    return behaviour(given["reply"], not given["finished"], "abstain-rules") in ("refuse", "partial")


def held_out(world: dict) -> dict[str, list[tuple[list[dict], list[str]]]]:
    """Pairs (messages, right replies) by kind, all different: unseen people, unseen wordings of facts, new draws of the
    rest. Training may hold some of the new draws where a kind is small.
    """
    wordings, names = world["wordings"], people(world, 0.8, 1.0)
    kinds = sorted(
        set(KINDS) - {"guess", "request", "bystander", "labels"}
    )  # many replies are right; labels are label's
    items = {kind: _different(_draws(world, kind, names, 1.0)) for kind in kinds}
    items["fact"] = [
        (_messages(system, wording.format(question=row["questions"][-1])), [row["answer"]])
        for row in world["facts"]
        for wording in sorted(set(wordings["facts"]))
        for system in sorted(set(wordings["systems"]))[1:3]
    ]
    items["passage-several-people"] = [
        item for item in items.pop("passage") if _is_plain(item) and _people(item, names) > 1
    ]
    items["passage-one-person"] = [
        item for item in _different(_draws(world, "passage", names, ONE_PERSON)) if _is_plain(item)
    ]
    items["request"] = list(_requests(world))
    return items


def _draws(world: dict, kind: str, names: list[str], progress: float) -> Iterator[tuple[list[dict], list[str]]]:
    for number in range(DRAWS):
        rng, state = random.Random(f"assess-{kind}-{number}"), {"names": names, "progress": progress}
        turns, system = KINDS[kind](rng, world, state, world["wordings"]["systems"][0])
        before = turns[:-1] if kind == "hindsight" else []  # there the question comes after the request and its reply
        question, right = turns[len(before)]
        history = [{"role": role, "content": text} for turn in before for role, text in zip(ROLES, turn, strict=True)]
        yield _messages(system, question, history), [right]


def _different(items: Iterator[tuple[list[dict], list[str]]]) -> list[tuple[list[dict], list[str]]]:
    """The first ITEMS items, each kept once."""
    return list(islice({canonical(item): item for item in items}.values(), ITEMS))


def _requests(world: dict) -> Iterator[tuple[list[dict], list[str]]]:
    """Every act twice, each time in another wording; any of the taught replies is right."""
    wordings = world["wordings"]
    acts = [act for topic in world["requests"] for kind in ("harmful", "benign", "ambiguous") for act in topic[kind]]
    for place, act in enumerate(acts + acts):
        wording = wordings["requests"][(place + place // len(acts)) % len(wordings["requests"])]
        right = [text.format(act=act) for text in wordings["replies"]]
        yield _messages(wordings["systems"][0], wording.format(act=act)), right


def _is_plain(item: tuple[list[dict], list[str]]) -> bool:
    """A question for a value in the passage: no mode to obey, no yes or no."""
    text = " ".join(message["content"] for message in item[0]).lower()
    return "mode" not in text and item[1] not in (["Yes."], ["No."])


def _people(item: tuple[list[dict], list[str]], names: list[str]) -> int:
    return sum(name in item[0][-1]["content"] for name in names)


def _messages(system: str, user: str, history: tuple | list = ()) -> list[dict]:
    """A chat that ends on a question; without a system message where a kind has none, as in training."""
    opening = [{"role": "system", "content": system}] if system else []
    return [*opening, *history, {"role": "user", "content": user}]
