"""What holds for every plot: schema and module agree, the record's order, equal bytes, readable texts."""

import ast
import re
from functools import cache

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT
from drawing import (
    CONDITIONS,
    EVERY,
    GAPS,
    RECORDS,
    N,
    apart,
    bound,
    dashed,
    drawn,
    lanes,
    legend,
    refused,
    run,
    summary_of,
    tips,
    usual_runs,
    usual_summary,
)
from jsonschema import Draft202012Validator
from matplotlib.colors import to_hex
from scored import MARGINS

from abstain.plots.marks import fitted, save
from abstain.plots.registry import load
from abstain.scorers.metric import columns
from abstain.tables.runs import load_runs
from plot import plot
from summarise import summarise

PLOTS = sorted(path.stem for path in (ROOT / "schemas/plots").glob("*.yaml"))
OF_ARMS = [name for name in PLOTS if name != "differences"]  # which shows arms minus the base, and no bound of an arm
SHARED = {"__init__", "lanes", "marks", "registry"}
PANELS = ("confusion", "margins")  # in which an arm is a panel, and no bound of a claim has a place
BOUNDED = [name for name in PLOTS if name not in PANELS]
ROOMS = [path for room in ("plots", "pages") for path in sorted((ROOT / f"scripts/abstain/{room}").glob("*.py"))]
PROGRAMS = [ROOT / f"scripts/{name}.py" for name in ("plot", "present", "describe")]
FIGURES = [
    figure
    for path in sorted((ROOT / "config/studies").glob("*.yaml"))
    for figure in yaml.safe_load(path.read_text(encoding="utf-8"))["figures"].values()
]


def schema_of(name: str) -> dict:
    return yaml.safe_load((ROOT / f"schemas/plots/{name}.yaml").read_text(encoding="utf-8"))


def test_every_plot_is_a_module_with_a_schema_and_is_tested_here():
    modules = {path.stem for path in (ROOT / "scripts/abstain/plots").glob("*.py")} - SHARED
    assert sorted(modules) == PLOTS == sorted(RECORDS)
    study = yaml.safe_load((ROOT / "schemas/study.yaml").read_text(encoding="utf-8"))
    named = study["properties"]["figures"]["additionalProperties"]["properties"]["plot"]["enum"]
    assert sorted(named) == PLOTS


@pytest.mark.parametrize("name", PLOTS)
def test_a_plots_schema_describes_every_key_and_refuses_others(name):
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    valid, record = Draft202012Validator(schema).is_valid, RECORDS[name] | {"caption": "What it shows."}
    assert valid(record) and set(record) == set(schema["properties"]) == set(schema["required"])
    assert all("description" in key for key in schema["properties"].values())
    assert not valid(record | {"size": 3}) and not valid(record | {"plot": "pie"})
    assert not any(valid({key: record[key] for key in record if key != lacking}) for lacking in record)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: f"{figure['plot']}-{figure['mix']}")
def test_the_figures_of_the_studies_fit_their_schema(figure):
    Draft202012Validator(schema_of(figure["plot"])).validate(figure)


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_needs_rows_that_the_summary_has_and_draws_from_these_alone(name):
    needed = load(name).needs(RECORDS[name])
    summary = usual_summary()
    has = list(zip(summary.condition, summary.kind, summary.metric, strict=True))
    assert set(needed) <= set(has) and len(set(needed)) == len(needed)
    with drawn(name, summary=summary[[row in needed for row in has]]) as (_, few), drawn(name) as (_, all_rows):
        pd.testing.assert_frame_equal(few, all_rows)


@pytest.mark.parametrize("name", PLOTS)
def test_a_figure_drawn_twice_has_the_same_bytes_and_no_date_and_no_program_in_it(name, tmp_path):
    for copy in ("one", "two"):
        with drawn(name) as (figure, _):
            save(figure, tmp_path / f"{copy}.svg", tmp_path / f"{copy}.png")
    for end in ("svg", "png"):
        assert (tmp_path / f"one.{end}").read_bytes() == (tmp_path / f"two.{end}").read_bytes()
    assert not re.search(rb"matplotlib|\d{4}-\d\d-\d\dT", (tmp_path / "one.png").read_bytes())
    assert "dc:date" not in (tmp_path / "one.svg").read_text()


@pytest.mark.parametrize("name", PLOTS)
def test_no_text_of_a_figure_is_over_another_or_outside_the_page(name):
    with drawn(name) as (figure, _):
        figure.draw_without_rendering()
        page = figure.bbox.padded(0.5)
        texts = [text for text in figure.findobj(mpl.text.Text) if text.get_visible() and text.get_text().strip()]
        boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
        assert [text for text, box in boxes if not (page.x0 <= box.x0 < box.x1 <= page.x1 and box.y1 <= page.y1)] == []
        pairs = [(boxes[i], boxes[k]) for i in range(len(boxes)) for k in range(i)]
        assert [(one, other) for (one, box), (other, against) in pairs if box.overlaps(against)] == []


