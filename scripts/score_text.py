"""Label every reply by a scorer that reads the text alone."""

from abstain.scorers.files import joined, write_scores
from abstain.scorers.metric import load


def score_text(
    examples: str,
    predictions: str,
    scorer: str,
    settings: dict,
    clusters: list[str],
    kinds: list[str] | None,
    scores: str,
) -> None:
    """Write one row for each prediction, with what the named scorer says of it; `kinds` are those of a control."""
    module, rows = load(scorer), joined(examples, predictions, kinds=kinds)
    write_scores(scores, rows, module.label(rows, settings), clusters, module.COLUMNS)


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        score_text(**job)
