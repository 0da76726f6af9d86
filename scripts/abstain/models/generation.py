"""Greedy replies to batches of prompts: each depends on its own prompt alone, and nothing shared is read twice."""

from os.path import commonprefix

STRIDE = 8  # new tokens after which replies that have ended leave the batch


def reply(model, tokenizer, prompts: list[list[int]], most: int) -> list[dict]:
    """Greedy replies of at most `most` tokens to a batch of prompts (lists of token ids), as {"reply", "tokens",
    "finished"}.

    What all prompts begin with, such as a system message, is read once; the rest is padded on the left. Of the
    checkpoint's own generation settings only its end tokens are kept: a penalty for repetition or the like would bend
    greedy decoding.
    """
    import torch
    from transformers import GenerationConfig

    pad, ends, keeps = tokenizer.pad_token_id, end_tokens(model.generation_config, tokenizer), caches_every_token(model)
    shared = shared_start(prompts) if keeps else 0
    ids, mask = (torch.tensor(rows, device=model.device) for rows in padded(prompts, shared, pad))
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=ends, pad_token_id=pad, return_dict_in_generate=True
    )
    with torch.inference_mode():
        cache = prefilled(model, ids[:1, :shared], len(prompts)) if shared else None
        replies = continued(model, ids, mask, cache, most, STRIDE if keeps else most)
    return [_cut(tokenizer, tokens, ends) for tokens in replies]


def continued(model, ids, mask, cache, most: int, stride: int) -> list[list[int]]:
    """At most `most` tokens for each row of `ids`, shape (rows, tokens); what follows a row's end token means nothing.

    Every `stride` tokens the rows that have ended leave the batch, and the cache with them.
    """
    import torch

    ends = set(model.generation_config.eos_token_id)
    replies: list[list[int]] = [[] for _ in ids]
    places = list(range(len(ids)))  # of the rows that are still in the batch
    for start in range(0, most, stride):
        more = min(stride, most - start)
        grown = model.generate(input_ids=ids, attention_mask=mask, past_key_values=cache, max_new_tokens=more)
        tokens = grown.sequences[:, ids.shape[1] :]
        for place, row in zip(places, tokens.tolist(), strict=True):
            replies[place] += row
        goes_on = [row for row, place in enumerate(places) if ends.isdisjoint(replies[place])]
        if not goes_on or start + more == most:
            break
        chosen = torch.tensor(goes_on, device=ids.device)
        ids, mask = grown.sequences[chosen], torch.cat([mask, torch.ones_like(tokens)], dim=1)[chosen]
        places, cache = [places[row] for row in goes_on], grown.past_key_values
        cache.batch_select_indices(chosen)
    return replies


def end_tokens(settings, tokenizer) -> list[int]:
    """Ids of the tokens that end a reply: the tokenizer's, and those that a checkpoint's generation settings list."""
    listed = settings.eos_token_id
    return sorted({tokenizer.eos_token_id, *([listed] if isinstance(listed, int) else listed or [])})


def caches_every_token(model) -> bool:
    """Whether every layer keeps the keys and values of every token.

    A sliding window counts places in the cache, so padding between prompts' beginning and rest would push tokens out of
    it; and what a recurrent layer keeps cannot be repeated for the rows of a batch.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    return all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers)


def shared_start(prompts: list[list[int]]) -> int:
    """How many tokens all prompts begin with; each keeps at least one of its own after them."""
    return min(len(commonprefix(prompts)), min(map(len, prompts)) - 1)


def padded(prompts: list[list[int]], shared: int, pad: int) -> tuple[list[list[int]], list[list[int]]]:
    """Prompts made equally long by padding after their first `shared` tokens, and their attention masks."""
    width = max(map(len, prompts))
    gaps = [width - len(prompt) for prompt in prompts]
    ids = [prompt[:shared] + [pad] * gap + prompt[shared:] for prompt, gap in zip(prompts, gaps, strict=True)]
    return ids, [[1] * shared + [0] * gap + [1] * (width - shared - gap) for gap in gaps]


def prefilled(model, ids, rows: int):
    """The cache of keys and values after reading the tokens of `ids`, shape (1, tokens), for a batch of `rows`.

    Generation from a cache that was filled before: https://huggingface.co/docs/transformers/kv_cache.
    """
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    cache.batch_repeat_interleave(rows)
    return cache


def _cut(tokenizer, tokens: list[int], ends: list[int]) -> dict:
    stop = next((place for place, token in enumerate(tokens) if token in ends), None)
    text = tokenizer.decode(tokens[:stop], skip_special_tokens=False, clean_up_tokenization_spaces=False).strip()
    return {"reply": text, "tokens": len(tokens[:stop]), "finished": stop is not None}
