"""The similarity figure: every reply that has a cosine, in the lane of its run, and means that are the summary's."""

import numpy as np
import pytest
from drawing import N, drawn, lanes, summary_of, titles, usual_runs, usual_summary

LANES = {
    "base": ("base", "unseeded", "test"),
    "a-lora, seed 1": ("a-lora", "1", "test"),
    "a-lora, seed 2": ("a-lora", "2", "test"),
}


def replies_of(axis) -> list:
    """The lines whose points are replies."""
    return [line for line in axis.lines if line.get_marker() == "o" and len(line.get_xdata())]


def test_it_shows_every_reply_that_has_a_cosine_and_fills_the_refusals():
    with drawn("similarity") as (figure, numbers):
        axis = figure.axes[0]
        names = lanes(axis)
        assert names == list(LANES) and len(numbers) == len(LANES) * N
        for refusal in (True, False):
            lines = [line for line in replies_of(axis) if (line.get_markerfacecolor() != "none") == refusal]
            shown = [(names[round(y)], x) for line in lines for x, y in line.get_xydata()]
            expected = []
            for name, run in LANES.items():
                replies = usual_runs()[run]
                expected += [(name, x) for x in replies[(replies.behaviour == "refuse") == refusal].cosine.dropna()]
            assert sorted(shown) == sorted(expected)


def test_without_a_detector_all_replies_look_the_same():
    runs = {name: frame.drop(columns="behaviour") for name, frame in usual_runs().items()}
    with drawn("similarity", runs, summary_of(runs, {}, ("closeness",))) as (figure, numbers):
        assert {line.get_markerfacecolor() for line in replies_of(figure.axes[0])} == {"none"}
        named = [text.get_text() for text in figure.legends[0].get_texts()]
        assert named == ["reply", "closest reply of base", "mean, 95 % interval"]
        assert len(numbers) == len(LANES) * N and "behaviour" not in numbers


def test_no_point_hides_another_and_none_leaves_its_lane():
    with drawn("similarity") as (figure, _):
        places = [place for line in replies_of(figure.axes[0]) for place in line.get_xydata().tolist()]
    assert len({tuple(place) for place in places}) == len(places) == 3 * N
    assert all(abs(y - round(y)) <= 0.35 for _, y in places)


def test_a_pile_whose_marks_overlap_is_counted_in_words():
    runs = {name: frame.copy() for name, frame in usual_runs().items()}
    same = runs["a-lora", "2", "test"]
    same.loc[same.cosine.notna() & (same.behaviour == "refuse"), "cosine"] = 1.0
    many = int((same.cosine == 1).sum())
    with drawn("similarity", runs, summary_of(runs)) as (figure, _):
        assert f"{many} at 1.00" in [text.get_text() for text in figure.axes[0].texts] and many > 12


def test_the_base_is_on_top_with_a_line_at_its_best_reply_and_the_title_counts_the_replies():
    runs = dict(reversed(usual_runs().items()))
    with drawn("similarity", runs) as (figure, _):
        axis = figure.axes[0]
        assert lanes(axis) == ["base", "a-lora, seed 2", "a-lora, seed 1"] and axis.yaxis_inverted()
        assert titles(figure) == [f"on (n = {N})"]
        (line,) = [line for line in axis.lines if line.get_label() == "closest reply of base"]
        assert set(line.get_xdata()) == {runs["base", "unseeded", "test"].cosine.max()}


def test_controls_are_below_the_base_and_the_line_is_at_the_best_reply_of_the_base_alone():
    runs = usual_runs()
    close = runs["base", "unseeded", "test"].assign(cosine=lambda scores: scores.cosine + 0.1)
    asked = close[close.kind == "harmful"]  # all that a control may reply to
    runs = {**runs, ("bare", "unseeded", "test"): asked}
    with drawn("similarity", runs, summary_of(runs)) as (figure, numbers):
        axis = figure.axes[0]
        assert lanes(axis) == ["base", "bare", "a-lora, seed 1", "a-lora, seed 2"]
        (line,) = [line for line in axis.lines if str(line.get_label()).startswith("closest reply")]
        assert line.get_label() == "closest reply of base"
        assert set(line.get_xdata()) == {runs["base", "unseeded", "test"].cosine.max()} != {asked.cosine.max()}
        assert len(numbers[numbers.arm == "bare"]) == N


def test_its_means_are_crosses_at_the_numbers_of_the_summary():
    means = usual_summary()
    means = means[(means.metric == "closeness") & (means.condition == "on")].set_index(["arm", "seed"])
    with drawn("similarity") as (figure, numbers):
        axis = figure.axes[0]
        crosses = [line.get_xdata()[0] for line in axis.lines if line.get_marker() == "x"]
        texts = [text.get_text() for text in axis.texts]
    assert crosses == pytest.approx([float(means.loc[run[:2]].value) for run in LANES.values()])
    for (arm, seed), lane in numbers.groupby(["arm", "seed"]):
        assert len(lane) == lane.n.iloc[0] == int(means.loc[(arm, seed)].n) == N
        assert lane.cosine.mean() == pytest.approx(float(means.loc[(arm, seed)].value), abs=1e-6)
    each = [numbers[(numbers.arm == arm) & (numbers.seed == seed)].cosine for arm, seed, _ in LANES.values()]
    assert texts == [f"mean {np.mean(lane):.3f}\nrange {lane.min():.3f} to {lane.max():.3f}" for lane in each]
