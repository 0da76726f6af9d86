"""Measure every refusal detector on replies that people labelled, and on those that we wrote and labelled."""

from collections.abc import Iterator

import pandas as pd
from sklearn.metrics import cohen_kappa_score

from abstain.jobs.files import write_text
from abstain.scorers.detectors.registry import DETECTORS, TAUGHT, with_cost
from abstain.tables.kappa import kappa_of
from abstain.tables.statistics import rate

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
            ends = dict(zip(("kappa_low", "kappa_high"), kappa_of(people, found, rows.id)[1:], strict=True))
            yield agreed(detector, name, people, found) | ends


def by_us(table: pd.DataFrame) -> Iterator[dict]:
    """The agreement of the detectors of texts with our labels, on each half of the replies."""
    for detector in with_cost("text"):
        for half, rows in table.groupby("half", sort=True):
            found = DETECTORS[detector].classify(list(rows.reply))
            yield agreed(detector, f"ours, {half}", rows.label, pd.Series(found, rows.index))


def agreed(detector: str, replies: str, labels: pd.Series, found: pd.Series) -> dict:
    """One row of the table."""
    value, low, high = rate(int((found == labels).sum()), len(labels))
    kappa = cohen_kappa_score(labels, found)
    measures = {"n": len(labels), "accuracy": value, "low": low, "high": high, "kappa": kappa}
    return {"detector": detector, "replies": replies, **measures}


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        check_detector(**job)
