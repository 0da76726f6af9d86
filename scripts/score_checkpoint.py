"""Label every prompt by a scorer that asks the checkpoint itself."""

from pathlib import Path

from abstain.models.loading import exact_torch, load_model, load_tokenizer
from abstain.scorers.files import joined, write_scores
from abstain.scorers.metric import load


def score_checkpoint(
    examples: str,
    predictions: str,
    rendered: str,
    base: str,
    checkpoint: list[str],
    scorer: str,
    settings: dict,
    clusters: list[str],
    device: str,
    scores: str,
) -> None:
    """Write one row for each prediction, with what the named scorer reads off the model at the rendered prompt.

    `base` are the base's own predictions for the same prompts.
    """
    exact_torch(0, device)
    module, rows, folder = load(scorer), joined(examples, predictions, rendered, base), Path(checkpoint[0]).parent
    model, tokenizer = load_model(folder, "none", "float32", device).eval(), load_tokenizer(folder)
    write_scores(scores, rows, module.label(rows, settings, model, tokenizer), clusters, module.COLUMNS)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        score_checkpoint(**job)
