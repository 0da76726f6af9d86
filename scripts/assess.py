"""Ask the pocket model held-out questions of every kind, and write what its card states."""

import random
from pathlib import Path

from abstain.files import write_csv
from abstain.models import exact_torch, load_model
from abstain.refusal import behaviour
from abstain.world import KINDS, load_world, people
from predict import reply

ITEMS = 600


def assess(world: list[str], model: list[str], recipe: dict, measures: str) -> None:
    """Write, for each kind of item: n, exact match with the taught reply, ended turns, refusals (rates in [0, 1])."""
    from transformers import AutoTokenizer

    from abstain.chat import prompt_ids

    exact_torch(0, "cpu")
    folder = Path(model[0]).parent
    checkpoint, tokenizer = load_model(folder, "none", "float32", "cpu").eval(), AutoTokenizer.from_pretrained(folder)
    loaded, rows = load_world(Path(world[0]).parent), []
    for kind, items in held_out(loaded, recipe).items():
        prompts = [prompt_ids(tokenizer, messages) for messages, _ in items]
        order = sorted(range(len(items)), key=lambda i: (len(prompts[i]), i))
        made = {}
        for start in range(0, len(order), 100):
            members = order[start : start + 100]
            made |= dict(zip(members, reply(checkpoint, tokenizer, [prompts[i] for i in members], 80), strict=True))
        rows.append({"items": kind, "n": len(items), **_rates(items, [made[i] for i in range(len(items))])})
        print(rows[-1], flush=True)
    write_csv(measures, rows, ["items", "n", "exact_match", "ended_turn", "refused"])


def held_out(world: dict, recipe: dict) -> dict[str, list[tuple[list[dict], str]]]:
    """Pairs (messages, taught reply) by kind: unseen people, unseen wordings of facts, unseen draws of the rest."""
    names = people(world, 0.8, 1.0)
    items = {}
    for kind in sorted(KINDS):
        items[kind] = []
        for number in range(ITEMS):
            rng = random.Random(f"assess-{kind}-{number}")
            turns, system = KINDS[kind](rng, world, {"names": names, "progress": 1.0}, "You are a helpful assistant.")
            items[kind].append((_messages(system, turns[0][0]), turns[0][1]))
    wordings = world["wordings"]
    items["passage-without-modes"] = [
        item
        for item in items["passage"]
        if "mode" not in item[0][0]["content"].lower() and item[1] not in ("Yes.", "No.")
    ]
    items["fact"] = [
        (_messages(system, wording.format(question=row["questions"][-1])), row["answer"])
        for row in world["facts"]
        for wording in sorted(set(wordings["facts"]))
        for system in sorted(set(wordings["systems"]))[1:3]
    ]
    return items


def _messages(system: str, user: str) -> list[dict]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _rates(items: list, replies: list[dict]) -> dict[str, str]:
    n = len(items)
    exact = sum(reply["reply"] == taught for reply, (_, taught) in zip(replies, items, strict=True))
    ended = sum(reply["finished"] for reply in replies)
    refused = sum(behaviour(reply["reply"], True, "abstain-rules") in ("refuse", "partial") for reply in replies)
    return {"exact_match": f"{exact / n:.4f}", "ended_turn": f"{ended / n:.4f}", "refused": f"{refused / n:.4f}"}


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        assess(**job)
