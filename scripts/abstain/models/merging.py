"""Merging an adapter into the weights it was trained on, and the gate: what the checkpoint must have in common with it.

The gate asks prompts of the mix that the adapter was trained on, so a checkpoint depends on no evaluation.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import copy_file, write_json
from abstain.models.adapters import attach_adapter
from abstain.models.generation import end_tokens, reply
from abstain.models.loading import GENERATION, WEIGHTS, load_model, write_weights

CHECKED = 32  # prompts, spread over the conditions, on which adapter and merged checkpoint are compared


class GateError(AbstainError, RuntimeError):
    """A merged checkpoint that does not answer like the adapter it comes from."""


def merged_model(folder: Path, weights: str, quantisation: str, dtype: str, adapter: dict, device: str):
    """The base, dequantised when the adapter was trained on it in 4 bit, with the adapter folded into its weights."""
    base = load_model(folder, quantisation, dtype, device)
    if quantisation != "none":
        base = base.dequantize()
    return attach_adapter(base, adapter, weights).merge_and_unload()


def gate_prompts(rows: Iterable[dict], most: int = CHECKED) -> list[list[int]]:
    """About `most` different prompts of a training mix: equally many of each condition and at least one, evenly over
    its rows. A prompt is what precedes the first token that carries loss.
    """
    first: dict[tuple[int, ...], str] = {}
    for row in rows:
        first.setdefault(tuple(row["input_ids"][: row["completion_mask"].index(1)]), row["condition"])
    conditions: dict[str, list[list[int]]] = {}
    for prompt, condition in first.items():
        conditions.setdefault(condition, []).append(list(prompt))
    each = max(1, most // len(conditions))
    return [prompt for prompts in conditions.values() for prompt in prompts[:: -(-len(prompts) // each)]]


def answers(model, tokenizer, prompts: list[list[int]], generation: dict) -> tuple:
    """What a model says to each prompt: the logits of the next token, and the whole greedy reply."""
    size, most = generation["batch_rows"], generation["max_new_tokens"]
    batches = [prompts[start : start + size] for start in range(0, len(prompts), size)]
    replies = [one for batch in batches for one in reply(model.eval(), tokenizer, batch, most)]
    return first_logits(model, prompts), [one["reply"] for one in replies]


def first_logits(model, prompts: list[list[int]]):
    """Logits of the token after each prompt, float64 of shape (prompts, vocabulary)."""
    import torch

    model.eval()
    with torch.inference_mode():
        rows = [
            model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0, -1] for ids in prompts
        ]
    return torch.stack(rows).double().cpu()


def compare(before, after) -> dict:
    """How far apart two sets of next-token logits are."""
    from torch.nn.functional import kl_div, log_softmax

    divergence = kl_div(log_softmax(after, -1), log_softmax(before, -1), log_target=True, reduction="none").sum(-1)
    same = int((before.argmax(-1) == after.argmax(-1)).sum())
    return {
        "prompts": len(before),
        "largest KL divergence": float(f"{float(divergence.max()):.3e}"),
        "largest logit difference": float(f"{float((before - after).abs().max()):.3e}"),
        "same first token": same,
    }


def gate_report(before: tuple, after: tuple, limits: dict) -> dict:
    """The comparison of two models' answers with what is asked of it; raises GateError when they are not alike."""
    same = sum(one == other for one, other in zip(before[1], after[1], strict=True))
    asked = {"tolerance": limits["tolerance"], "share of same replies asked": limits["same_replies"]}
    report = {**compare(before[0], after[0]), "same replies": same, **asked}
    if not passes(report):
        raise GateError(
            f"the merged checkpoint differs from its adapter, and nothing is published: {report}. Rounding alone does "
            "this in a short number format: train in float32, or set the limits of the scale's `gate`."
        )
    return report


def passes(report: dict) -> bool:
    """Whether adapter and checkpoint agree; a divergence that is no number does not pass."""
    alike = report["same replies"] / report["prompts"] >= report["share of same replies asked"]
    return alike and report["largest KL divergence"] <= report["tolerance"]


def publish(model, tokenizer, start: list[str], checkpoint: list[str]) -> None:
    """Write a checkpoint in the layout of the base's files `start`; only weights and settings of generation are new."""
    for source, target in zip(start, checkpoint, strict=True):
        if Path(source).name == WEIGHTS:
            save_weights(model, target)
        elif Path(source).name == GENERATION:
            write_json(target, generation_settings(Path(source).parent, tokenizer))
        else:
            copy_file(source, target)


def save_weights(model, path: str) -> None:
    """Write the weights under the base's names, tied weights once; experts that were fused on loading part again."""
    from transformers.core_model_loading import revert_weight_conversion

    state = revert_weight_conversion(model, model.state_dict())
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    write_weights(path, {name: value for name, value in state.items() if name not in tied})


def generation_settings(folder: Path, tokenizer) -> dict:
    """The base's settings of generation with every token that ends a reply, and the tokenizer's padding.

    A base may list other end tokens than its chat template writes; with these, any tool stops where `predict` does.
    """
    from transformers import GenerationConfig

    settings = GenerationConfig.from_pretrained(folder)
    ends = end_tokens(settings, tokenizer)
    settings.update(eos_token_id=ends[0] if len(ends) == 1 else ends, pad_token_id=tokenizer.pad_token_id)
    return json.loads(settings.to_json_string(ignore_metadata=True))
