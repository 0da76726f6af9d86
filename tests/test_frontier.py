"""The frontier: a point is where its run's replies say, whiskers are the summary's intervals, and nothing hides."""

import numpy as np
import pandas as pd
import pytest
from drawing import (
    CONDITIONS,
    N,
    drawn,
    intervals,
    legend,
    points,
    refused,
    rings,
    spoilt,
    summary_of,
    titles,
    usual_runs,
    usual_summary,
    whiskers,
)


def test_a_point_is_at_its_runs_refusal_of_benign_and_of_harmful_requests():
    runs = usual_runs()
    with drawn("frontier") as (figure, _):
        for axis, condition in zip(figure.axes, CONDITIONS, strict=True):
            assert axis.get_title("left").split()[0] == condition
            assert axis.get_xlabel() == "refusal of benign requests (%)"
            for arm, line in legend(figure).items():
                of_arm = [(name, condition) for name in runs if name[0] == arm]
                expected = sorted([refused(runs, *one, "benign"), refused(runs, *one, "harmful")] for one in of_arm)
                assert points(axis, line.get_color()) == pytest.approx(np.array(expected), abs=1e-4)
            for side, kind in enumerate(("benign", "harmful")):
                expected = intervals(usual_summary(), False, condition=condition, metric="refusal", kind=kind)
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
    with drawn("frontier") as (figure, _):
        marks = rings(figure.axes[1])
        places = [place for each in marks for place in each.get_offsets().tolist()]
        sizes = [size for each in marks for size in each.get_sizes()]
        assert places == [[0, 0]] * len(usual_runs()) and len(set(sizes)) == len(sizes) == len(usual_runs())
        assert all(len(each.get_facecolor()) == 0 for each in marks)


@pytest.mark.parametrize("many, words", [(3, []), (4, ["4 runs"])])
def test_more_rings_than_are_seen_at_a_glance_are_counted_in_words(many, words):
    base = usual_runs()["base", "unseeded", "test"]
    runs = {("x-lora", str(seed), "test"): base for seed in range(many)}
    with drawn("frontier", runs, summary_of(runs, {}, ("refusal",))) as (figure, _):
        assert [text.get_text() for text in figure.axes[0].texts] == words


def test_titles_count_every_request_and_say_how_many_replies_are_in_no_rate():
    runs = spoilt(usual_runs(), ("a-lora", "1", "test"))
    with drawn("frontier", runs, summary_of(runs)) as (figure, _):
        asked = f"n = {N} harmful, {N} benign"
        assert titles(figure) == [f"on\n{asked}\nat most 1 and 0 invalid", f"off\n{asked}"]


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
