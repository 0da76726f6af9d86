"""Claims: each with the numbers that it is judged by, and its verdict."""

import pandas as pd

from abstain.scorers.metric import Metric
from abstain.settings.arms import ALL, UNSEEDED
from abstain.settings.schema import ConfigError
from abstain.tables.estimates import NUMBERS, difference
from abstain.tables.statistics import direction_verdict, verdict

PLACE = ["metric", "kind", "mix", "condition"]  # what a claim names besides its arms
NOT_MEASURED = "not measured"
CLAIMS = ["study", "sentence", *PLACE, "arms", "unit", *NUMBERS, "n", "verdict"]


def judge_claims(summary: pd.DataFrame, claims: list[dict], study: str, metrics: list[Metric]) -> pd.DataFrame:
    """Each claim with the numbers it is judged by and its verdict; without numbers where the scale measures none."""
    rates = {metric.name for metric in metrics if metric.kind == "proportion"}
    rows = []
    for claim in claims:
        named = {key: claim[key] for key in ("sentence", *PLACE)}
        judged = _judged(summary, claim, claim["metric"] in rates)
        rows.append({"study": study, **named, "arms": " - ".join(claim["arms"]), **judged})
    return pd.DataFrame(rows, columns=CLAIMS).astype({"n": "Int64"})  # which has a value for none


def _judged(summary: pd.DataFrame, claim: dict, of_rates: bool) -> dict:
    measured = summary[(summary[PLACE] == [claim[key] for key in PLACE]).all(axis="columns")]
    found = [_over_seeds(measured, arm) for arm in claim["arms"]]
    if any(row is None for row in found):  # an arm, mix or kind that this scale does not run
        return {"verdict": NOT_MEASURED}
    if "direction" in claim:
        numbers = difference(*found, _seed_differences(measured, claim["arms"]), of_rates)
        judged = direction_verdict(numbers["low"], numbers["high"], claim["direction"])
    else:
        numbers = {key: found[0][key] for key in (*NUMBERS, "n")}
        judged = verdict(numbers["low"], numbers["high"], claim.get("at_least"), claim.get("at_most"))
    return {"unit": found[0]["unit"], **numbers, "verdict": judged}


def _over_seeds(measured: pd.DataFrame, arm: str) -> dict | None:
    found = measured[(measured.arm == arm) & (measured.seed == ALL)].to_dict("records")
    if len(found) > 1:
        raise ConfigError(f"the summary has {len(found)} rows of one metric for the arm {arm!r}: {found[:2]}")
    return found[0] if found else None


def _seed_differences(measured: pd.DataFrame, arms: list[str]) -> list[float]:
    """Differences of two arms, seed by seed; an arm without seeds is held against each seed of the other."""
    values = {(row.arm, row.seed): row.value for row in measured.itertuples() if row.seed != ALL}
    seeds = dict.fromkeys(seed for arm, seed in values if arm in arms and seed != UNSEEDED) or [UNSEEDED]
    pairs = [[values.get((arm, seed), values.get((arm, UNSEEDED))) for arm in arms] for seed in seeds]
    return [one - other for one, other in pairs if one is not None and other is not None]
