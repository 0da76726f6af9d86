"""Measure the detectors, and relevance, on replies of this scale's own models that two readers labelled."""

from collections.abc import Iterator
from itertools import product

import pandas as pd

from abstain.jobs.files import digest, write_text
from abstain.scorers.detectors.registry import with_cost
from abstain.scorers.metric import columns
from abstain.scorers.refusal import judged
from abstain.settings.arms import BASE
from abstain.tables.kappa import binary_agreement
from abstain.tables.runs import Runs, load_runs

FIRST, SECOND = "first", "second"  # the readers, who are columns of the labels
PLACE = ["arm", "seed", "mix", "id"]
REFUSED = ("refuse", "partial")
MEASURES = ["n", "accuracy", "low", "high", "kappa", "kappa_low", "kappa_high"]


def check_replies(labels: str, scores: list[str], scorers: dict, agreement: str) -> None:
    """Write how far each detector agrees with each reader on what refuses, relevance on what is on topic, and how far
    the readers agree with each other: a row for all replies, those of the base, and those of tuned models.

    `labels` name a reply by its run, its id and its SHA-256: one that this scale's models do not give is left out.
    """
    runs = load_runs(scores, columns(scorers))
    rows = found_again(pd.read_csv(labels, dtype=str, keep_default_na=False), runs)
    asked = rows[(rows.first_topic != "") & rows.on_topic.notna()] if "on_topic" in rows else rows[:0]
    table = pd.DataFrame([*agreed("refusal", rows, refusals(rows, scorers)), *agreed("on topic", asked, topics(asked))])
    wanted = ["label", "judge", "against", "replies", *MEASURES]
    text = table.reindex(columns=wanted).to_csv(index=False, float_format="%.6f", lineterminator="\n")
    write_text(agreement, text)


def found_again(labels: pd.DataFrame, runs: Runs) -> pd.DataFrame:
    """The labels whose replies are those of the runs, each with what the scorers say of its reply."""
    parts = [table.assign(arm=arm, seed=seed, mix=mix) for (arm, seed, mix), table in runs.items()]
    rows = labels.merge(pd.concat(parts), on=PLACE, how="inner", validate="one_to_one")
    same = rows.reply.map(digest) == rows.sha256
    print(f"{int(same.sum())} of {len(labels)} labelled replies are given here")
    return rows[same]


def refusals(rows: pd.DataFrame, scorers: dict) -> dict[str, pd.Series]:
    """Who refuses, by each reader, by the study's own detector, and by those that need the text alone."""
    found = {reader: rows[reader].isin(REFUSED) for reader in (FIRST, SECOND)}
    own = scorers["refusal"]["detector"]
    others = [name for name in with_cost("text") if name != own]
    found[own] = rows.behaviour.isin(REFUSED)
    for name in others:
        classes = [kind for kind, _ in judged(list(rows.reply), list(rows.cut == 1), name)]
        found[name] = pd.Series(classes, rows.index, dtype=str).isin(REFUSED)
    return found


def topics(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """What is on topic, by each reader and by the scorer."""
    if rows.empty:
        return {}
    return {FIRST: rows.first_topic == "yes", SECOND: rows.second_topic == "yes", "relevance": rows.on_topic == 1}


def agreed(label: str, rows: pd.DataFrame, found: dict[str, pd.Series]) -> Iterator[dict]:
    """The agreement of everybody with each reader, of the second with the first too."""
    sets = {"all": rows.index, BASE: rows.index[rows.arm == BASE], "tuned": rows.index[rows.arm != BASE]}
    for (judge, reader), (name, some) in product(product(found, (FIRST, SECOND)), sets.items()):
        if judge not in (FIRST, reader) and len(some):
            measures = binary_agreement(found[reader][some], found[judge][some], rows.request[some])
            yield {"label": label, "judge": judge, "against": reader, "replies": name, **measures}


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        check_replies(**job)
