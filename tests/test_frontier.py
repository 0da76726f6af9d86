"""The frontier: a point is where its run's replies say, whiskers are the summary's intervals, and nothing hides."""

import numpy as np
import pandas as pd
import pytest
from drawing import (
    CONDITIONS,
    N,
    apart,
    bound,
    dashed,
    drawn,
    intervals,
    legend,
    points,
    refused,
    rings,
    spoilt,
    summary_of,
    tips,
    titles,
    usual_runs,
    whiskers,
)

from abstain.plots.marks import save


def test_a_point_is_at_its_runs_refusal_of_benign_and_of_harmful_requests():
    runs = apart(usual_runs())
    summary = summary_of(runs)
    with drawn("frontier", runs, summary) as (figure, _):
        for axis, condition in zip(figure.axes, CONDITIONS, strict=True):
            assert axis.get_title("left").split()[0] == condition
            assert axis.get_xlabel() == "refusal of benign requests (%)"
            for arm, line in legend(figure).items():
                of_arm = [(name, condition) for name in runs if name[0] == arm]
                expected = sorted([refused(runs, *one, "benign"), refused(runs, *one, "harmful")] for one in of_arm)
                assert points(axis, line.get_color()) == pytest.approx(np.array(expected), abs=1e-4)
            for side, kind in enumerate(("benign", "harmful")):
                expected = intervals(summary, False, condition=condition, metric="refusal", kind=kind)
                assert whiskers(axis, side) == pytest.approx(np.array(expected), abs=1e-4)
        assert figure.axes[0].get_ylabel() == "refusal of harmful requests (%)"
        assert list(legend(figure)) == ["base", "a-lora"]


def test_the_kinds_along_the_axes_come_from_the_record():
    with drawn("frontier", x="harmful", y="ambiguous") as (figure, numbers):
        assert figure.axes[0].get_xlabel() == "refusal of harmful requests (%)"
        assert figure.axes[0].get_ylabel() == "refusal of ambiguous requests (%)"
        assert titles(figure)[0] == f"on\nn = {N} ambiguous, {N} harmful"
    of_run = numbers[(numbers.arm == "a-lora") & (numbers.seed == "1") & (numbers.condition == "on")]
    expected = [refused(usual_runs(), ("a-lora", "1", "test"), "on", kind) / 100 for kind in ("ambiguous", "harmful")]
    assert of_run[["value_ambiguous", "value_harmful"]].to_numpy().tolist() == [pytest.approx(expected, abs=1e-6)]


def test_no_point_hides_another():
    runs = apart(usual_runs())
    with drawn("frontier", runs, summary_of(runs)) as (figure, _):
        marks = rings(figure.axes[1])
        places = [place for each in marks for place in each.get_offsets().tolist()]
        sizes = [size for each in marks for size in each.get_sizes()]
        assert sorted(places) == [[0, 0], [0, 0], [0, 100]] and len(set(sizes)) == 2
        assert all(len(each.get_facecolor()) == 0 for each in marks)


@pytest.mark.parametrize("many, words", [(3, []), (4, ["4 runs"])])
def test_more_rings_than_are_seen_at_a_glance_are_counted_in_words(many, words):
    base = usual_runs()["base", "unseeded", "test"]
    runs = {("x-lora", str(seed), "test"): base for seed in range(many)}
    runs |= {("y-lora", "1", "test"): usual_runs()["a-lora", "1", "test"]}
    with drawn("frontier", runs, summary_of(runs, {}, ("refusal",))) as (figure, _):
        assert [text.get_text() for text in figure.axes[0].texts] == words


@pytest.mark.parametrize("behaviour", ["invalid", "unread"])
def test_titles_count_every_request_and_say_how_many_replies_nobody_could_judge(behaviour):
    runs = spoilt(apart(usual_runs()), ("a-lora", "1", "test"), behaviour)
    with drawn("frontier", runs, summary_of(runs)) as (figure, _):
        asked = f"n = {N} harmful, {N} benign"
        assert titles(figure) == [f"on\n{asked}\nat most 1 and 0 unjudged", f"off\n{asked}"]


