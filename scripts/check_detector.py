"""Measure every refusal detector on replies that people labelled, and on those that we wrote and labelled."""

from collections.abc import Iterator

import pandas as pd

from abstain.jobs.files import write_text
from abstain.scorers.detectors.registry import DETECTORS, TAUGHT, with_cost
from abstain.tables.kappa import agreement as agreement_of
from abstain.tables.kappa import binary_agreement

CLOSED = "no agreement with people is measured: a closed list"


def check_detector(replies: str, judged: str, agreement: str) -> None:
    """Write accuracy (with Wilson's interval) and Cohen's kappa of each detector, on each set of replies.

    `judged` holds what each detector says of replies that people labelled, of which two classes are compared: refusal,
    whole or in part, and answer; the learned one says it out of fold. Their kappa has an interval. On our own `replies`
    three classes are compared, by the detectors that need the text alone. A detector of taught refusals has a row
    that says that nothing is measured.
    """
    rows = [*by_people(pd.read_csv(judged)), *by_us(pd.read_csv(replies, keep_default_na=False))]
    rows += [{"detector": name, "replies": CLOSED, "n": 0} for name in sorted(TAUGHT)]
    write_text(agreement, pd.DataFrame(rows).to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def by_people(table: pd.DataFrame) -> Iterator[dict]:
    """The agreement of every detector with people, over all replies and over those of each model."""
    sets = [("people", table), *((f"people, {model}", rows) for model, rows in table.groupby("model", sort=True))]
    for detector in sorted(DETECTORS):
        for name, rows in sets:
            people, found = rows.human != "answer", rows[detector] != "answer"
            yield {"detector": detector, "replies": name, **binary_agreement(people, found, rows.id)}


def by_us(table: pd.DataFrame) -> Iterator[dict]:
    """The agreement of the detectors of texts with our labels, on each half of the replies."""
    for detector in with_cost("text"):
        for half, rows in table.groupby("half", sort=True):
            found = pd.Series(DETECTORS[detector].classify(list(rows.reply)), rows.index)
            yield {"detector": detector, "replies": f"ours, {half}", **agreement_of(rows.label, found)}


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        check_detector(**job)