def test_a_figure_of_many_arms_has_a_lane_or_a_mark_for_each():
    many = usual_runs() | {(f"arm-{number}", "1", "test"): run(number, number / 10) for number in range(10)}
    arms = list(dict.fromkeys(arm for arm, *_ in many))
    with drawn("frontier", many, summary_of(many)) as (figure, _):
        marks = {(line.get_color(), line.get_marker()) for line in legend(figure).values()}
        assert len(marks) == len(legend(figure)) == len(arms)
    for name in ("gap", "rates"):
        with drawn(name, many, summary_of(many)) as (figure, _):
            assert lanes(figure.axes[0]) == arms


def test_rates_and_gaps_mark_an_arm_alike():
    looks = []
    for name in ("rates", "gap"):
        with drawn(name) as (figure, _):
            drawn_marks = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", "none")]
            looks.append([(line.get_color(), line.get_marker(), line.get_markersize()) for line in drawn_marks])
    assert looks[0] == looks[1]


@cache
def more_arms() -> tuple[dict, pd.DataFrame]:
    """Runs of two more arms, of which one is scored on another mix, and the summary."""
    runs = {**usual_runs(), ("b-lora", "1", "test"): run(7, 0.5), ("c-lora", "1", "other"): run(8, 0.5)}
    return runs, summary_of(runs, GAPS, EVERY)


@pytest.mark.parametrize("name", OF_ARMS)
def test_a_figure_draws_the_arms_that_it_names_in_its_order_with_the_look_that_they_have_elsewhere(name):
    with drawn(name, *more_arms()) as (figure, _):
        usual = colours_of(figure)
    with drawn(name, *more_arms(), arms=["c-lora", "b-lora", "base"]) as (figure, numbers):
        shown = ["b-lora"] if name == "margins" else ["b-lora", "base"]  # of what is not trained nothing is learned
        assert list(dict.fromkeys(numbers.arm)) == shown
        assert colours_of(figure) < usual or name in ("confusion", "groups")  # whose pieces are classes of replies
        if name not in ("frontier", "coverage"):
            assert [lane.split(",")[0] for lane in arms_in(figure, name)] == shown


def colours_of(figure) -> set[str]:
    lines = [line.get_color() for axis in figure.axes for line in axis.lines]
    bars = [bar.get_facecolor() for axis in figure.axes for bar in axis.patches]
    return {to_hex(each) for each in [*bars, *(line for line in lines if str(line).startswith("C"))]}


def arms_in(figure, name: str) -> list[str]:
    """The arms that a figure names beside its lanes or above its panels."""
    if name not in PANELS:
        return lanes(figure.axes[0])
    titles = [axis.get_title("center") or axis.get_title("left") for axis in figure.axes]
    return [title for title in titles if title]


BOUNDS = [
    bound("refusal", "harmful", "on", at_least=0.9),
    bound("control-gap", "harmful", "switch", at_least=0.9),
    bound("closeness", "all", "on", at_least=0.9),
    bound("accuracy", "all", "on", at_least=0.9),
    bound("abstention-rate", "harmful", "on", at_least=0.9),
]


@pytest.mark.parametrize("name", [name for name in BOUNDED if name in OF_ARMS and name != "coverage"])  # of curves none
def test_the_bounds_of_claims_on_what_a_figure_shows_are_drawn_with_a_tip_and_named_in_its_legend(name):
    with drawn(name, bounds=BOUNDS) as (figure, _):
        named = [text.get_text() for text in figure.legends[0].get_texts()]
        assert [text for text in named if text.startswith("bound of a claim")]
        assert {mark for axis in figure.axes for mark in tips(axis)} <= {9, 10}
        assert sum(len(tips(axis)) for axis in figure.axes) == {"similarity": 2}.get(name, 1)
    others = [each | {"condition": "elsewhere"} for each in BOUNDS] + [each | {"kind": "no kind"} for each in BOUNDS]
    others += [each | {"metric": "cut"} for each in BOUNDS] + [each | {"arm": "no arm"} for each in BOUNDS]
    with drawn(name, bounds=others) as (with_others, _), drawn(name) as (without, _):
        assert [dashed(axis) for axis in with_others.axes] == [dashed(axis) for axis in without.axes]
        assert not any(tips(axis) for axis in with_others.axes)
        assert not [text for text in with_others.legends[0].get_texts() if "claim" in text.get_text()]


@pytest.mark.parametrize("name", BOUNDED)
def test_an_axis_has_room_for_every_number_interval_and_bound_and_little_more(name):
    with drawn(name, bounds=BOUNDS) as (figure, numbers):
        axis = figure.axes[0]
        across = {"frontier": "_benign", "similarity": ""}.get(name, "")
        ends = numbers[[f"{each}{across}" for each in ("value", "low", "high")]].to_numpy(float)
        if name == "similarity":
            ends = numbers[["cosine"]].to_numpy(float)
        least, most = min(0, np.nanmin(ends)), np.nanmax(ends)
        scale = 1 if name == "similarity" else 100
        low, high = axis.get_xlim()
        assert low <= scale * least and high >= scale * most
        assert high - low <= 1.75 * scale * (max(most, 0.9 if name != "frontier" else 0) - least)


