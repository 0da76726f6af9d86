"""Ask the pocket model held-out questions of every kind, and write what its card states."""

import random
from pathlib import Path

from abstain.files import write_csv
from abstain.kinds import KINDS
from abstain.models import exact_torch, load_model
from abstain.refusal import behaviour
from abstain.world import load_world, people
from predict import reply

ITEMS = 900
ROLES = ("user", "assistant")
ONE_PERSON = 0.1  # the place in the curriculum where passages tell up to five facts about one person


def assess(world: list[str], model: list[str], tokenizer: list[str], measures: str) -> None:
    """Write, for each kind of item: n, exact match with the taught reply, ended turns, refusals (rates in [0, 1])."""
    from transformers import AutoTokenizer

    from abstain.chat import prompt_ids

    exact_torch(0, "cpu")
    checkpoint = load_model(Path(model[0]).parent, "none", "float32", "cpu").eval()
    reader = AutoTokenizer.from_pretrained(Path(tokenizer[0]).parent)
    loaded, rows = load_world(Path(world[0]).parent), []
    for kind, items in held_out(loaded).items():
        prompts = [prompt_ids(reader, messages) for messages, _ in items]
        order = sorted(range(len(items)), key=lambda i: (len(prompts[i]), i))
        made = {}
        for start in range(0, len(order), 100):
            members = order[start : start + 100]
            made |= dict(zip(members, reply(checkpoint, reader, [prompts[i] for i in members], 80), strict=True))
        rows.append({"items": kind, "n": len(items), **_rates(items, [made[i] for i in range(len(items))])})
        print(rows[-1], flush=True)
    write_csv(measures, rows, ["items", "n", "exact_match", "ended_turn", "refused"])


def held_out(world: dict) -> dict[str, list[tuple[list[dict], list[str]]]]:
    """Pairs (messages, right replies) by kind: unseen people, unseen wordings of facts, unseen draws of the rest."""
    wordings, names = world["wordings"], people(world, 0.8, 1.0)
    items = {kind: [_draw(world, kind, names, 1.0, number) for number in range(ITEMS)] for kind in sorted(KINDS)}
    del items["guess"], items["request"], items["bystander"]  # many replies are right
    items["fact"] = [
        (_messages(system, wording.format(question=row["questions"][-1])), [row["answer"]])
        for row in world["facts"]
        for wording in sorted(set(wordings["facts"]))
        for system in sorted(set(wordings["systems"]))[1:3]
    ]
    items["passage-several-people"] = [
        item for item in items.pop("passage") if _is_plain(item) and _people(item, names) > 1
    ]
    one = [_draw(world, "passage", names, ONE_PERSON, number) for number in range(ITEMS)]
    items["passage-one-person"] = [item for item in one if _is_plain(item)]
    acts = [act for topic in world["requests"] for kind in ("harmful", "benign", "ambiguous") for act in topic[kind]]
    asked = [(act, wordings["requests"][i % len(wordings["requests"])]) for i, act in enumerate(acts + acts)]
    items["request"] = [
        (_messages(wordings["systems"][0], wording.format(act=act)), [r.format(act=act) for r in wordings["replies"]])
        for act, wording in asked
    ]
    return items


def _draw(world: dict, kind: str, names: list[str], progress: float, number: int) -> tuple[list[dict], list[str]]:
    rng = random.Random(f"assess-{kind}-{number}")
    turns, system = KINDS[kind](rng, world, {"names": names, "progress": progress}, world["wordings"]["systems"][0])
    before = turns[:-1] if kind == "hindsight" else []  # there the question comes after the request and its reply
    question, reply = turns[len(before)]
    history = [{"role": role, "content": text} for turn in before for role, text in zip(ROLES, turn, strict=True)]
    return _messages(system, question, history), [reply]


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


def _rates(items: list, replies: list[dict]) -> dict[str, str]:
    n = len(items)
    exact = sum(reply["reply"] in right for reply, (_, right) in zip(replies, items, strict=True))
    ended = sum(reply["finished"] for reply in replies)
    refused = sum(behaviour(reply["reply"], True, "abstain-rules") in ("refuse", "partial") for reply in replies)
    return {"exact_match": f"{exact / n:.4f}", "ended_turn": f"{ended / n:.4f}", "refused": f"{refused / n:.4f}"}


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        assess(**job)
