"""Teach a model when to answer and when not to, from demonstrations (SFT, with LoRA or QLoRA)."""

from pathlib import Path

from abstain.files import read_jsonl, write_csv
from abstain.models import attach_adapter, exact_torch, load_model, save_adapter


def train_sft(
    rendered: str, start: list[str], initial: str, recipe: dict, adapter: dict, base_name: str, seed: int,
    device: str, scratch: Path, weights: str, config: str, losses: str,
) -> None:  # fmt: skip
    """Train the adapter on the rendered rows for `recipe["steps"]` optimiser steps and write it.

    Loss is taken on the tokens of the replies alone. Resumes from `scratch` with the same bytes after kill -9.
    """
    from abstain.resume import train_resumable

    exact_torch(seed, device)
    folder = Path(start[0]).parent
    model = load_model(folder, recipe["quantisation"], recipe["dtype"], device)
    model = attach_adapter(model, adapter, initial)
    trainer = sft_trainer(model, folder, list(read_jsonl(rendered)), recipe, seed, device, scratch)
    train_resumable(trainer, scratch)
    save_adapter(trainer.model, adapter, base_name, weights, config)
    history = [row for row in trainer.state.log_history if "loss" in row]
    rows = [{"step": row["step"], "loss": f"{float(row['loss']):.6f}"} for row in history]
    write_csv(losses, rows, ["step", "loss"])


def sft_trainer(model, folder: Path, rows: list[dict], recipe: dict, seed: int, device: str, scratch: Path):
    """TRL's SFTTrainer on rows of {"input_ids", "completion_mask"}; it must neither render nor tokenise anything."""
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        output_dir=str(scratch),
        max_steps=recipe["steps"],
        per_device_train_batch_size=recipe["batch_size"],
        gradient_accumulation_steps=recipe["gradient_accumulation"],
        learning_rate=recipe["learning_rate"],
        lr_scheduler_type=recipe["schedule"],
        warmup_steps=recipe["warmup_steps"],
        weight_decay=recipe["weight_decay"],
        max_grad_norm=recipe["max_grad_norm"],
        optim=recipe["optimiser"],
        max_length=recipe["max_length"],
        save_steps=recipe["save_steps"],
        save_total_limit=2,
        logging_steps=1,
        seed=seed,
        bf16=False,
        use_cpu=device == "cpu",
        completion_only_loss=True,
        packing=False,
        gradient_checkpointing=False,
        dataloader_num_workers=0,
        dataset_num_proc=None,
        report_to="none",
    )
    data = Dataset.from_list(
        [{"input_ids": row["input_ids"], "completion_mask": row["completion_mask"]} for row in rows]
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    trainer = SFTTrainer(model=model, args=arguments, train_dataset=data, processing_class=tokenizer)
    for parameter in trainer.model.parameters():
        if parameter.requires_grad and parameter.dtype != torch.float32:
            parameter.data = parameter.data.to(torch.float32)
    return trainer


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        train_sft(**job, scratch=job.scratch)
