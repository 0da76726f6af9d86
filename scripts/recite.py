"""Let a control, which is no model, reply to the requests of a mix: each reply is a text of the study."""

from abstain.corpora.controls import recited
from abstain.jobs.files import read_jsonl, write_jsonl


def recite(examples: str, control: dict, predictions: str) -> None:
    """Write {"id", "reply", "tokens", "finished"} for each example of the control's kinds, as `predict` does."""
    write_jsonl(predictions, recited(list(read_jsonl(examples)), control))


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        recite(**job)
