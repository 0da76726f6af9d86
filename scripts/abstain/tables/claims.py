"""Claims: each with the numbers that it is judged by, its verdict, and how often it could have been found to hold."""

from typing import NamedTuple

import pandas as pd

from abstain.scorers.metric import Metric
from abstain.settings.claims import parts_of
from abstain.tables import judging
from abstain.tables.judging import Evidence
from abstain.tables.samples import Cell, Sample, Sampled, named
from abstain.tables.statistics import power_of_bound, power_of_difference, power_of_equivalence
from abstain.tables.summary import COUNTS, NUMBERS, numbers

PLACE = ["metric", "kind", "mix", "condition"]  # what a claim names besides its arms
CLAIMS = ["study", "claim", "sentence", *PLACE, "arms", "asked", "unit", *NUMBERS, *COUNTS, "power", "verdict", "why"]
NOT_RUN = "not run at this scale"
Measured = dict[str, dict[Cell, tuple[Metric, Sample]]]  # by the name of a metric or gap


class Judged(NamedTuple):
    """A part of a claim: how sure it is, None where it is not measured, and its row of the table but the verdict."""

    evidence: Evidence | None
    row: dict


def judge_claims(
    sampled: Sampled, study: str, margins: dict[str, float], claims: list[dict], metrics: list[Metric]
) -> pd.DataFrame:
    """A row for each part of each claim: its numbers, and the verdict on the whole claim.

    `margins` say, by unit, which difference is large enough to matter. All claims of the study are one family.
    """
    measured = _measured(sampled, metrics)
    judged = [[_judged(measured, part, margins) for _, part in parts_of(claim)] for claim in claims]
    verdicts = judging.family([_whole(parts) for parts in judged])
    rows = [
        {"study": study, "claim": number, **part.row, "verdict": verdict}
        for number, (parts, verdict) in enumerate(zip(judged, verdicts, strict=True), start=1)
        for part in parts
    ]
    return pd.DataFrame(rows, columns=CLAIMS).astype(dict.fromkeys(COUNTS, "Int64"))  # which have a value for none


def condition_text(part: dict) -> str:
    """What a part asks of its number, in a few signs."""
    for key, sign in (("at_least", "≥"), ("at_most", "≤")):
        if key in part:
            return f"{sign} {part[key]:g}"
    return f"within {part['within']:g}" if "within" in part else {"higher": "> 0", "lower": "< 0"}[part["direction"]]


def _measured(sampled: Sampled, metrics: list[Metric]) -> Measured:
    found: Measured = {}
    for metric in metrics:
        for cell, sample in sampled.of(metric).items():
            found.setdefault(named(metric, cell[2], sampled.gaps), {})[cell] = metric, sample
    return found


def _whole(parts: list[Judged]) -> Evidence | None:
    found = [part.evidence for part in parts]
    return None if None in found else judging.both(found)


def _judged(measured: Measured, part: dict, margins: dict[str, float]) -> Judged:
    row = {key: part[key] for key in ("sentence", *PLACE)}
    row |= {"arms": " - ".join(part["arms"]), "asked": condition_text(part)}
    cells = [(arm, *(part[key] for key in ("mix", "condition", "kind"))) for arm in part["arms"]]
    found = [measured.get(part["metric"], {}).get(cell) for cell in cells]
    if None in found:
        return Judged(None, {**row, "why": NOT_RUN})
    metric, sides = found[0][0], [sample for _, sample in found]
    sample = sides[0].minus(sides[1]) if len(sides) == 2 else sides[0]
    row |= {"unit": metric.unit, **numbers(metric, sample), **sample.counts}
    if why := judging.too_few(*sides, sample):
        return Judged(None, {**row, "why": why})
    evidence, power = _evidence(sample, part, margins[metric.unit])
    if power == 0:
        return Judged(None, {**row, "why": f"{sample.counts['n']} rows could not show it"})
    return Judged(evidence, {**row, "power": power})


def _evidence(sample: Sample, part: dict, margin: float) -> tuple[Evidence, float]:
    """How sure a part is, and the power of its test."""
    found = sample.estimate()
    for key, above in (("at_least", True), ("at_most", False)):
        if key in part:
            evidence = judging.beyond(sample, part[key], above)
            if sample.kind == "proportion":
                return evidence, power_of_bound(found.rows, part[key], above)
            return evidence, power_of_difference(found.error, found.freedom, margin)
    if "within" in part:
        margin = part["within"]
        return judging.within(sample, margin), power_of_equivalence(found.error, found.freedom, margin)
    higher = part["direction"] == "higher"
    return judging.beyond(sample, 0.0, higher), power_of_difference(found.error, found.freedom, margin)
