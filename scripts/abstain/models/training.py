"""Training from demonstrations: TRL's trainer on rows that were rendered before, and what it wrote down."""

from functools import cache
from pathlib import Path

from abstain.models.loading import load_tokenizer
from abstain.models.losses import check_columns, reply_loss


def sft_trainer(
    model, folder: Path, rows: list[dict], held_out: list[dict], recipe: dict, seed: int, device: str, scratch: Path
):
    """TRL's SFTTrainer on rows of {"input_ids", "completion_mask"}; it must neither render nor tokenise anything.

    On a base in 4 bit TRL rounds the adapter to bfloat16; it gets its float32 weights back.
    """
    from transformers import EarlyStoppingCallback

    check_columns(model.get_base_model())
    stopping, tokenizer = recipe["early_stopping"], load_tokenizer(folder)
    trained = [(parameter, parameter.data) for parameter in model.parameters() if parameter.requires_grad]
    trainer = reply_trainer()(
        model=model,
        args=arguments(recipe, seed, device, scratch),
        train_dataset=dataset(rows),
        eval_dataset=dataset(held_out) if stopping else None,
        processing_class=tokenizer,
        callbacks=[EarlyStoppingCallback(stopping["patience"])] if stopping else None,
    )
    for parameter, weights in trained:
        parameter.data = weights
    return trainer


@cache
def reply_trainer() -> type:
    """TRL's trainer with the loss of abstain.models.losses."""
    from trl import SFTTrainer

    class ReplyTrainer(SFTTrainer):
        """SFTTrainer's own loss puts every position through the output layer, by MKL, where there is no Triton."""

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            """The loss of a batch over `num_items_in_batch`, the tokens of the whole step; in evaluation over its own.

            There are no outputs to return: nothing here asks for them (prediction_loss_only).
            """
            if return_outputs:
                raise NotImplementedError("the loss is computed without logits of the whole row")
            return reply_loss(model, inputs, num_items_in_batch)

    return ReplyTrainer


def arguments(recipe: dict, seed: int, device: str, scratch: Path):
    """TRL's settings for a recipe; what it would turn on by itself and the project does not want is turned off.

    Trainer multiplies the batch by the number of GPUs that it sees and shares it among them; a job has one.
    """
    from trl import SFTConfig

    settings = SFTConfig(
        output_dir=str(scratch),
        max_steps=recipe["steps"],
        per_device_train_batch_size=recipe["batch_size"],
        per_device_eval_batch_size=recipe["batch_size"],
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
        router_aux_loss_coef=0.0,  # routers of mixtures of experts are frozen
        packing=False,
        gradient_checkpointing=False,
        dataloader_num_workers=0,
        dataset_num_proc=None,
        report_to="none",
        disable_tqdm=True,  # a log holds lines
        restore_callback_states_from_checkpoint=True,
        **selection(recipe["early_stopping"]),
    )
    settings._n_gpu = min(settings.n_gpu, 1)  # as Trainer does itself for a model that lies on several GPUs
    return settings


def selection(stopping: dict | None) -> dict:
    """Trainer's settings for early stopping: evaluate each so many steps, keep the adapter with the least loss."""
    if stopping is None:
        return {}
    best = {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False}
    return {**best, "eval_strategy": "steps", "eval_steps": stopping["steps"]}


def dataset(rows: list[dict]):
    """The two columns that TRL takes as they are."""
    from datasets import Dataset

    return Dataset.from_list([{key: row[key] for key in ("input_ids", "completion_mask")} for row in rows])


def history(trainer) -> list[dict]:
    """The training loss of every step, and the validation loss where there was one."""
    entries = trainer.state.log_history
    held_out = {row["step"]: f"{row['eval_loss']:.6f}" for row in entries if "eval_loss" in row}
    losses = {row["step"]: f"{float(row['loss']):.6f}" for row in entries if "loss" in row}
    return [{"step": n, "loss": loss, "validation_loss": held_out.get(n, "")} for n, loss in losses.items()]
