"""Render a mix through the chat template: what training and prediction read is exactly what was checked here."""

from collections.abc import Iterator
from pathlib import Path

from abstain.chat import TemplateError, prompt_ids, render_chat
from abstain.files import digest, read_jsonl, write_json, write_jsonl


def render(examples: str, base: list[str], max_length: int, rendered: str, card: str) -> None:
    """Write token ids, with a mask of the tokens that carry loss where there is a reply to learn."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(Path(base[0]).parent)
    if tokenizer.pad_token_id == tokenizer.eos_token_id:
        raise TemplateError(
            "padding is the end token, so stopping would never be taught; give the tokenizer a pad token"
        )
    rows = list(_rows(tokenizer, examples, max_length))
    write_jsonl(rendered, rows)
    lengths = [len(row["input_ids"]) for row in rows]
    losses = sum(sum(row.get("completion_mask", [])) for row in rows)
    template = digest(tokenizer.chat_template)
    write_json(
        card,
        {
            "rows": len(rows),
            "tokens": sum(lengths),
            "longest": max(lengths),
            "loss_tokens": losses,
            "chat_template": template,
        },
    )


def _rows(tokenizer, examples: str, max_length: int) -> Iterator[dict]:
    for example in read_jsonl(examples):
        if "target" in example:
            reply = {"role": "assistant", "content": example["target"]}
            ids, mask = render_chat(tokenizer, [*example["messages"], reply])
            row = {"id": example["id"], "input_ids": ids, "completion_mask": mask}
        else:
            row = {"id": example["id"], "input_ids": prompt_ids(tokenizer, example["messages"])}
        if len(row["input_ids"]) > max_length:
            raise TemplateError(
                f"row {row['id']} has {len(row['input_ids'])} tokens, more than the {max_length} allowed"
            )
        yield row


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        render(**job)
