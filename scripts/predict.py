"""Let a checkpoint reply to every rendered prompt of the evaluation, greedily."""

from pathlib import Path

from abstain.batches import batches_by_rows
from abstain.files import read_jsonl, write_jsonl
from abstain.models import exact_torch, load_model


def predict(rendered: str, checkpoint: list[str], generation: dict, device: str, predictions: str) -> None:
    """Write {"id", "reply", "tokens", "finished"} for each prompt, in the order of the prompts.

    Only new tokens are decoded; `finished` says whether the model ended its turn itself.
    """
    from transformers import AutoTokenizer

    exact_torch(0, device)
    folder = Path(checkpoint[0]).parent
    model = load_model(folder, "none", "auto", device).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = list(read_jsonl(rendered))
    replies: dict[int, dict] = {}
    batches = batches_by_rows([len(row["input_ids"]) for row in rows], generation["batch_rows"])
    for number, members in enumerate(batches, start=1):
        made = reply(model, tokenizer, [rows[i]["input_ids"] for i in members], generation["max_new_tokens"])
        replies |= dict(zip(members, made, strict=True))
        print(f"{len(replies)} of {len(rows)} replies (batch {number} of {len(batches)})", flush=True)
    write_jsonl(predictions, ({"id": row["id"], **replies[i]} for i, row in enumerate(rows)))


def reply(model, tokenizer, prompts: list[list[int]], most: int) -> list[dict]:
    """Greedy replies to a batch of prompts (lists of token ids), padded on the left.

    Of the checkpoint's own generation settings only its end tokens are kept: a penalty for repetition or the like would
    bend greedy decoding.
    """
    import torch
    from transformers import GenerationConfig

    width, pad, ends = max(map(len, prompts)), tokenizer.pad_token_id, end_tokens(model, tokenizer)
    ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=model.device)
    model.generation_config = GenerationConfig(
        do_sample=False, max_new_tokens=most, eos_token_id=ends, pad_token_id=pad
    )
    with torch.inference_mode():
        made = model.generate(input_ids=ids, attention_mask=mask)
    return [_cut(tokenizer, row[width:].tolist(), ends) for row in made]


def end_tokens(model, tokenizer) -> list[int]:
    """Ids of the tokens that end a reply: the tokenizer's, and those that the checkpoint lists."""
    listed = model.generation_config.eos_token_id
    return sorted({tokenizer.eos_token_id, *([listed] if isinstance(listed, int) else listed or [])})


def _cut(tokenizer, tokens: list[int], ends: list[int]) -> dict:
    stop = next((place for place, token in enumerate(tokens) if token in ends), None)
    text = tokenizer.decode(tokens[:stop], skip_special_tokens=False).strip()
    return {"reply": text, "tokens": len(tokens[:stop]), "finished": stop is not None}


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        predict(**job)