@pytest.mark.parametrize("most", [0.04, 0.13, 0.5, 1.0])
def test_an_axis_of_shares_begins_at_zero_and_ends_at_the_tick_behind_the_last_number(most):
    scale = fitted(pd.Series([0.01, 100 * most]))
    low, high = scale["lim"]
    assert low < 0 < 100 * most < high <= 1.6 * 100 * most and low > -0.05 * high
    assert scale["ticks"][0] == 0 and scale["ticks"][-1] >= 100 * most


@pytest.mark.parametrize("seeds", [("2", "10"), ("10", "2")])
def test_arms_and_seeds_keep_the_order_of_the_record(seeds):
    names = [("base", "unseeded"), *((arm, seed) for arm in ("z-lora", "a-lora") for seed in seeds)]
    runs = {(*name, "test"): run(number, number / 5) for number, name in enumerate(names)}
    summary = summary_of(runs, GAPS, EVERY).sort_values(
        ["seed", "arm"], ascending=False, kind="stable"
    )  # order is not its task
    arms = ["base", "z-lora", "a-lora"]
    wanted = {"similarity": ["base", *(f"{arm}, seed {seed}" for arm in arms[1:] for seed in seeds)]}
    for name in OF_ARMS:
        with drawn(name, runs, summary) as (figure, numbers):
            found = dict.fromkeys(pair for pair in zip(numbers.arm, numbers.seed, strict=True) if pair[1] != "all")
            assert list(found) == names[name == "margins" :]
            if name == "coverage":
                continue  # which names arms in its legend, and their areas
            if name == "frontier":
                assert list(legend(figure)) == arms
            else:
                assert arms_in(figure, name) == wanted.get(name, arms[name == "margins" :])
    with drawn("differences", runs, summary) as (figure, numbers):
        assert lanes(figure.axes[0]) == arms[1:]
        assert list(dict.fromkeys(numbers.seed)) == ["all", *seeds]


def test_conditions_and_arms_made_of_digits_keep_their_names_from_scores_to_figure(tmp_path):
    """A condition "01" that were read as a number would be no condition of the study any more."""
    names, scores, runs = {"on": "1", "off": "01"}, [], usual_runs()
    for (arm, seed, mix), replies in runs.items():
        path = tmp_path / "scores" / {"a-lora": "007"}.get(arm, arm) / seed / mix / "refusal.csv"
        path.parent.mkdir(parents=True)
        replies.drop(columns="cosine").replace({"condition": names}).assign(reply="3.10").to_csv(path, index=False)
        scores.append(str(path))
    read = load_runs(scores, columns(["refusal"]))
    assert {name: set(replies.reply) for name, replies in read.items()} == {
        (arm, seed, "test"): {"3.10"} for arm, seed in (("base", "unseeded"), ("007", "1"), ("007", "2"))
    }
    claim = {"sentence": "x", "metric": "control-gap", "kind": "harmful", "mix": "test", "condition": "2"}
    claims = [claim | {"arms": ["007"], "at_least": 0.2}]
    tables = {
        name: str(tmp_path / f"{name}.csv") for name in ("summary", "comparisons", "corrected", "verdicts", "metrics")
    }
    summarise(scores, [], "study", {"refusal": {}}, [], {"2": ["1", "01"]}, MARGINS, claims, **tables)
    moved = [refused(runs, ("a-lora", seed, "test"), "on", "harmful") for seed in ("1", "2")]
    assert pd.read_csv(tables["verdicts"]).value.tolist() == pytest.approx([np.mean(moved) / 100], abs=1e-6)
    outputs = {end: str(tmp_path / f"gap.{end}") for end in ("svg", "png", "csv", "caption")}
    figure = {"plot": "gap", "mix": "test", "arms": "all", "gaps": ["2"], "kinds": ["harmful"]}
    figure["caption"] = "What it shows."
    plot(tables["summary"], scores, ROOT / "matplotlibrc", ["refusal"], figure, [], **outputs)
    shown = pd.read_csv(outputs["csv"], dtype=str)
    assert set(zip(shown.arm, shown.condition, strict=True)) == {("007", "2"), ("base", "2")}
    assert (tmp_path / "gap.caption").read_text() == "What it shows.\n"


# Their programs


@pytest.mark.parametrize("path", [*ROOMS, *PROGRAMS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_plot_and_no_page_knows_a_kind_of_request(path):
    texts = [node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if is_text(node)]
    assert [text for text in texts if re.search("harmful|benign|ambiguous|harmless|unsafe", text)] == []


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_plots_and_pages_show_numbers_and_calculate_none(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert [name for name in [*modules, *names] if name.startswith("abstain.tables")] == []


def test_the_conditions_of_a_figure_are_drawn_in_the_order_of_the_record():
    runs = apart(usual_runs())
    with drawn("frontier", runs, summary_of(runs), conditions=CONDITIONS[::-1]) as (figure, _):
        assert [axis.get_title("left").split("\n")[0] for axis in figure.axes] == CONDITIONS[::-1]
        assert len(figure.axes) == len(CONDITIONS) and N == 30