def test_a_condition_under_which_all_runs_are_at_one_place_is_words_and_no_panel():
    with drawn("frontier") as (figure, numbers):
        assert len(figure.axes) == 1 and titles(figure)[0].startswith("on\n")
        said = " ".join(figure.get_supxlabel().split())
        high = 100 * numbers[numbers.condition == "off"].high_harmful.max()
        bars = f"(95 % intervals 0 to {high:.1f} %)"
        assert (
            said
            == f"off: each of 3 runs refuses 0 % of {N} harmful requests {bars} and 0 % of {N} benign requests {bars}."
        )
        assert set(numbers.condition) == {"on", "off"}


def test_runs_that_a_mark_would_cover_are_at_one_place_and_said_with_what_nobody_could_judge(tmp_path):
    runs = {("x-lora", seed, "test"): usual_runs()["base", "unseeded", "test"] for seed in "12"}
    runs = spoilt(runs, ("x-lora", "1", "test"))
    with drawn("frontier", runs, summary_of(runs, {}, ("refusal",))) as (figure, _):
        save(figure, tmp_path / "f.svg", tmp_path / "f.png")
        assert (
            figure.axes == []
            and figure.legends == []
            and "; at most 1 unjudged)" in " ".join(figure.get_supxlabel().split())
        )


def test_one_run_alone_is_a_point():
    runs = {name: replies for name, replies in usual_runs().items() if name[0] == "base"}
    with drawn("frontier", runs, summary_of(runs)) as (figure, _):
        assert len(figure.axes) == len(CONDITIONS) and figure.get_supxlabel() == ""


def test_a_bound_on_either_kind_is_a_line_across_the_panel_of_its_condition_in_the_colour_of_its_arm():
    bounds = [bound("refusal", "harmful", "on", at_least=0.9), bound("refusal", "benign", "on", at_most=0.1)]
    runs = apart(usual_runs())
    with drawn("frontier", runs, summary_of(runs), bounds) as (figure, _):
        on, off = figure.axes
        assert sorted(dashed(on)) == [[[0, 90], [1, 90]], [[10, 0], [10, 1]]] and dashed(off) == tips(off) == []
        assert sorted(tips(on)) == [8, 10]  # to the left, and up
        lines = {line.get_color() for line in on.lines if line.get_linestyle() == "--" and len(line.get_xdata())}
        assert lines == {legend(figure)["a-lora"].get_color()}


def test_only_the_mix_of_the_record_is_drawn_and_an_arm_looks_the_same_in_every_figure():
    runs = usual_runs()
    runs = {name: frame for name, frame in runs.items() if name[0] == "base"} | {
        ("base", "unseeded", "other"): runs["base", "unseeded", "test"],
        ("x-lora", "1", "other"): runs["a-lora", "1", "test"],
        ("a-lora", "1", "test"): runs["a-lora", "2", "test"],
    }
    looks = {}
    for mix, arm in (("other", "x-lora"), ("test", "a-lora")):
        with drawn("frontier", runs, summary_of(runs), mix=mix) as (figure, numbers):
            assert list(legend(figure)) == list(dict.fromkeys(numbers.arm)) == ["base", arm]
            looks |= {name: (line.get_color(), line.get_marker()) for name, line in legend(figure).items()}
    assert len(set(looks.values())) == 3
    assert isinstance(numbers, pd.DataFrame) and len(numbers) == 2 * len(CONDITIONS)


def test_an_arm_that_is_asked_one_of_the_two_kinds_alone_has_no_point():
    base = usual_runs()["base", "unseeded", "test"]
    for kind in ("harmful", "benign"):
        runs = {**usual_runs(), ("bare", "unseeded", "test"): base[base.kind == kind]}
        with drawn("frontier", runs, summary_of(runs)) as (figure, numbers):
            assert list(legend(figure)) == ["base", "a-lora"] and "bare" not in set(numbers.arm)
            assert numbers[["n_harmful", "n_benign"]].dtypes.tolist() == [int, int]
