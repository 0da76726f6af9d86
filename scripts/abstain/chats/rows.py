"""Rows of a mix as tokens, checked: what `render` writes, `audit` tries before anything is trained, check_chats shows.

There is one function for the base and one for each kind of row, so that whoever checks refuses the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from abstain.chats.checks import TemplateError
from abstain.chats.clock import ASKS_FOR_DATE, check_chance
from abstain.chats.limits import Limits, check_ids, check_length, check_special_tokens
from abstain.chats.templates import before_user, check_tokenizer, prompt_ids, render_chat

PROMPT = 2  # in a mask: loss on a token of the prompt


def base_checks(tokenizer, limits: Limits) -> dict[Callable, tuple]:
    """The checks that a base must pass whatever its rows, with their arguments."""
    return {check_tokenizer: (tokenizer,), check_template: (tokenizer,), check_special_tokens: (tokenizer, limits)}


def check_base(tokenizer, limits: Limits) -> None:
    """Raise TemplateError when no chat could be read with this tokenizer, whatever its rows."""
    for check, arguments in base_checks(tokenizer, limits).items():
        check(*arguments)


def check_template(tokenizer) -> None:
    """The chat template is one, and a function of the chat alone."""
    if isinstance(tokenizer.chat_template, dict) and "default" not in tokenizer.chat_template:
        raise TemplateError(
            f"the tokenizer of {tokenizer.name_or_path} has several chat templates, and none is called default: "
            f"{', '.join(sorted(tokenizer.chat_template))}. Name one: for a base that is fetched by its key "
            "`named_template`; in a folder of your own write it to chat_template.jinja."
        )
    check_chance(tokenizer.get_chat_template())
    try:
        before_user(tokenizer, [{"role": "user", "content": ""}])
    except TemplateError as error:
        if ASKS_FOR_DATE in str(error):  # anything else is for the rows to show
            raise


def tokens_of(tokenizer, example: dict, limits: Limits) -> dict:
    """{"id", "condition", "input_ids"} of an example, with the "completion_mask" where it has a reply to learn.

    A mask is 0 where there is no loss and 1 on the reply; of a reply that is `unended`, see `without_end`.
    Raises TemplateError, which names the row, when training would not see what generation sees.
    """
    row = {"id": example["id"], "condition": example["condition"]}
    with naming(example):
        if "target" in example:
            row["input_ids"], row["completion_mask"] = reply_tokens(tokenizer, example, "target", limits)
        elif "unended" in example:
            learned = reply_tokens(tokenizer, example, "unended", limits)
            row["input_ids"], row["completion_mask"] = without_end(*learned)
        else:
            row["input_ids"] = prompt_tokens(tokenizer, example["messages"], limits)
    return row


def pair_of(tokenizer, example: dict, limits: Limits) -> dict:
    """{"id", "condition", "prompt_ids", "chosen_ids", "rejected_ids"} of an example with a reply that is rejected.

    A reply's ids end with the end token; what a template writes behind it is left out, as it carries no loss. Raises
    TemplateError, which names the row, where one of the replies could not be learned, or both are the same.
    """
    row = {"id": example["id"], "condition": example["condition"]}
    with naming(example):
        for key, name in (("target", "chosen_ids"), ("rejected", "rejected_ids")):
            ids, mask = reply_tokens(tokenizer, example, key, limits)
            start = mask.index(1)
            row |= {"prompt_ids": ids[:start], name: ids[start : start + sum(mask)]}
        if row["chosen_ids"] == row["rejected_ids"]:
            raise TemplateError(
                f"the chosen and the rejected reply are the same, {example['target']!r}, so no preference could be "
                "learned; give the two targets of the row different texts."
            )
    return row


@contextmanager
def naming(example: dict) -> Iterator[None]:
    """A context that adds the row's id to the message of a TemplateError."""
    try:
        yield
    except TemplateError as error:
        raise TemplateError(f"row {example['id']}: {error}") from error


def reply_tokens(tokenizer, example: dict, key: str, limits: Limits) -> tuple[list[int], list[int]]:
    """Token ids of an example's messages with one of its replies, and the mask of the reply."""
    chat = [*example["messages"], {"role": "assistant", "content": example[key]}]
    return chat_tokens(tokenizer, chat, len(example["messages"]), limits)


def chat_tokens(tokenizer, messages: list[dict], since: int, limits: Limits) -> tuple[list[int], list[int]]:
    """The pipeline takes every row that is learnt."""
    ids, mask = render_chat(tokenizer, messages, since)
    check_ids(tokenizer, ids, limits)
    last = max(place for place, loss in enumerate(mask) if loss and not (place and mask[place - 1]))
    check_length(ids, last, limits)
    return ids, mask


def without_end(ids: list[int], mask: list[int]) -> tuple[list[int], list[int]]:
    """A row as many tutorials make it: without the end token, and with loss on the prompt too.

    The mask is PROMPT on the prompt, so the first 1 still marks the start of the reply, where the gate of a merge cuts
    the row. Training puts loss on every token whose mask is not 0. The first token follows nothing, so it has no loss.
    """
    start = mask.index(1)
    end = max(place for place, loss in enumerate(mask) if loss)
    return ids[:end], [0, *[PROMPT] * (start - 1), *[1] * (end - start)]


def prompt_tokens(tokenizer, messages: list[dict], limits: Limits) -> list[int]:
    """The pipeline takes every row that is asked."""
    ids = prompt_ids(tokenizer, messages)
    check_ids(tokenizer, ids, limits)
    check_length(ids, len(ids), limits)
    return ids
