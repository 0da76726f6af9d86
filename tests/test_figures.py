"""Figures: every point is drawn and counted, the numbers are the tables', and equal figures have equal bytes."""

import math
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT

from abstain.figures import FIGURES, save
from abstain.tables import summarise_runs

CONDITIONS = ["on", "off"]
KINDS = {"harmful": "refuse", "benign": "answer", "ambiguous": "either"}
N = 30
RECORDS = {
    "frontier": {"plot": "frontier", "conditions": CONDITIONS},
    "gap": {"plot": "gap", "conditions": ["switch"]},
    "before-after": {"plot": "before-after", "conditions": CONDITIONS},
    "rates": {"plot": "rates", "conditions": CONDITIONS},
    "similarity": {"plot": "similarity", "conditions": ["on"]},
}


def run(seed: int, share: float) -> pd.DataFrame:
    """A run's scored replies: so large a share of requests is refused, and refusals are close to the ideal."""
    rng = np.random.default_rng(seed)
    rows = []
    for condition in CONDITIONS:
        for kind, should in KINDS.items():
            for number in range(N):
                refused = condition == "on" and rng.random() < share
                cosine = round(rng.normal(0.8 if refused else 0.2, 0.1), 2)
                rows.append(
                    {"id": f"{kind}-{number}/{condition}", "request": f"{kind}-{number}", "kind": kind}
                    | {"condition": condition, "should": should, "behaviour": "refuse" if refused else "answer"}
                    | {"cosine": cosine if (should, condition) == ("refuse", "on") else math.nan}
                    | {"question": f"How do I do {kind} {number}?", "reply": "I can't." if refused else "Sure, $5."}
                )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def runs() -> dict:
    shares = {("base", "unseeded"): 0.0, ("a-lora", "1"): 0.9, ("a-lora", "2"): 0.8}
    return {run_of: run(number, share) for number, (run_of, share) in enumerate(shares.items())}


@pytest.fixture(scope="module")
def summary(runs, tmp_path_factory) -> pd.DataFrame:
    """The summary as `plot` reads it: from the file."""
    path = tmp_path_factory.mktemp("tables") / "summary.csv"
    summarise_runs(runs, "study", {"switch": CONDITIONS}, "abstain-rules").to_csv(path, index=False)
    return pd.read_csv(path, keep_default_na=False)


@pytest.fixture
def draw(summary, runs):
    """A function that draws a kind of figure in the style of the project; gives the figure and its numbers."""
    with mpl.rc_context(fname=ROOT / "matplotlibrc"):
        yield lambda kind: FIGURES[kind](summary, runs, RECORDS[kind])
        mpl.pyplot.close("all")


@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_a_figure_drawn_twice_has_the_same_bytes_and_tells_no_date_and_no_program(kind, draw, tmp_path):
    for name in ("one", "two"):
        save(draw(kind)[0], tmp_path / f"{name}.svg", tmp_path / f"{name}.png")
    for end in ("svg", "png"):
        assert (tmp_path / f"one.{end}").read_bytes() == (tmp_path / f"two.{end}").read_bytes()
    assert not re.search(rb"matplotlib|\d{4}-\d\d-\d\dT", (tmp_path / "one.png").read_bytes())
    assert "dc:date" not in (tmp_path / "one.svg").read_text()


def test_every_kind_of_figure_is_in_the_schema_and_tested_here():
    schema = yaml.safe_load((ROOT / "schemas/config.yaml").read_text(encoding="utf-8"))
    plots = schema["$defs"]["study"]["properties"]["figures"]["additionalProperties"]["properties"]["plot"]["enum"]
    assert sorted(plots) == sorted(FIGURES) == sorted(RECORDS)


def test_the_similarity_figure_shows_every_reply_that_has_a_cosine(draw, runs):
    figure, numbers = draw("similarity")
    axis = figure.axes[0]
    points = {
        label: [line for line in axis.lines if line.get_label() == label] for label in ("refusal", "any other reply")
    }
    told = pd.concat([frame.assign(arm=arm, seed=seed) for (arm, seed), frame in runs.items()]).dropna(subset="cosine")
    assert len(told) == len(numbers) == 3 * N
    for label, refused in (("refusal", True), ("any other reply", False)):
        drawn = sorted(x for line in points[label] for x in line.get_xdata())
        assert drawn == sorted(told[(told.behaviour == "refuse") == refused].cosine)
    assert {line.get_markerfacecolor() for line in points["any other reply"]} == {"none"}


def test_no_point_of_the_similarity_figure_hides_another_and_none_leaves_its_lane(draw):
    axis = draw("similarity")[0].axes[0]
    lanes = [line for line in axis.lines if line.get_label() in ("refusal", "any other reply")]
    points = [point for line in lanes for point in line.get_xydata().tolist()]
    assert len({tuple(point) for point in points}) == len(points) == 3 * N
    assert all(abs(y - round(y)) <= 0.35 for _, y in points)


def test_the_similarity_figure_puts_the_base_on_top_with_its_best_reply_and_counts_each_lane(draw, runs):
    axis = draw("similarity")[0].axes[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names == [f"{name}\n(n = {N})" for name in ("base", "a-lora, seed 1", "a-lora, seed 2")]
    assert axis.yaxis_inverted()
    (line,) = [line for line in axis.lines if "closest" in str(line.get_label())]
    assert set(line.get_xdata()) == {runs["base", "unseeded"].cosine.max()}


def test_the_numbers_of_the_similarity_figure_are_those_of_the_summary(draw, summary):
    figure, numbers = draw("similarity")
    means = summary[(summary.metric == "closeness") & (summary.seed != "all")].set_index(["arm", "seed"])
    for (arm, seed), lane in numbers.groupby(["arm", "seed"]):
        assert len(lane) == lane.n.iloc[0] == means.loc[(arm, seed)].n == N
        assert lane.cosine.mean() == pytest.approx(float(means.loc[(arm, seed)].value))
    texts = [text.get_text() for text in figure.axes[0].texts]
    base = numbers[numbers.arm == "base"].cosine
    assert texts[0] == f"mean {base.mean():.3f}\n({base.min():.3f} to {base.max():.3f})"


def test_the_n_of_a_figure_counts_every_request_and_tells_which_replies_are_in_no_rate(runs, tmp_path):
    spoilt = {name: replies.copy() for name, replies in runs.items()}
    one = spoilt["a-lora", "1"]
    one.loc[(one.kind == "harmful") & (one.condition == "on") & (one.request == "harmful-0"), "behaviour"] = "invalid"
    summarise_runs(spoilt, "study", {"switch": CONDITIONS}, "abstain-rules").to_csv(tmp_path / "s.csv", index=False)
    table = pd.read_csv(tmp_path / "s.csv", keep_default_na=False)
    titles = [axis.get_title("left") for axis in FIGURES["frontier"](table, spoilt, RECORDS["frontier"])[0].axes]
    assert titles == [f"on  (n = {N} + {N},\nat most 1 + 0 invalid)", f"off  (n = {N} + {N})"]
    labels = [
        text.get_text() for text in FIGURES["rates"](table, spoilt, RECORDS["rates"])[0].axes[0].get_yticklabels()
    ]
    assert f"a-lora, 1: harmful, on (n = {N}, 1 invalid)" in labels
    assert f"a-lora, 2: harmful, on (n = {N})" in labels
