"""Sum up a study's scored replies: metrics with intervals, corrected rates, paired comparisons, and claims."""

import pandas as pd

from abstain.jobs.files import whole, write_json
from abstain.scorers.detectors.registry import judged as judged_by
from abstain.scorers.joint import metrics_of
from abstain.scorers.metric import columns
from abstain.settings.arms import ALL
from abstain.tables.claims import judge_claims
from abstain.tables.comparisons import compare_arms
from abstain.tables.corrected import confusion, corrected_rates
from abstain.tables.runs import load_runs
from abstain.tables.samples import Sampled
from abstain.tables.summary import summarise_runs


def summarise(
    scores: list[str],
    judged: list[str],
    study: str,
    scorers: dict,
    clusters: list,
    gaps: dict,
    margins: dict,
    claims: list,
    summary: str,
    comparisons: str,
    corrected: str,
    verdicts: str,
    metrics: str,
) -> None:
    """Write the study's tables from its score files.

    `scorers` are the study's, by name; `judged` is a file for each scorer whose detector people judged, in that order;
    `clusters` are the fields that requests share, `margins` the differences that matter, by unit.
    """
    sampled, by_scorer = Sampled(load_runs(scores, columns(scorers)), clusters, gaps), metrics_of(scorers)
    measured = [metric for each in by_scorer.values() for metric in each]
    table = summarise_runs(sampled, study, by_scorer)
    claimed = judge_claims(sampled, study, margins, claims, measured)
    compared = compare_arms(sampled, study, margins, measured)
    known = {
        name: confusion(pd.read_csv(path), scorers[name]["detector"])
        for name, path in zip(judged_by(scorers), judged, strict=True)
    }
    better = corrected_rates(sampled, study, by_scorer, known)
    written = ((table, summary), (compared, comparisons), (better, corrected), (claimed, verdicts))
    for frame, path in written:
        with whole(path) as part:
            frame.to_csv(part, index=False, float_format="%.6f", lineterminator="\n")
    write_json(metrics, nested(table[table.seed == ALL]))


def nested(table: pd.DataFrame) -> dict:
    """{arm: {mix: {condition: {kind: {metric: value}}}}}, the shape that `dvc metrics diff` shows."""
    tree: dict = {}
    for row in table.dropna(subset="value").itertuples():
        place = tree
        for key in (row.arm, row.mix, row.condition, row.kind):
            place = place.setdefault(key, {})
        place[row.metric] = round(row.value, 6)
    return tree


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        summarise(**job)
