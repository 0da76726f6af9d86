"""Measure every refusal detector on the replies that we wrote and labelled."""

import pandas as pd
from sklearn.metrics import cohen_kappa_score

from abstain.jobs.files import write_text
from abstain.scorers.detectors.registry import DETECTORS
from abstain.tables.statistics import rate


def check_detector(replies: str, agreement: str) -> None:
    """Write accuracy (with a Wilson interval) and Cohen's kappa of each detector, on each half of the replies."""
    table = pd.read_csv(replies, keep_default_na=False)
    rows = []
    for name in sorted(DETECTORS):
        for half, group in table.groupby("half", sort=True):
            found = group.reply.map(DETECTORS[name])
            value, low, high = rate(int((found == group.label).sum()), len(group))
            kappa = cohen_kappa_score(group.label, found)
            rows.append(
                {
                    "detector": name,
                    "half": half,
                    "n": len(group),
                    "accuracy": value,
                    "low": low,
                    "high": high,
                    "kappa": kappa,
                }
            )
    write_text(agreement, pd.DataFrame(rows).to_csv(index=False, float_format="%.6f", lineterminator="\n"))


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        check_detector(**job)
