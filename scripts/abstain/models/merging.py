"""Merging an adapter into the weights it was trained on, and the gate: what the checkpoint must have in common with it.

The gate asks prompts of the mix that the adapter was trained on, so a checkpoint depends on no evaluation.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import copy_file, read_json, write_json
from abstain.models.adapters import attach_adapter
from abstain.models.generation import end_tokens
from abstain.models.loading import load_model, save_weights
from abstain.settings.model_files import CONFIG, GENERATION, WEIGHTS


class GateError(AbstainError, RuntimeError):
    """A merged checkpoint that does not answer like the adapter it comes from."""


def trained_base(folder: Path, quantisation: str, dtype: str, device: str):
    """The base with the weights that an adapter was trained on; arithmetic is in float32, whatever it was in training.

    In a shorter format the rounding of every product would hide what the gate looks for.
    """
    base = load_model(folder, quantisation, dtype, device)
    return base if dtype == "float32" else plain(base, quantisation)


def merged_model(folder: Path, weights: str, quantisation: str, dtype: str, adapter: dict, device: str):
    """The base with the adapter folded into the weights that it was trained on: in float32, then stored in `dtype`.

    Those weights are the base's in `dtype`, or what their 4-bit form stands for.
    """
    import torch

    base = plain(load_model(folder, quantisation, dtype, device), quantisation)
    return attach_adapter(base, adapter, weights).merge_and_unload().to(getattr(torch, dtype))


def plain(base, quantisation: str):
    """A model whose weights are float32 numbers, the same as before."""
    return (base if quantisation == "none" else base.dequantize()).float()


def gate_prompts(rows: Iterable[dict], most: int) -> list[list[int]]:
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
    required = {"tolerance": limits["tolerance"], "share of same replies asked": limits["same_replies"]}
    report = {**compare(before[0], after[0]), "same replies": same, **required}
    if not passes(report):
        raise GateError(
            f"the merged checkpoint, read from its files, differs from its adapter on the base, and nothing is "
            f"published: {report}. How much may differ is what the scale's `gate` says."
        )
    return report


def passes(report: dict) -> bool:
    """Whether adapter and checkpoint agree; a divergence that is no number does not pass."""
    alike = report["same replies"] / report["prompts"] >= report["share of same replies asked"]
    return alike and report["largest KL divergence"] <= report["tolerance"]


@contextmanager
def drafted(files: list[str]) -> Iterator[list[str]]:
    """Files of the same names in a hidden folder, to write to: put in place when all went well, removed otherwise."""
    place = Path(files[0]).parent / ".draft"
    shutil.rmtree(place, ignore_errors=True)  # of a job that was killed
    place.mkdir(parents=True)
    try:
        drafts = [place / Path(file).name for file in files]
        yield list(map(str, drafts))
        for draft, file in zip(drafts, files, strict=True):
            draft.replace(file)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def publish(model, tokenizer, start: list[str], checkpoint: list[str]) -> None:
    """Write a checkpoint in the layout of the base's files `start`.

    Only weights and settings of generation are new, and the number format where another one is stored than before.
    """
    for source, target in zip(start, checkpoint, strict=True):
        name = Path(source).name
        if name == WEIGHTS:
            save_weights(model, target)
        elif name == GENERATION:
            write_json(target, generation_settings(Path(source).parent, tokenizer))
        elif name == CONFIG and (settings := with_format(read_json(source), model)) != read_json(source):
            write_json(target, settings)
        else:
            copy_file(source, target)


def with_format(settings: dict, model) -> dict:
    """A model's configuration that names the number format of its weights, where it named another one."""
    name = str(model.dtype).removeprefix("torch.")
    if settings.get("dtype", settings.get("torch_dtype", name)) == name:
        return settings
    return {**{key: value for key, value in settings.items() if key != "torch_dtype"}, "dtype": name}


def generation_settings(folder: Path, tokenizer) -> dict:
    """The base's settings of generation with every token that ends a reply, and the tokenizer's padding.

    A base may list other end tokens than its chat template writes; with these, any tool stops where `predict` does.
    """
    from transformers import GenerationConfig

    settings = GenerationConfig.from_pretrained(folder)
    ends = end_tokens(settings, tokenizer)
    settings.update(eos_token_id=ends[0] if len(ends) == 1 else ends, pad_token_id=tokenizer.pad_token_id)
    return json.loads(settings.to_json_string(ignore_metadata=True))
