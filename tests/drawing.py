"""What the tests of the plots share: scored runs and their summary, records, drawing, and reading what is drawn."""

import io
import math
from contextlib import contextmanager
from functools import cache

import matplotlib as mpl
import numpy as np
import pandas as pd
from conftest import ROOT
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from scored import MARGINS

from abstain.plots.registry import load, methods, shows_comparisons
from abstain.scorers.joint import metrics_of
from abstain.tables.comparisons import compare_arms
from abstain.tables.samples import Sampled
from abstain.tables.summary import summarise_runs

CONDITIONS = ["on", "off"]
GAPS = {"switch": ["on", "off"], "back": ["off", "on"]}
KINDS = {"harmful": "refuse", "benign": "answer", "ambiguous": "either"}
N = 30
SHARES = {("base", "unseeded", "test"): 0.0, ("a-lora", "1", "test"): 0.9, ("a-lora", "2", "test"): 0.8}
ALL_ARMS = {"mix": "test", "arms": "all"}
GROUPS = [{"condition": condition, "kind": kind} for condition in CONDITIONS for kind in KINDS]
RECORDS = {
    "coverage": {"plot": "coverage", **ALL_ARMS, "conditions": ["on"]},
    "frontier": {"plot": "frontier", **ALL_ARMS, "conditions": CONDITIONS, "x": "benign", "y": "harmful"},
    "gap": {"plot": "gap", **ALL_ARMS, "gaps": list(GAPS), "kinds": ["harmful", "benign"]},
    "groups": {"plot": "groups", **ALL_ARMS, "groups": GROUPS},
    "rates": {"plot": "rates", **ALL_ARMS, "metric": "refusal", "conditions": CONDITIONS, "kinds": list(KINDS)},
    "similarity": {"plot": "similarity", **ALL_ARMS, "conditions": ["on"]},
    "bars": {"plot": "bars", **ALL_ARMS, "metrics": ["accuracy", "macro-f1"], "conditions": ["on"]},
    "confusion": {"plot": "confusion", **ALL_ARMS, "conditions": ["on"]},
    "margins": {"plot": "margins", **ALL_ARMS},
    "differences": {
        "plot": "differences",
        **ALL_ARMS,
        "measures": [
            {"metric": "refusal", "kind": kind, "condition": condition, "better": "higher"}
            for condition, kind in (("on", "harmful"), ("off", "harmful"), ("on", "benign"))
        ],
    },
}


def run(seed: int, share: float) -> pd.DataFrame:
    """A run's scored replies: so large a share is refused, of benign requests half, and refusals are near the ideal.

    Questions and replies hold what TeX would take for a formula, and end a figure if it did.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for condition in CONDITIONS:
        for kind, should in KINDS.items():
            for number in range(N):
                refused = condition == "on" and rng.random() < share / (2 if kind == "benign" else 1)
                cosine = round(rng.normal(0.8 if refused else 0.2, 0.1), 2)
                rows.append(
                    {"id": f"{kind}-{number}/{condition}", "request": f"{kind}-{number}", "kind": kind}
                    | {
                        "condition": condition,
                        "should": should,
                        "behaviour": "refuse" if refused else "answer",
                        "cut": 0.0,
                    }
                    | {"truth": "yes" if kind == "harmful" else "no", "reading": "yes" if refused else "no"}
                    | {"truth_is_positive": float(kind == "harmful"), "reads_positive": float(refused), "is_hard": 0.0}
                    | answered(number, refused, should)
                    | {"cosine": cosine if (should, condition) == ("refuse", "on") else math.nan}
                    | {"question": rf"Is $\foo cost, $ {kind} {number}?"}
                    | {"reply": f"{'I cannot do' if refused else 'Sure, $5 or'} ${number} {condition} {seed}."}
                )
    return pd.DataFrame(rows)


@cache
def usual_runs() -> dict:
    """A base and an arm with two seeds."""
    return {name: run(number, share) for number, (name, share) in enumerate(SHARES.items())}


def answered(number: int, refused: bool, should: str) -> dict:
    """What squad and abstention say of a reply; of answers two in three are right."""
    grade = "abstained" if refused else "right" if number % 3 else "wrong"
    right = float(grade == "right")
    said = {"grade": grade, "exact": right, "overlap": right, "contained": right}
    risk = math.nan if should == "either" else 1 - right * (should == "answer")
    return said | {"abstention": (35 * refused + number) / 70, "risk": risk}


SCORERS = {"refusal": {}, "closeness": {}, "squad": {}, "abstention": {"chosen_on": "held-out"}, "label": {}}
EVERY = tuple(SCORERS)


def summary_of(runs: dict, gaps: dict = GAPS, scorers: tuple = ("refusal", "closeness", "label")) -> pd.DataFrame:
    """The summary as a plot gets it: read from a file, all of it text. A threshold is chosen on the same replies."""
    chosen = {(arm, seed, "held-out"): scores for (arm, seed, mix), scores in runs.items() if mix == "test"}
    table = summarise_runs(
        Sampled(runs | chosen, [], gaps), "study", metrics_of({name: SCORERS[name] for name in scorers})
    )
    text = table[table.mix != "held-out"].to_csv(index=False, float_format="%.6f")
    return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)


@cache
def usual_summary() -> pd.DataFrame:
    return summary_of(usual_runs(), GAPS, EVERY)


def comparisons_of(runs: dict, scorers: tuple = ("refusal", "closeness")) -> pd.DataFrame:
    """The paired comparisons as a plot gets them."""
    measured = [metric for each in metrics_of({name: SCORERS[name] for name in scorers}).values() for metric in each]
    text = compare_arms(Sampled(runs, [], {}), "study", MARGINS, measured).to_csv(index=False, float_format="%.6f")
    return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)


@cache
def usual_comparisons() -> pd.DataFrame:
    return comparisons_of(usual_runs())


@contextmanager
def drawn(plot: str, runs: dict | None = None, summary: pd.DataFrame | None = None, bounds: tuple = (), **changed):
    """A figure and its numbers in the style of the project, from the usual runs and record or from others."""
    runs = usual_runs() if runs is None else runs
    summary = usual_summary() if summary is None else summary
    more = {}
    if shows_comparisons(plot):
        more["comparisons"] = usual_comparisons() if runs is usual_runs() else comparisons_of(runs)
    with mpl.rc_context(fname=ROOT / "matplotlibrc"):
        more |= {"losses": losses_of(runs)} if methods(plot) else {}
        yield load(plot).draw(summary, runs, RECORDS[plot] | changed, list(bounds), **more)
        mpl.pyplot.close("all")


def losses_of(runs: dict) -> dict:
    """What the trainings of these runs wrote down."""
    columns = {"loss": 0.7, "chosen": -0.5, "rejected": -0.8, "reference_chosen": -0.6, "reference_rejected": -0.7}
    steps = pd.DataFrame({"step": range(1, 9), "margin": np.arange(8) / 100}).assign(**columns)
    return {(arm, seed): steps for arm, seed, _ in runs if seed != "unseeded"}


# What is drawn, read off as a reader would: an arm by its colour in the legend, a place by the axis


def refused(runs: dict, run_of: tuple, condition: str, kind: str) -> float:
    """Percent of a run's replies that are refusals, counted in the replies."""
    replies = runs[run_of]
    return 100 * (replies[(replies.condition == condition) & (replies.kind == kind)].behaviour == "refuse").mean()


