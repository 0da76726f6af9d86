"""Let a checkpoint reply to every rendered prompt of the evaluation, greedily."""

from os.path import commonprefix
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
    lengths, conditions = [len(row["input_ids"]) for row in rows], [row["condition"] for row in rows]
    batches = batches_by_rows(lengths, conditions, generation["batch_rows"])
    for number, members in enumerate(batches, start=1):
        made = reply(model, tokenizer, [rows[i]["input_ids"] for i in members], generation["max_new_tokens"])
        replies |= dict(zip(members, made, strict=True))
        print(f"{len(replies)} of {len(rows)} replies (batch {number} of {len(batches)})", flush=True)
    write_jsonl(predictions, ({"id": row["id"], **replies[i]} for i, row in enumerate(rows)))


def reply(model, tokenizer, prompts: list[list[int]], most: int) -> list[dict]:
    """Greedy replies to a batch of prompts (lists of token ids).

    What all prompts begin with, such as a system message, is read once; the rest is padded on the left. Of the
    checkpoint's own generation settings only its end tokens are kept: a penalty for repetition or the like would bend
    greedy decoding.
    """
    import torch
    from transformers import GenerationConfig

    pad, ends = tokenizer.pad_token_id, end_tokens(model, tokenizer)
    ids, mask, shared = padded(prompts, pad)
    ids, mask = torch.tensor(ids, device=model.device), torch.tensor(mask, device=model.device)
    model.generation_config = GenerationConfig(
        do_sample=False, max_new_tokens=most, eos_token_id=ends, pad_token_id=pad
    )
    with torch.inference_mode():
        cache = read(model, ids[:1, :shared], len(prompts)) if shared else None
        made = model.generate(input_ids=ids, attention_mask=mask, past_key_values=cache)
    return [_cut(tokenizer, row[ids.shape[1] :].tolist(), ends) for row in made]


def padded(prompts: list[list[int]], pad: int) -> tuple[list[list[int]], list[list[int]], int]:
    """Prompts of equal length, their attention masks, and how many tokens all of them share at the beginning.

    The padding stands after the shared tokens; each prompt keeps at least one token of its own after it.
    """
    width = max(map(len, prompts))
    shared = min(len(commonprefix(prompts)), min(map(len, prompts)) - 1)
    gaps = [width - len(prompt) for prompt in prompts]
    ids = [prompt[:shared] + [pad] * gap + prompt[shared:] for prompt, gap in zip(prompts, gaps, strict=True)]
    mask = [[1] * shared + [0] * gap + [1] * (width - shared - gap) for gap in gaps]
    return ids, mask, shared


def read(model, ids, rows: int):
    """The cache of keys and values after reading the tokens of `ids`, shape (1, tokens), for a batch of `rows`.

    Reuse of a prefilled cache by generate: https://huggingface.co/docs/transformers/kv_cache ("Prefill a cache").
    """
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    cache.batch_repeat_interleave(rows)
    return cache


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
