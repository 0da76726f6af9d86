"""Render a mix with preferences through the chat template: two replies to each prompt, one of which is preferred."""

from pathlib import Path

from abstain.chats.checks import TemplateError
from abstain.chats.limits import limits_of
from abstain.chats.rows import check_base, pair_of
from abstain.jobs.files import read_jsonl, write_json, write_jsonl
from abstain.models.loading import load_tokenizer


def pair(examples: str, base: list[str], lengths: dict, paired: str, card: str) -> None:
    """Write {"id", "condition", "prompt_ids", "chosen_ids", "rejected_ids"} for each example, with the same checks as
    `render`; what the template does, the card that `render` writes says.

    `lengths` holds the recipe's max_length and the new_tokens that may follow a prompt.
    """
    folder = Path(base[0]).parent
    tokenizer, limits = load_tokenizer(folder), limits_of(folder, **lengths)
    check_base(tokenizer, limits)
    rows = [pair_of(tokenizer, example, limits) for example in read_jsonl(examples)]
    if not rows:
        raise TemplateError(f"{examples} holds no row, so there is no preference to learn; give the mix rows.")
    write_jsonl(paired, rows)
    lengths_of = {key: [len(row[f"{key}_ids"]) for row in rows] for key in ("prompt", "chosen", "rejected")}
    pairs = zip(*lengths_of.values(), strict=True)
    longest = max(prompt + max(replies) for prompt, *replies in pairs)
    write_json(card, {"pairs": len(rows), "longest": longest, "tokens": {k: sum(v) for k, v in lengths_of.items()}})


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        pair(**job)
