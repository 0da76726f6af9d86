"""Teach a model when to answer and when not to, from demonstrations (SFT, with LoRA or QLoRA)."""

from pathlib import Path

from abstain.jobs.files import read_jsonl, write_csv
from abstain.models.adapters import attach_adapter, save_adapter
from abstain.models.loading import exact_torch, load_model
from abstain.models.resume import train_resumable
from abstain.models.training import history, sft_trainer


def train_sft(
    rendered: str, start: list[str], initial: str, recipe: dict, quantisation: str, adapter: dict, base_name: dict,
    seed: int, device: str, scratch: Path, weights: str, config: str, losses: str, validation: str | None = None,
) -> None:  # fmt: skip
    """Train the adapter on the rendered rows for `recipe["steps"]` optimiser steps and write it.

    Loss is taken on the tokens of the replies alone. With early stopping the adapter with the least loss on the rows of
    `validation` is written. Resumes from `scratch` with the same bytes after kill -9.
    """
    exact_torch(seed, device)
    folder = Path(start[0]).parent
    model = attach_adapter(load_model(folder, quantisation, recipe["dtype"], device), adapter, initial)
    held_out = list(read_jsonl(validation)) if validation else []
    trainer = sft_trainer(model, folder, list(read_jsonl(rendered)), held_out, recipe, seed, device, scratch)
    train_resumable(trainer, scratch)
    save_adapter(trainer.model, adapter, base_name, weights, config)
    write_csv(losses, history(trainer), ["step", "loss", "validation_loss"])


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        train_sft(**job, scratch=job.scratch)
