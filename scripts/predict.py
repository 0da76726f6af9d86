"""Let a checkpoint reply to every rendered prompt of the evaluation, greedily."""

from pathlib import Path

from abstain.jobs.files import read_jsonl, write_jsonl
from abstain.jobs.progress import Progress
from abstain.models.batches import batches_by_rows
from abstain.models.generation import reply
from abstain.models.loading import exact_torch, load_model, load_tokenizer


def predict(rendered: str, checkpoint: list[str], generation: dict, device: str, predictions: str) -> None:
    """Write {"id", "reply", "tokens", "finished"} for each prompt, in the order of the prompts.

    Only new tokens are decoded; `finished` says whether the model ended its turn itself. Prompts of one condition
    begin alike, so they share batches. Arithmetic is in float32, in whatever format the weights are stored.
    """
    exact_torch(0, device)
    folder = Path(checkpoint[0]).parent
    model = load_model(folder, "none", "float32", device).eval()
    tokenizer = load_tokenizer(folder)
    rows = list(read_jsonl(rendered))
    replies: dict[int, dict] = {}
    lengths, conditions = [len(row["input_ids"]) for row in rows], [row["condition"] for row in rows]
    batches = batches_by_rows(lengths, conditions, generation["batch_rows"])
    tokens = [len(batch) * (lengths[batch[0]] + generation["max_new_tokens"]) for batch in batches]  # at most
    progress = Progress("batch", tokens)
    for number, members in enumerate(batches, start=1):
        texts = reply(model, tokenizer, [rows[i]["input_ids"] for i in members], generation["max_new_tokens"])
        replies |= dict(zip(members, texts, strict=True))
        progress.reached(number)
    write_jsonl(predictions, ({"id": row["id"], **replies[i]} for i, row in enumerate(rows)))


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        predict(**job)
