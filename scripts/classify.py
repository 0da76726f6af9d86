"""Let a classifier of character n-grams, a control that is no language model, reply to the requests of a mix."""

from abstain.corpora.classifier import classified
from abstain.jobs.files import read_jsonl, write_jsonl


def classify(learned: str, examples: str, control: dict, predictions: str) -> None:
    """Write {"id", "reply", "tokens", "finished"} for each example of the control's kinds, as `predict` does.

    It is fitted on the examples `learned` of its mix.
    """
    write_jsonl(predictions, classified(list(read_jsonl(learned)), list(read_jsonl(examples)), control))


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        classify(**job)
