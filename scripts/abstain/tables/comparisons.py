"""Paired comparisons: each arm against every other on the same requests, over the seeds."""

import math
from itertools import combinations

import pandas as pd
from statsmodels.stats.multitest import multipletests

from abstain.scorers.metric import Metric
from abstain.settings.arms import BASE, UNSEEDED
from abstain.tables import judging
from abstain.tables.samples import Cell, Sample, Sampled
from abstain.tables.statistics import ALPHA
from abstain.tables.summary import COUNTS, NUMBERS, numbers

TESTED = [*NUMBERS, *COUNTS, "seeds", "p", "p_holm", "detectable", "margin", "verdict"]
COMPARISONS = ["study", "arm", "against", "mix", "condition", "kind", "metric", "unit", *TESTED]
EQUIVALENT = "equivalent"


def compare_arms(sampled: Sampled, study: str, margins: dict[str, float], metrics: list[Metric]) -> pd.DataFrame:
    """Each arm against every arm before it, one without seeds first: a row for each metric that is paired, and cell.

    Two controls are not compared: nothing about a model follows from it, and each row more makes Holm's p larger.
    All rows of a metric are one family. `detectable` belongs to the row's own test, before Holm; `equivalent` are
    arms that differ by less than the margin of the metric's unit.
    """
    rows = []
    for metric in metrics:
        if metric.paired:
            found = pairs(sampled.without_gaps(metric))
            rows += _judged([_compared(metric, *pair, margins[metric.unit]) for pair in found])
    return pd.DataFrame([{"study": study, **row} for row in rows], columns=COMPARISONS)


def pairs(found: dict[Cell, Sample]) -> list[tuple[Cell, Cell, Sample, list[Sample]]]:
    """Cells of two arms that were asked alike, the later arm first, with the difference and both sides."""
    arms = sorted(dict.fromkeys(cell[0] for cell in found), key=lambda arm: not _is_unseeded(found, arm))
    texts = {arm for arm in arms if _is_unseeded(found, arm) and arm != BASE}
    result = []
    for against, arm in combinations(arms, 2):
        if texts.issuperset((against, arm)):
            continue
        for cell in [cell for cell in found if cell[0] == arm]:
            other = (against, *cell[1:])
            if other in found:
                sides = [found[cell], found[other]]
                result.append((cell, other, sides[0].minus(sides[1]), sides))
    return result


def _is_unseeded(found: dict[Cell, Sample], arm: str) -> bool:
    return any(sample.seeds == [UNSEEDED] for cell, sample in found.items() if cell[0] == arm)


def _compared(metric: Metric, cell: Cell, other: Cell, sample: Sample, sides: list[Sample], margin: float) -> dict:
    """A row without its verdict, which the family decides."""
    arm, mix, condition, kind = cell
    place = {"arm": arm, "against": other[0], "mix": mix, "condition": condition, "kind": kind}
    higher, same = judging.beyond(sample, 0.0, above=True), judging.within(sample, margin)
    p = min(1.0, 2 * min(higher))
    return {
        **place, "metric": metric.name, "unit": metric.unit, **numbers(metric, sample), **sample.counts,
        "seeds": len(sample.seeds), "p": p, "detectable": judging.smallest(sample), "margin": margin,
        "same": same.true <= ALPHA, "few": judging.too_few(*sides, sample),
    }  # fmt: skip


def _judged(rows: list[dict]) -> list[dict]:
    """The rows of a family with Holm's p and their verdicts: higher, lower, equivalent, or neither."""
    measured = [row for row in rows if not row["few"] and not math.isnan(row["p"])]
    adjusted = multipletests([row["p"] for row in measured], method="holm")[1] if measured else []
    by_holm = {id(row): float(p) for row, p in zip(measured, adjusted, strict=True)}
    judged = [{**row, "p_holm": by_holm.get(id(row), math.nan)} for row in rows]
    return [{**row, "verdict": _verdict(row)} for row in judged]


def _verdict(row: dict) -> str:
    if math.isnan(row["p_holm"]):
        return judging.NOT_MEASURED
    if row["p_holm"] <= 2 * ALPHA:
        return "higher" if row["value"] > 0 else "lower"
    return EQUIVALENT if row["same"] else judging.UNDECIDED
