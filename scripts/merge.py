"""Merge an adapter into the weights it was trained on, and prove that nothing was lost on the way."""

import shutil
from pathlib import Path

from abstain.files import read_jsonl, write_json
from abstain.generation import reply
from abstain.models import attach_adapter, load_model
from abstain.refusal import behaviour

CHECKED = 32  # prompts, spread over the evaluation, on which adapter and merged checkpoint are compared


class GateError(RuntimeError):
    """A merged checkpoint that does not answer like the adapter it was made from."""


def merge(
    start: list[str], weights: str, rendered: str, recipe: dict, adapter: dict, generation: dict, detector: str,
    device: str, tolerance: float, checkpoint: list[str], gate: str,
) -> None:  # fmt: skip
    """Write a standalone checkpoint in the base's folder layout.

    A QLoRA adapter is merged into the dequantised 4-bit weights that it was trained on, never into the original ones.
    Raises GateError when the next-token distributions differ by more than `tolerance` (KL divergence in nats, the
    largest over the checked prompts), or a first token or what a reply does differs.
    """
    from transformers import AutoTokenizer

    folder = Path(start[0]).parent
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = [row["input_ids"] for row in spread(list(read_jsonl(rendered)), CHECKED)]
    trained = attach_adapter(load_model(folder, recipe["quantisation"], recipe["dtype"], device), adapter, weights)
    merged = merged_model(folder, weights, recipe, adapter, device)
    done = [behaviours(model, tokenizer, prompts, generation, detector) for model in (trained, merged)]
    report = {
        **compare(first_logits(trained, prompts), first_logits(merged, prompts)),
        "same behaviour": sum(before == after for before, after in zip(*done, strict=True)),
    }
    if not passes(report, tolerance):
        raise GateError(
            f"the merged checkpoint differs from its adapter: {report}, allowed divergence {tolerance}. "
            "Nothing is published."
        )
    publish(merged, checkpoint[0])
    for source, target in zip(start[1:], checkpoint[1:], strict=True):
        shutil.copyfile(source, target)
    write_json(gate, {**report, "tolerance": tolerance})


def spread(rows: list[dict], most: int) -> list[dict]:
    """About `most` of the rows: equally many of each condition and at least one, evenly over its rows."""
    conditions: dict[str, list[dict]] = {}
    for row in rows:
        conditions.setdefault(row["condition"], []).append(row)
    each = max(1, most // len(conditions))
    return [row for mine in conditions.values() for row in mine[:: -(-len(mine) // each)]]


def passes(report: dict, tolerance: float) -> bool:
    """Whether adapter and checkpoint agree; a divergence that is no number does not pass."""
    alike = min(report["same first token"], report["same behaviour"]) == report["prompts"]
    return alike and report["largest KL divergence"] <= tolerance


def merged_model(folder: Path, weights: str, recipe: dict, adapter: dict, device: str):
    """The base, dequantised when it was trained in 4 bit, with the adapter folded into its weights."""
    base = load_model(folder, recipe["quantisation"], recipe["dtype"], device)
    if recipe["quantisation"] != "none":
        base = base.dequantize()
    return attach_adapter(base, adapter, weights).merge_and_unload()


def first_logits(model, prompts: list[list[int]]):
    """Logits of the token after each prompt, float64 of shape (prompts, vocabulary)."""
    import torch

    model.eval()
    with torch.inference_mode():
        rows = [
            model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0, -1] for ids in prompts
        ]
    return torch.stack(rows).double().cpu()


def behaviours(model, tokenizer, prompts: list[list[int]], generation: dict, detector: str) -> list[str]:
    """What the model does with each prompt, as the detector tells it from the reply."""
    size, most = generation["batch_rows"], generation["max_new_tokens"]
    batches = [prompts[start : start + size] for start in range(0, len(prompts), size)]
    made = [one for batch in batches for one in reply(model.eval(), tokenizer, batch, most)]
    return [behaviour(one["reply"], one["finished"], detector) for one in made]


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


def publish(model, path: str) -> None:
    """Write the weights under the base's names, tied weights once; experts that were fused on loading part again."""
    from safetensors.torch import save_file
    from transformers.core_model_loading import revert_weight_conversion

    state = revert_weight_conversion(model, model.state_dict())
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    save_file(
        {name: state[name].contiguous() for name in sorted(state) if name not in tied}, path, metadata={"format": "pt"}
    )


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        merge(**job)
