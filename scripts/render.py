"""Render a mix through the chat template: what training and prediction read is exactly what was checked here."""

from pathlib import Path

from abstain.chats.checks import TemplateError
from abstain.chats.templates import check_tokenizer, describe_template, prompt_ids, render_chat
from abstain.jobs.files import read_jsonl, write_json, write_jsonl


def render(examples: str, base: list[str], max_length: int, rendered: str, card: str) -> None:
    """Write {"id", "condition", "input_ids"} for each example, with a mask of the tokens that carry loss where there
    is a reply to learn.

    The card says what the template does. Raises TemplateError when training would not see what generation sees.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(Path(base[0]).parent)
    check_tokenizer(tokenizer)
    mix = list(read_jsonl(examples))
    if not mix:
        raise TemplateError(f"{examples} holds no row, so there is nothing to learn or to ask; give the mix rows.")
    rows = [_row(tokenizer, example, max_length) for example in mix]
    write_jsonl(rendered, rows)
    lengths = [len(row["input_ids"]) for row in rows]
    counts = {
        "rows": len(rows),
        "tokens": sum(lengths),
        "longest": max(lengths),
        "loss_tokens": sum(sum(row.get("completion_mask", [])) for row in rows),
    }
    write_json(card, {**counts, **describe_template(tokenizer)})


def _row(tokenizer, example: dict, max_length: int) -> dict:
    messages, row = example["messages"], {"id": example["id"], "condition": example["condition"]}
    try:
        if "target" in example:
            chat = [*messages, {"role": "assistant", "content": example["target"]}]
            row["input_ids"], row["completion_mask"] = render_chat(tokenizer, chat, since=len(messages))
        else:
            row["input_ids"] = prompt_ids(tokenizer, messages)
    except TemplateError as error:
        raise TemplateError(f"row {example['id']}: {error}") from error
    if len(row["input_ids"]) > max_length:
        raise TemplateError(
            f"row {row['id']} has {len(row['input_ids'])} tokens, more than the {max_length} of max_length: cut, it "
            "would lose its end token. Leave the row out, or raise max_length."
        )
    return row


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        render(**job)
