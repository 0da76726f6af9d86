"""Likelihood: how probable the base's own greedy reply is to a checkpoint, against what it is to the base.

The mean log-likelihood of the reply's tokens, in nats, after the same prompt. An arm that lost nothing on a request
changes little; one that would now say something else finds the base's words less likely. It needs no judge, and does
not say which of two replies is better.
"""

from collections.abc import Iterator

from abstain.chats.checks import TemplateError
from abstain.chats.templates import render_chat
from abstain.models.batches import batches_by_rows
from abstain.scorers import by_kind
from abstain.scorers.metric import EVERY, Metric

COLUMNS = {"likelihood": float}
DIGITS = 6  # decimals of a log-likelihood
ROWS = 8  # of a batch: few logits in memory


def change(scores, base):
    """The likelihood under the run's checkpoint minus that under the base, for each request."""
    return scores.likelihood - scores.id.map(base.set_index("id").likelihood)


METRICS = (Metric("likelihood-change", "nats", "mean", change, EVERY, by_kind=True, needs_base=True, paired=True),)
names, covers, settings = by_kind.names, by_kind.covers, by_kind.settings


def cost(record: dict) -> str:
    """What a label needs: the checkpoint that replied."""
    return "checkpoint"


def label(rows: list[dict], settings: dict, model, tokenizer) -> Iterator[dict]:
    """The mean log-likelihood of the base's reply, which each row of the kinds has as `base_reply`.

    A reply that the chat template cannot hold word for word, such as an empty one, has no label.
    """
    chats = {row["id"]: tokens_of(tokenizer, row) for row in rows if row["kind"] in settings["kinds"]}
    chats = {name: chat for name, chat in chats.items() if chat is not None and any(chat[1])}
    names, lengths = list(chats), [len(ids) for ids, _ in chats.values()]
    for batch in batches_by_rows(lengths, [""] * len(names), ROWS):
        members = [names[i] for i in batch]
        found = likelihoods(model, [chats[name] for name in members], tokenizer.pad_token_id)
        yield from (
            {"id": name, "likelihood": f"{value:.{DIGITS}f}"} for name, value in zip(members, found, strict=True)
        )


def tokens_of(tokenizer, row: dict) -> tuple[list[int], list[int]] | None:
    """Token ids of a prompt with the base's reply, and a mask that is 1 on the reply; None where that is no chat.

    The end token belongs to a reply that the base ended itself.
    """
    messages = row["fields"]["messages"]
    try:
        chat = [*messages, {"role": "assistant", "content": row["base_reply"]}]
        ids, mask = render_chat(tokenizer, chat, len(messages))
    except TemplateError:
        return None
    length = len(mask) - mask[::-1].index(1) - (not row["base_finished"])
    return ids[:length], mask[:length]


def likelihoods(model, chats: list[tuple[list[int], list[int]]], pad: int) -> list[float]:
    """The mean log-likelihood, in nats, of the tokens of each chat whose mask is 1."""
    import torch

    width = max(len(ids) for ids, _ in chats)
    ids, seen, reply_mask = (
        torch.tensor([side + [fill] * (width - len(side)) for side in sides], device=model.device)
        for fill, sides in (
            (pad, [ids for ids, _ in chats]),
            (0, [[1] * len(ids) for ids, _ in chats]),
            (0, [mask for _, mask in chats]),
        )
    )
    columns = reply_mask[:, 1:].any(dim=0).nonzero()[:, 0]  # those before a token of some reply
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=seen, use_cache=False, logits_to_keep=columns).logits
        logs = torch.log_softmax(logits.double(), dim=-1)
    of_tokens = logs.gather(2, ids[:, columns + 1].unsqueeze(2)).squeeze(2)
    counted = reply_mask[:, columns + 1]
    return ((of_tokens * counted).sum(dim=1) / counted.sum(dim=1)).tolist()
