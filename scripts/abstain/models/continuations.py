"""How probable a few texts are after each of many prompts; each prompt is read once, whatever the number of texts."""

import math

from abstain.models.batches import batches_by_rows
from abstain.models.generation import caches_every_token, padded, prefilled, shared_start

ROWS = 16  # prompts of a batch: with rows of 200 tokens and three texts the caches of a small model are half a gigabyte


def probabilities(model, pad: int, prompts: list[list[int]], texts: list[list[int]], groups: list[str]) -> list[float]:
    """The summed probability of continuing each prompt with one of the texts, all of them lists of token ids.

    Prompts of one group, which begin alike, share batches. A model that does not keep every token is asked one prompt
    at a time, and reads it again with each text.
    """
    if not caches_every_token(model):
        return [of_prompt(model, prompt, texts) for prompt in prompts]
    found: dict[int, float] = {}
    for members in batches_by_rows([len(prompt) for prompt in prompts], groups, ROWS):
        found |= dict(zip(members, of_batch(model, pad, [prompts[i] for i in members], texts), strict=True))
    return [found[place] for place in range(len(prompts))]


def of_batch(model, pad: int, prompts: list[list[int]], texts: list[list[int]]) -> list[float]:
    """The same for a batch of prompts: what all begin with is read once, the rest is padded on the left."""
    import torch

    shared, many, longest = shared_start(prompts), len(texts), max(map(len, texts))
    ids, mask = (torch.tensor(rows, device=model.device) for rows in padded(prompts, shared, pad))
    padded_texts = torch.tensor([text + [pad] * (longest - len(text)) for text in texts], device=model.device)
    with torch.inference_mode():
        cache = prefilled(model, ids[:1, :shared], len(prompts)) if shared else None
        places = (mask.cumsum(dim=1) - 1).clamp(min=0)
        read = model(
            input_ids=ids[:, shared:], attention_mask=mask, position_ids=places[:, shared:], past_key_values=cache,
            use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        first = torch.log_softmax(read.logits[:, -1].double(), dim=-1)[:, padded_texts[:, 0]]  # (prompts, texts)
        if longest == 1:
            return first.exp().sum(dim=1).tolist()
        read.past_key_values.batch_repeat_interleave(many)
        tokens = padded_texts.repeat(len(prompts), 1)
        steps = torch.arange(longest - 1, device=model.device)
        logits = model(
            input_ids=tokens[:, :-1], past_key_values=read.past_key_values, use_cache=True,
            attention_mask=torch.cat([mask.repeat_interleave(many, 0), torch.ones_like(tokens[:, :-1])], dim=1),
            position_ids=places[:, -1:].repeat_interleave(many, 0) + 1 + steps,
        ).logits  # fmt: skip
        later = torch.log_softmax(logits.double(), dim=-1).gather(2, tokens[:, 1:].unsqueeze(2)).squeeze(2)
    counted = steps + 1 < torch.tensor([len(text) for text in texts], device=model.device).unsqueeze(1)
    logs = first + (later.view(len(prompts), many, -1) * counted).sum(dim=2)
    return logs.exp().sum(dim=1).tolist()


def of_prompt(model, prompt: list[int], texts: list[list[int]]) -> float:
    """The same for one prompt, by one forward pass over the prompt with each of the texts."""
    import torch

    longest = max(map(len, texts))
    rows = [prompt + tokens + [prompt[-1]] * (longest - len(tokens)) for tokens in texts]  # read, never asked for
    with torch.inference_mode():
        ids = torch.tensor(rows, device=model.device)
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=longest + 1).logits
        logs = torch.log_softmax(logits.double(), dim=-1).cpu()
    each = [
        math.fsum(float(logs[row, place, token]) for place, token in enumerate(tokens))
        for row, tokens in enumerate(texts)
    ]
    return math.fsum(map(math.exp, each))
