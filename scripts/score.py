"""Label every reply with what the model did: refuse, partial, answer or invalid."""

from abstain.files import read_jsonl, write_csv
from abstain.refusal import behaviour

COLUMNS = ["id", "request", "kind", "condition", "should", "behaviour", "question", "reply"]


def score(examples: str, predictions: str, detector: str, scores: str) -> None:
    """Write one row per prediction; the label is made from the reply alone, never from the prompt or the kind."""
    rows = []
    for example, prediction in zip(read_jsonl(examples), read_jsonl(predictions), strict=True):
        if example["id"] != prediction["id"]:
            raise RuntimeError(
                f"predictions are not in the order of the examples: {prediction['id']} for {example['id']}"
            )
        label = behaviour(prediction["reply"], prediction["finished"], detector)
        rows.append(
            {**{c: example[c] for c in COLUMNS if c in example}, "behaviour": label, "reply": prediction["reply"]}
        )
    write_csv(scores, rows, COLUMNS)


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        score(**job)
