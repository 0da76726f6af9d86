"""Abstention: how probable a refusal is after the prompt, read off the checkpoint without letting it reply.

P(abstain) is the summed probability of every opening of a taught refusal. An opening is the fixed text of a target
before its first {field}; openings that no other one begins with exclude each other, so their probabilities add up.
"""

import math
from collections.abc import Iterable, Iterator
from os.path import commonprefix
from string import Formatter

from abstain.chats.templates import render_chat
from abstain.scorers.metric import EVERY, Metric
from abstain.settings.schema import ConfigError

COLUMNS = {"abstention": float}
DIGITS = 6  # decimals of a probability
PROBES = ("a", "1")  # texts without a beginning in common


def probability(scores, base):
    """The probability of abstaining after each prompt."""
    return scores.abstention


METRICS = (Metric("abstention", "share", "mean", probability, EVERY, by_kind=True, paired=True),)


def cost(record: dict) -> str:
    """What a label needs: the checkpoint that replied."""
    return "checkpoint"


def names(record: dict) -> list[tuple[str, str, str]]:
    """The target whose texts are the taught refusals."""
    return [("refusals", "target", record["refusals"])]


def covers(record: dict, row: dict) -> bool:
    """Whether replies to a row of a mix have a label: all have."""
    return True


def settings(record: dict, study: dict) -> dict:
    """The texts of the taught refusals; raises ConfigError when one begins with a field and so has no opening."""
    texts = study["targets"][record["refusals"]]
    for text in texts:
        if not opening(text)[0].strip():
            raise ConfigError(_unopened(text))
    return {"refusals": texts}


def label(rows: list[dict], settings: dict, model, tokenizer) -> Iterator[dict]:
    """The probability of abstaining after every prompt, whose token ids each row has as `input_ids`."""
    messages = rows[0]["fields"]["messages"]
    openings = shortest(tokens_of(tokenizer, messages, text) for text in settings["refusals"])
    for row in rows:
        found = probability_of(model, row["input_ids"], openings)
        yield {"id": row["id"], "abstention": f"{found:.{DIGITS}f}"}


def opening(text: str) -> tuple[str, bool]:
    """The fixed text before the first {field}, and whether there is a field."""
    fixed = ""
    for literal, field, _, _ in Formatter().parse(text):
        fixed += literal
        if field is not None:
            return fixed, True
    return fixed, False


def tokens_of(tokenizer, messages: list[dict], text: str) -> list[int]:
    """The first tokens of a reply with this text, whatever fills its fields; raises ConfigError without any.

    A token may reach over into the field, such as a space with the word after it, so two fillings are compared.
    """
    fixed, more = opening(text)
    found = []
    for filling in PROBES if more else ("",):
        ids, mask = render_chat(
            tokenizer, [*messages, {"role": "assistant", "content": fixed + filling}], len(messages)
        )
        found.append([token for token, taught in zip(ids, mask, strict=True) if taught][:-1])  # but the end token
    if not (tokens := commonprefix(found)):
        raise ConfigError(_unopened(text))
    return tokens


def _unopened(text: str) -> str:
    return f"the refusal {text!r} has no fixed text before its first field to look for; begin it with words"


def shortest(openings: Iterable[list[int]]) -> list[list[int]]:
    """The openings that no other one begins with, each once: whoever writes a longer one has written the shorter."""
    kept: list[list[int]] = []
    for tokens in sorted(openings, key=len):
        if not any(tokens[: len(short)] == short for short in kept):
            kept.append(tokens)
    return kept


def probability_of(model, prompt: list[int], openings: list[list[int]]) -> float:
    """The summed probability of continuing a prompt with one of the openings, by one forward pass over all of them."""
    import torch

    longest = max(map(len, openings))
    rows = [prompt + tokens + [prompt[-1]] * (longest - len(tokens)) for tokens in openings]  # read, never asked for
    with torch.inference_mode():
        ids = torch.tensor(rows, device=model.device)
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=longest + 1).logits
        logs = torch.log_softmax(logits.double(), dim=-1).cpu()
    each = [
        math.fsum(float(logs[row, place, token]) for place, token in enumerate(tokens))
        for row, tokens in enumerate(openings)
    ]
    return math.fsum(map(math.exp, each))
