"""Sum up a study's scored replies: rates with intervals, paired comparisons, and the verdict on each claim."""

import pandas as pd

from abstain.files import whole, write_json
from abstain.tables import ALL, compare_arms, judge_claims, load_runs, summarise_runs


def summarise(
    scores: list[str],
    closeness: list[str],
    study: str,
    record: dict,
    detector: str,
    summary: str,
    comparisons: str,
    claims: str,
    metrics: str,
) -> None:
    """Write the study's tables from its runs' scores and, where the study has an ideal refusal, closeness to it."""
    runs = load_runs(scores, closeness)
    table = summarise_runs(runs, study, record["gaps"], detector)
    judged = judge_claims(table, record["claims"], study)
    for frame, path in ((table, summary), (compare_arms(runs, study), comparisons), (judged, claims)):
        with whole(path) as part:
            frame.to_csv(part, index=False, float_format="%.6f", lineterminator="\n")
    write_json(metrics, nested(table[table.seed == ALL]))


def nested(table: pd.DataFrame) -> dict:
    """{arm: {condition: {metric: value}}}, the shape that `dvc metrics diff` shows."""
    tree: dict = {}
    for row in table.dropna(subset="value").itertuples():
        tree.setdefault(row.arm, {}).setdefault(row.condition, {})[row.metric] = round(row.value, 6)
    return tree


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        summarise(**job)
