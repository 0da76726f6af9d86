"""Claims: each with the numbers that it is judged by, its verdict, and how often it could have been found to hold."""

import pandas as pd

from abstain.scorers.metric import Metric
from abstain.settings.claims import parts_of
from abstain.tables import judging
from abstain.tables.judging import Evidence
from abstain.tables.runs import Runs
from abstain.tables.samples import Cell, Sample, named, samples
from abstain.tables.statistics import power_of_bound, power_of_difference, power_of_equivalence
from abstain.tables.summary import COUNTS, NUMBERS, numbers

PLACE = ["metric", "kind", "mix", "condition"]  # what a claim names besides its arms
CLAIMS = ["study", "claim", "sentence", *PLACE, "arms", "asked", "unit", *NUMBERS, *COUNTS, "power", "verdict", "why"]
NOT_RUN = "not run at this scale"
Measured = dict[str, dict[Cell, tuple[Metric, Sample]]]  # by the name of a metric or gap


def judge_claims(
    runs: Runs, study: str, clusters: list[str], gaps: dict, margins: dict[str, float], claims: list[dict],
    metrics: list[Metric],
) -> pd.DataFrame:  # fmt: skip
    """A row for each part of each claim: its numbers, and the verdict on the whole claim.

    `margins` say, by unit, which difference is large enough to matter. All claims of the study are one family.
    """
    measured = _measured(runs, clusters, gaps, metrics)
    asks = [[part for _, part in parts_of(claim)] for claim in claims]
    found = [[_judged(measured, part, margins) for part in parts] for parts in asks]
    verdicts = judging.family([_whole([evidence for evidence, _ in parts]) for parts in found])
    rows = []
    for number, (parts, numbers_of, verdict) in enumerate(zip(asks, found, verdicts, strict=True), start=1):
        for part, (_, row) in zip(parts, numbers_of, strict=True):
            place = {key: part[key] for key in ("sentence", *PLACE)}
            what = {"arms": " - ".join(part["arms"]), "asked": asked(part), "verdict": verdict}
            rows.append({"study": study, "claim": number, **place, **what, **row})
    return pd.DataFrame(rows, columns=CLAIMS).astype(dict.fromkeys(COUNTS, "Int64"))  # which have a value for none


def asked(part: dict) -> str:
    """What a part asks of its number, in a few signs."""
    for key, sign in (("at_least", "≥"), ("at_most", "≤")):
        if key in part:
            return f"{sign} {part[key]:g}"
    return f"within {part['within']:g}" if "within" in part else {"higher": "> 0", "lower": "< 0"}[part["direction"]]


def _measured(runs: Runs, clusters: list[str], gaps: dict, metrics: list[Metric]) -> Measured:
    found: Measured = {}
    for metric in metrics:
        for cell, sample in samples(metric, runs, clusters, gaps).items():
            found.setdefault(named(metric, cell[2], gaps), {})[cell] = metric, sample
    return found


def _whole(parts: list[Evidence | None]) -> Evidence | None:
    return None if None in parts else judging.both(parts)


def _judged(measured: Measured, part: dict, margins: dict[str, float]) -> tuple[Evidence | None, dict]:
    """How sure a part is, None where it is not measured, and its row of numbers."""
    cells = [(arm, *(part[key] for key in ("mix", "condition", "kind"))) for arm in part["arms"]]
    found = [measured.get(part["metric"], {}).get(cell) for cell in cells]
    if None in found:
        return None, {"why": NOT_RUN}
    metric, sides = found[0][0], [sample for _, sample in found]
    sample = sides[0].minus(sides[1]) if len(sides) == 2 else sides[0]
    row = {"unit": metric.unit, **numbers(metric, sample), **sample.counts}
    if why := judging.too_few(*sides, sample):
        return None, {**row, "why": why}
    evidence, power = _evidence(sample, part, margins[metric.unit])
    return (None, {**row, "why": f"{sample.counts['n']} rows could not show it"}) if power == 0 else (
        evidence, {**row, "power": power})  # fmt: skip


def _evidence(sample: Sample, part: dict, margin: float) -> tuple[Evidence, float]:
    """How sure a part is, and the power of its test."""
    for key, above in (("at_least", True), ("at_most", False)):
        if key in part:
            found = sample.estimate()
            of_rate = sample.kind == "proportion"
            power = (
                power_of_bound(found.rows, part[key], above) if of_rate else power_of_difference(found.error, margin)
            )
            return judging.beyond(sample, part[key], above), power
    error = sample.estimate().error
    if "within" in part:
        return judging.within(sample, part["within"]), power_of_equivalence(error, part["within"])
    return judging.beyond(sample, 0.0, part["direction"] == "higher"), power_of_difference(error, margin)
