"""Teach a model which of two replies is the better (DPO, with LoRA or QLoRA), from the checkpoint where it starts."""

from pathlib import Path

from abstain.jobs.files import read_jsonl, write_csv
from abstain.models.adapters import attach_adapter, save_adapter
from abstain.models.loading import exact_torch, load_model
from abstain.models.preferences import COLUMNS, KNOWN, history, preference_trainer, reference_of, written
from abstain.models.resume import train_resumable


def train_dpo(
    paired: str, start: list[str], initial: str, recipe: dict, quantisation: str, adapter: dict, base_name: dict,
    seed: int, device: str, scratch: Path, weights: str, config: str, losses: str, reference: str,
) -> None:  # fmt: skip
    """Train the adapter on rendered pairs for `recipe["steps"]` optimiser steps and write it.

    The reference is the model of `start` without the adapter; `reference` gets its log-probabilities, `losses` what
    each step found. Resumes from `scratch` with the same bytes after kill -9.
    """
    exact_torch(seed, device)
    folder, pairs = Path(start[0]).parent, list(read_jsonl(paired))
    base = load_model(folder, quantisation, recipe["dtype"], device)
    known = reference_of(base, folder, pairs, recipe["batch_size"])
    model = attach_adapter(base, adapter, initial)
    trainer = preference_trainer(model, folder, pairs, known, recipe, seed, device, scratch)
    train_resumable(trainer, scratch)
    save_adapter(trainer.model, adapter, base_name, weights, config)
    write_csv(losses, history(trainer), COLUMNS)
    write_csv(reference, written(known), KNOWN)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        train_dpo(**job, scratch=job.scratch)
