"""Merge an adapter into the weights it was trained on, and prove that nothing was lost on the way."""

import shutil
from pathlib import Path

from abstain.files import read_jsonl, write_json
from abstain.models import attach_adapter, load_model


class GateError(RuntimeError):
    """A merged checkpoint that does not answer like the adapter it was made from."""


def merge(
    start: list[str], weights: str, rendered: str, recipe: dict, adapter: dict, device: str, tolerance: float,
    model: str, gate: str, **copies: str,
) -> None:  # fmt: skip
    """Write a standalone checkpoint in the base's folder layout.

    A QLoRA adapter is merged into the dequantised 4-bit weights that it was trained on, never into the original ones.
    Raises GateError when the next-token distributions differ by more than `tolerance` (KL divergence in nats, the
    largest over the checked prompts) or any first token differs.
    """
    folder = Path(start[0]).parent
    trained = attach_adapter(load_model(folder, recipe["quantisation"], recipe["dtype"], device), adapter, weights)
    prompts = [row["input_ids"] for row in read_jsonl(rendered)][:64]
    before = first_logits(trained, prompts)
    merged = merged_model(folder, weights, recipe, adapter, device)
    report = compare(before, first_logits(merged, prompts))
    if report["largest KL divergence"] > tolerance or report["same first token"] < report["prompts"]:
        raise GateError(
            f"the merged checkpoint differs from its adapter: {report}, allowed divergence {tolerance}. "
            "Nothing is published."
        )
    publish(merged, model)
    for name, target in copies.items():
        shutil.copyfile(next(path for path in start if Path(path).stem == name), target)
    write_json(gate, {**report, "tolerance": tolerance})


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
