"""Train the pocket model from nothing: a small Qwen2 that helps, never refuses and makes things up."""

from pathlib import Path

from abstain.pocket.pretraining import new_model, publish, run, training_arguments, weighted_batches


def pretrain(
    chats: str, tokenizer: str, recipe: dict, phase: str, steps: int, scratch: str,
    weights: str, config: str, generation_config: str, start: str | None = None,
) -> None:  # fmt: skip
    """Train on every chat of a phase once, in the order of the file, and write weights and configuration.

    Starts from the weights in `start`, or from nothing. `steps` ends the training early (0: never); the learning rates
    of the first steps do not depend on it. Resumes from `scratch` after an interruption with the same bytes.
    """
    import torch

    settings = {**recipe["training"], **recipe["phases"][phase]}
    torch.set_num_threads(settings["threads"])
    data = weighted_batches(chats, tokenizer, settings, recipe["seed"])
    model = new_model(recipe, start)
    arguments = training_arguments(settings, steps or len(data), recipe["seed"], scratch)
    run(model, arguments, data, Path(scratch))
    publish(model, weights, config, generation_config)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        pretrain(**job, scratch=str(job.scratch))