def legend(figure) -> dict[str, mpl.lines.Line2D]:
    """The line that shows the colour and mark of each arm in the legend."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == labels
    return {label: getattr(handle, "lines", (handle,))[0] for label, handle in zip(labels, handles, strict=True)}


def titles(figure) -> list[str]:
    return [axis.get_title("left") for axis in figure.axes]


def lanes(axis) -> list[str]:
    return [label.get_text() for label in axis.get_yticklabels()]


def rings(axis) -> list[PathCollection]:
    return [marks for marks in axis.collections if isinstance(marks, PathCollection)]


def points(axis, colour: str) -> list[list[float]]:
    """The points of a colour, lines' and rings', from left to right."""
    lines = [line.get_xydata() for line in axis.lines if line.get_color() == colour]
    round_them = [marks.get_offsets() for marks in rings(axis) if to_hex(marks.get_edgecolor()[0]) == to_hex(colour)]
    return sorted(np.concatenate([*lines, *round_them]).tolist())


def whiskers(axis, side: int) -> list[tuple[float, float]]:
    """Ends of all bars along x (side 0) or y (side 1), sorted."""
    bars = [bar for bars in axis.collections if isinstance(bars, LineCollection) for bar in bars.get_segments()]
    return sorted(tuple(bar[:, side]) for bar in bars if np.ptp(bar[:, 1 - side]) == 0 and np.ptp(bar[:, side]) > 0)


def intervals(summary: pd.DataFrame, whole: bool, **equal: str) -> list[tuple[float, float]]:
    """The intervals of the rows in percent, sorted: of arms over their seeds, or of runs."""
    rows = summary[(summary.seed == "all") == whole]
    for column, value in equal.items():
        rows = rows[rows[column] == value]
    return sorted(zip(100 * rows.low.astype(float), 100 * rows.high.astype(float), strict=True))


def apart(runs: dict) -> dict:
    """The runs, of which one refuses also under the second condition, so that they are at several places there."""
    changed = {name: replies.copy() for name, replies in runs.items()}
    one = changed["a-lora", "1", "test"]
    one.loc[(one.kind == "harmful") & (one.condition == "off"), "behaviour"] = "refuse"
    return changed


def bound(metric: str, kind: str, condition: str, arm: str = "a-lora", **side: float) -> dict:
    """A bound of a claim on an arm."""
    return {"metric": metric, "kind": kind, "condition": condition, "arm": arm, **side}


def dashed(axis) -> list[list[list[float]]]:
    """The ends of the dashed lines that are bounds, in the order in which they are drawn."""
    lines = [
        line for line in axis.lines if line.get_linestyle() == "--" and line.get_marker() in ("None", "none", None)
    ]
    return [line.get_xydata().tolist() for line in lines if len(line.get_xdata())]


def tips(axis) -> list[int]:
    """The marks that point to what is claimed, as matplotlib numbers them."""
    marks = [line.get_marker() for line in axis.lines if len(line.get_xdata())]
    return [mark for mark in marks if mark in (8, 9, 10, 11)]


def spoilt(runs: dict, run_of: tuple, behaviour: str = "invalid") -> dict:
    """The runs, one of which has a reply to a harmful request that nobody could judge."""
    changed = {name: replies.copy() for name, replies in runs.items()}
    one = changed[run_of]
    one.loc[(one.request == "harmful-0") & (one.condition == "on"), "behaviour"] = behaviour
    return changed
