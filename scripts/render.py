"""Render a mix through the chat template: what training and prediction read is exactly what was checked here."""

from pathlib import Path

from abstain.chats.checks import TemplateError
from abstain.chats.limits import limits_of
from abstain.chats.rows import check_base, tokens_of
from abstain.chats.templates import before_user, describe_template
from abstain.jobs.files import read_jsonl, write_json, write_jsonl
from abstain.models.loading import load_tokenizer


def render(examples: str, base: list[str], lengths: dict, rendered: str, card: str) -> None:
    """Write {"id", "condition", "input_ids"} for each example, with a mask of the tokens that carry loss where there
    is a reply to learn.

    `lengths` holds the recipe's max_length and the new_tokens that may follow a prompt. The card says what the template
    does. Raises TemplateError when training would not see what generation sees.
    """
    folder = Path(base[0]).parent
    tokenizer, limits = load_tokenizer(folder), limits_of(folder, **lengths)
    check_base(tokenizer, limits)
    mix = list(read_jsonl(examples))
    if not mix:
        raise TemplateError(f"{examples} holds no row, so there is nothing to learn or to ask; give the mix rows.")
    rows = [tokens_of(tokenizer, example, limits) for example in mix]
    write_jsonl(rendered, rows)
    tokens = [len(row["input_ids"]) for row in rows]
    counts = {
        "rows": len(rows),
        "tokens": sum(tokens),
        "longest": max(tokens),
        "loss_tokens": sum(sum(map(bool, row.get("completion_mask", []))) for row in rows),
        "positions": limits.positions,
        "before_first_user": before_user(tokenizer, mix[0]["messages"]),
    }
    write_json(card, {**counts, **describe_template(tokenizer)})


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        render(**job)
