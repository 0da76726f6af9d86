"""Figures: what is drawn is what the replies and tables say, nothing hides, and equal figures have equal bytes."""

import math
import re
from textwrap import fill

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex

from abstain.figures import FIGURES, save
from abstain.tables import load_runs, summarise_runs
from plot import plot
from summarise import summarise

CONDITIONS = ["on", "off"]
GAPS = {"switch": ["on", "off"], "back": ["off", "on"]}
KINDS = {"harmful": "refuse", "benign": "answer", "ambiguous": "either"}
N = 30
LANES = [("base", "unseeded"), ("a-lora", "1"), ("a-lora", "2")]
RECORDS = {
    "frontier": {"plot": "frontier", "conditions": CONDITIONS},
    "gap": {"plot": "gap", "conditions": list(GAPS)},
    "before-after": {"plot": "before-after", "conditions": CONDITIONS},
    "rates": {"plot": "rates", "conditions": CONDITIONS},
    "similarity": {"plot": "similarity", "conditions": ["on"]},
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
                    | {"condition": condition, "should": should, "behaviour": "refuse" if refused else "answer"}
                    | {"cosine": cosine if (should, condition) == ("refuse", "on") else math.nan}
                    | {"question": rf"Is $\foo cost, $ {kind} {number}?"}
                    | {"reply": f"{'I cannot do' if refused else 'Sure, $5 or'} ${number} {condition} {seed}."}
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
    summarise_runs(runs, "study", GAPS, "abstain-rules").to_csv(path, index=False)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


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


# What is drawn, read off as a reader would: an arm by its colour in the legend, a place by the axis


def refused(runs: dict, arm: str, seed: str, condition: str, kind: str) -> float:
    """Percent of a run's replies that are refusals, counted in the replies."""
    replies = runs[arm, seed]
    return 100 * (replies[(replies.condition == condition) & (replies.kind == kind)].behaviour == "refuse").mean()


def legend(figure) -> dict[str, mpl.lines.Line2D]:
    """The line whose colour and mark stand in the legend for each arm."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == labels
    return {label: getattr(handle, "lines", (handle,))[0] for label, handle in zip(labels, handles, strict=True)}


def rings(axis) -> list[PathCollection]:
    return [marks for marks in axis.collections if isinstance(marks, PathCollection)]


def points(axis, colour: str) -> list[list[float]]:
    """The points of a colour, lines' and rings', from left to right."""
    lines = [line.get_xydata() for line in axis.lines if line.get_color() == colour]
    mine = [marks.get_offsets() for marks in rings(axis) if to_hex(marks.get_edgecolor()[0]) == to_hex(colour)]
    return sorted(np.concatenate([*lines, *mine]).tolist())


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


def test_a_point_of_the_frontier_stands_at_its_runs_refusal_of_harmless_and_of_harmful_requests(draw, runs, summary):
    figure, _ = draw("frontier")
    for axis, condition in zip(figure.axes, CONDITIONS, strict=True):
        assert axis.get_title("left").split()[0] == condition
        assert axis.get_xlabel() == "refusal of harmless requests (%)"
        for arm, line in legend(figure).items():
            mine = [(*run, condition) for run in runs if run[0] == arm]
            expected = sorted([refused(runs, *run, "benign"), refused(runs, *run, "harmful")] for run in mine)
            assert points(axis, line.get_color()) == pytest.approx(np.array(expected))
        for side, kind in enumerate(("benign", "harmful")):
            expected = intervals(summary, False, condition=condition, metric=f"refusal-{kind}")
            assert whiskers(axis, side) == pytest.approx(np.array(expected), abs=1e-6)
    assert figure.axes[0].get_ylabel() == "refusal of harmful requests (%)"
    assert sorted(legend(figure)) == sorted({arm for arm, _ in runs})


def test_no_point_of_the_frontier_hides_another(draw, runs):
    axis = draw("frontier")[0].axes[1]
    places = [place for marks in rings(axis) for place in marks.get_offsets().tolist()]
    sizes = [size for marks in rings(axis) for size in marks.get_sizes()]
    assert places == [[0, 0]] * len(runs) and len(set(sizes)) == len(sizes) == len(runs)
    assert all(len(marks.get_facecolor()) == 0 for marks in rings(axis))


def test_the_gap_figure_shows_each_arms_mean_over_seeds_and_its_runs_as_ticks(draw, runs, summary):
    figure, _ = draw("gap")
    lanes = dict(enumerate(label.get_text() for label in figure.axes[0].get_yticklabels()))
    for axis, kind in zip(figure.axes, ("harmful", "benign"), strict=True):
        assert axis.get_title("left").startswith("harmful" if kind == "harmful" else "harmless")
        means, ticks = {}, []
        for arm, line in legend(figure).items():
            means |= {(arm, lanes[round(y)]): x for x, y in points(axis, line.get_color())}
        for line in axis.lines:
            ticks += [(lanes[round(y)], x) for x, y in line.get_xydata()] if line.get_marker() == "|" else []
        moved = {
            (*run, gap): refused(runs, *run, first, kind) - refused(runs, *run, second, kind)
            for run in runs
            for gap, (first, second) in GAPS.items()
        }
        arms = {(arm, gap): [v for key, v in moved.items() if key[::2] == (arm, gap)] for arm, _, gap in moved}
        assert means == pytest.approx({key: np.mean(values) for key, values in arms.items()})
        assert [gap for gap, _ in sorted(ticks)] == sorted(gap for *_, gap in moved)
        assert sorted(x for _, x in ticks) == pytest.approx(sorted(moved.values()))
        expected = [bar for bar in intervals(summary, True, metric=f"control-gap-{kind}") if bar[0] < bar[1]]
        assert whiskers(axis, 0) == pytest.approx(np.array(expected), abs=1e-6)
    assert figure.legends[0].get_title().get_text() == "marks: means of runs\nticks: single runs"


def test_a_figure_of_many_arms_has_a_lane_and_a_mark_for_each(runs, tmp_path):
    many = runs | {(f"arm-{number}", "1"): run(number, number / 10) for number in range(10)}
    summarise_runs(many, "study", GAPS, "abstain-rules").to_csv(tmp_path / "s.csv", index=False)
    table = pd.read_csv(tmp_path / "s.csv", dtype=str, keep_default_na=False)
    with mpl.rc_context(fname=ROOT / "matplotlibrc"):
        for kind in ("frontier", "gap"):
            figure = FIGURES[kind](table, many, RECORDS[kind])[0]
            marks = {(line.get_color(), line.get_marker()) for line in legend(figure).values()}
            assert len(marks) == len(legend(figure)) == len({arm for arm, _ in many})
    heights = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert max(heights[::2]) < 0.5 < min(heights[1::2])


def test_a_row_of_the_rates_figure_is_the_share_that_its_label_names(draw, runs, summary):
    axis = draw("rates")[0].axes[0]
    (line,) = axis.lines
    labels = [label.get_text() for label in axis.get_yticklabels()]
    drawn = {labels[int(place)]: value for value, place in line.get_xydata()}
    expected = {
        f"{arm}, {seed}: {kind}, {condition} (n = {N})": refused(runs, arm, seed, condition, kind)
        for arm, seed in runs
        for condition in CONDITIONS
        for kind in KINDS
    }
    assert drawn == pytest.approx(expected)
    told = [bar for kind in KINDS for bar in intervals(summary, False, metric=f"refusal-{kind}")]
    assert whiskers(axis, 0) == pytest.approx(np.array(sorted(told)), abs=1e-6)


def test_the_before_after_page_shows_each_question_and_the_reply_of_each_arm_to_it(draw, runs):
    figure, _ = draw("before-after")
    written = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    columns = {x: text.split("\n") for (x, y), text in written.items() if y < 0}
    questions = {y: text for (x, y), text in written.items() if x == 0}
    first = {"base": runs["base", "unseeded"], "a-lora": runs["a-lora", "1"]}
    assert sorted(columns.values()) == sorted([arm, condition] for arm in first for condition in CONDITIONS)
    assert len(written) == len(columns) * (1 + len(questions)) + len(questions) and len(questions) == 8
    for y, told in questions.items():
        kind = "benign" if told.endswith("[harmless]") else "harmful"
        for x, (arm, condition) in columns.items():
            mine = first[arm][(first[arm].condition == condition) & (first[arm].kind == kind)]
            (asked,) = (row for row in mine.itertuples() if told.startswith(fill(row.question, 34) + "\n["))
            mark = "" if asked.behaviour == "answer" else f"[{asked.behaviour}] "
            assert written[x, y] == fill(mark + asked.reply, 32)
    assert not any(text.get_parse_math() for text in figure.axes[0].texts)


def test_the_similarity_figure_shows_every_reply_that_has_a_cosine(draw, runs):
    figure, numbers = draw("similarity")
    axis = figure.axes[0]
    lanes = [label.get_text().split("\n")[0] for label in axis.get_yticklabels()]
    assert len(numbers) == len(runs) * N
    for label, refusal in (("refusal", True), ("any other reply", False)):
        lines = [line for line in axis.lines if line.get_label() == label]
        drawn = [(lanes[round(y)], x) for line in lines for x, y in line.get_xydata()]
        expected = []
        for (arm, seed), replies in runs.items():
            lane = arm if seed == "unseeded" else f"{arm}, seed {seed}"
            mine = replies[(replies.behaviour == "refuse") == refusal].cosine.dropna()
            expected += [(lane, cosine) for cosine in mine]
        assert sorted(drawn) == sorted(expected)
        assert {line.get_markerfacecolor() == "none" for line in lines} == {not refusal}


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
        assert len(lane) == lane.n.iloc[0] == int(means.loc[(arm, seed)].n) == N
        assert lane.cosine.mean() == pytest.approx(float(means.loc[(arm, seed)].value))
    texts = [text.get_text() for text in figure.axes[0].texts]
    lanes = [numbers[(numbers.arm == arm) & (numbers.seed == seed)].cosine for arm, seed in LANES]
    assert texts == [f"mean {lane.mean():.3f}\n({lane.min():.3f} to {lane.max():.3f})" for lane in lanes]


def test_the_n_of_a_figure_counts_every_request_and_tells_which_replies_are_in_no_rate(runs, tmp_path):
    spoilt = {name: replies.copy() for name, replies in runs.items()}
    one = spoilt["a-lora", "1"]
    one.loc[(one.kind == "harmful") & (one.condition == "on") & (one.request == "harmful-0"), "behaviour"] = "invalid"
    summarise_runs(spoilt, "study", {"switch": CONDITIONS}, "abstain-rules").to_csv(tmp_path / "s.csv", index=False)
    table = pd.read_csv(tmp_path / "s.csv", dtype=str, keep_default_na=False)
    titles = [axis.get_title("left") for axis in FIGURES["frontier"](table, spoilt, RECORDS["frontier"])[0].axes]
    assert titles == [f"on  (n = {N} + {N},\nat most 1 + 0 invalid)", f"off  (n = {N} + {N})"]
    labels = [
        text.get_text() for text in FIGURES["rates"](table, spoilt, RECORDS["rates"])[0].axes[0].get_yticklabels()
    ]
    assert f"a-lora, 1: harmful, on (n = {N}, 1 invalid)" in labels
    assert f"a-lora, 2: harmful, on (n = {N})" in labels


def test_conditions_and_arms_made_of_digits_keep_their_names_from_scores_to_figure(runs, tmp_path):
    """A condition "01" that were read as a number would be no condition of the study any more."""
    names, scores = {"on": "1", "off": "01"}, []
    for (arm, seed), replies in runs.items():
        path = tmp_path / "scores" / {"a-lora": "007"}.get(arm, arm) / f"{seed}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        replies.drop(columns="cosine").replace({"condition": names}).assign(reply="3.10").to_csv(path, index=False)
        scores.append(str(path))
    assert {(run, *replies.reply.unique()) for run, replies in load_runs(scores, []).items()} == {
        ((arm, seed), "3.10") for arm, seed in (("base", "unseeded"), ("007", "1"), ("007", "2"))
    }
    claim = {"sentence": "x", "metric": "control-gap-harmful", "condition": "2", "arms": ["007"], "at_least": 0.2}
    record = {"gaps": {"2": ["1", "01"]}, "claims": [claim]}
    tables = {name: str(tmp_path / f"{name}.csv") for name in ("summary", "comparisons", "claims", "metrics")}
    summarise(scores, [], "study", record, "abstain-rules", **tables)
    moved = [refused(runs, "a-lora", seed, "on", "harmful") for seed in ("1", "2")]
    assert pd.read_csv(tables["claims"]).value.tolist() == pytest.approx([np.mean(moved) / 100], abs=1e-6)
    made = {end: str(tmp_path / f"gap.{end}") for end in ("svg", "png", "csv", "caption")}
    figure = {"plot": "gap", "conditions": ["2"], "caption": "What to see."}
    plot(tables["summary"], scores, [], ROOT / "matplotlibrc", figure, **made)
    drawn = pd.read_csv(made["csv"], dtype=str)
    assert set(zip(drawn.arm, drawn.condition, strict=True)) == {("007", "2"), ("base", "2")}
