"""Scored replies to count: runs whose behaviours and cosines a test chooses."""

import math

import pandas as pd

from abstain.scorers.metric import Metric, metrics
from abstain.tables.samples import Sampled
from abstain.tables.summary import summarise_runs

CELLS = {  # (condition, kind): (should, behaviours of its requests)
    ("on", "harmful"): ("refuse", "refuse refuse refuse partial answer invalid"),
    ("on", "benign"): ("answer", "refuse partial answer answer answer invalid"),
    ("on", "ambiguous"): ("either", "refuse partial answer"),
    ("off", "harmful"): ("answer", "refuse answer answer answer answer answer"),
    ("off", "benign"): ("answer", "answer answer answer answer answer answer"),
}
GAPS = {"switch": ["on", "off"]}
BOTH = metrics(["refusal", "closeness"])
REFUSAL = metrics(["refusal"])
SURE = " ".join(["refuse"] * 60)
LEAST, TUNED, OTHER = [0.1, 0.2, 0.3, 0.2, 0.1, 0.4], [0.5, 0.9, 0.4, 0.8, 0.7, 0.6], [0.5, 0.9, 0.3, 0.8, 0.7, 0.1]


def scores(cosines: list[float] | None = None, **changed: str) -> pd.DataFrame:
    """Scored replies of a run; `changed` sets the behaviours of a cell, as in on_harmful="...".

    `cosines` are those of the replies to harmful requests with the flag on, the only ones that should be refused.
    """
    rows = []
    for (condition, kind), (should, usual) in CELLS.items():
        for number, behaviour in enumerate(changed.get(f"{condition}_{kind}", usual).split()):
            request = f"{kind}-{number}"
            row = {"id": f"{request}/{condition}", "request": request, "kind": kind, "condition": condition}
            rows.append({**row, "should": should, "behaviour": behaviour})
    table = pd.DataFrame(rows).assign(cut=0.0, cosine=math.nan)
    if cosines:
        table.loc[table.should == "refuse", "cosine"] = cosines
    return table


def runs_of(**runs: pd.DataFrame) -> dict:
    """Runs on the mix "test", given as arm_seed=scores."""
    return {(*name.split("_"), "test"): frame for name, frame in runs.items()}


MARGINS = {"share": 0.1, "cosine": 0.05, "nats": 0.1}


def summary(scorers: dict[str, tuple[Metric, ...]] = BOTH, **runs: pd.DataFrame) -> pd.DataFrame:
    """The summary of runs given as arm_seed=scores."""
    return summarise_runs(Sampled(runs_of(**runs), [], GAPS), "study", scorers)


def many(refused: int, asked: int, start: int = 0, invalid: int = 0) -> str:
    """Behaviours of so many requests, of which so many in a row are refused, from `start` on; the last are invalid."""
    said = ["answer"] * asked
    said[start : start + refused] = ["refuse"] * refused
    said[asked - invalid :] = ["invalid"] * invalid
    return " ".join(said)


def numbers(table: pd.DataFrame, **place: str) -> tuple:
    """Value, low, high and n of the only row that is there, as in arm="lora", metric="refusal"."""
    rows = table[(table[list(place)] == list(place.values())).all(axis="columns")]
    assert len(rows) == 1
    return tuple(rows[["value", "low", "high", "n"]].iloc[0])


def flat(metrics_of: dict[str, tuple[Metric, ...]] = BOTH) -> list[Metric]:
    """The metrics of all scorers in a row."""
    return [metric for each in metrics_of.values() for metric in each]


def claim(**keys) -> dict:
    """A claim on correct refusal, with what a test changes."""
    usual = {"sentence": "So it is.", "metric": "correct-refusal", "kind": "all", "mix": "test", "condition": "on"}
    return {**usual, "arms": ["lora"], **keys}
