"""Measure detectors and rules on replies that two readers labelled: of this scale's own models, or written for it."""

from collections.abc import Iterator
from itertools import product

import pandas as pd

from abstain.jobs.files import digest, write_text
from abstain.scorers.metric import columns
from abstain.settings.arms import BASE
from abstain.settings.labels import READERS, YES, column
from abstain.tables.judges import JUDGES
from abstain.tables.kappa import binary_agreement
from abstain.tables.runs import Runs, load_runs

PLACE = ["arm", "seed", "mix", "id"]
MEASURES = ["n", "accuracy", "low", "high", "kappa", "kappa_low", "kappa_high"]


def check_replies(labels: str, scores: list[str], scorers: dict, agreement: str) -> None:
    """Write the agreement of every judge of a label with each reader, and of the readers with each other.

    A label's columns are `first_<label>` and `second_<label>`, empty where it is not asked (abstain.settings.labels
    lists them). A row holds a `request` and a `reply`, or names a reply of this scale's models by its run, id and
    SHA-256; named replies that the models do not give are left out. For named replies the table has a row for all of
    them, one for those of the base, and one for those of tuned models.
    """
    rows = pd.read_csv(labels, dtype=str, keep_default_na=False)
    if "reply" not in rows:
        rows = found_again(rows, load_runs(scores, columns(scorers)))
    judged_labels = [label for label in JUDGES if f"first_{column(label)}" in rows]
    table = [row for label in judged_labels for row in agreed(label, rows, scorers)]
    wanted = ["label", "judge", "against", "replies", *MEASURES]
    text = pd.DataFrame(table, columns=wanted).to_csv(index=False, float_format="%.6f", lineterminator="\n")
    write_text(agreement, text)


def found_again(labels: pd.DataFrame, runs: Runs) -> pd.DataFrame:
    """The labels whose replies are those of the runs, each with what the scorers say of its reply."""
    parts = [table.assign(arm=arm, seed=seed, mix=mix) for (arm, seed, mix), table in runs.items()]
    rows = labels.merge(pd.concat(parts), on=PLACE, how="inner", validate="one_to_one")
    same = rows.reply.map(digest) == rows.sha256
    print(f"{int(same.sum())} of {len(labels)} labelled replies are given here")
    return rows[same]


def agreed(label: str, rows: pd.DataFrame, scorers: dict) -> Iterator[dict]:
    """The agreement of everything that judges a label with each reader, of the second reader with the first too."""
    columns_by_reader = {reader: f"{reader}_{column(label)}" for reader in READERS}
    rows = rows[(rows[list(columns_by_reader.values())] != "").all(axis=1)]
    found = {reader: rows[name].isin(YES) for reader, name in columns_by_reader.items()} | JUDGES[label](rows, scorers)
    sets = {"all": rows.index}
    if "arm" in rows:
        sets |= {BASE: rows.index[rows.arm == BASE], "tuned": rows.index[rows.arm != BASE]}
    for (judge, reader), (name, some) in product(product(found, READERS), sets.items()):
        if judge not in ("first", reader) and len(some):
            measures = binary_agreement(found[reader][some], found[judge][some], rows.request[some])
            yield {"label": label, "judge": judge, "against": reader, "replies": name, **measures}


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        check_replies(**job)
