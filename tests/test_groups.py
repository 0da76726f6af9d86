"""The groups figure: a bar's pieces are the shares of the classes of its arm's replies, abstentions first."""

import pandas as pd
import pytest
from drawing import EVERY, GROUPS, KINDS, N, bound, dashed, drawn, lanes, summary_of, tips, titles, usual_runs

from abstain.plots.groups import PIECES, SHOULD

RUNS = {"base": [("base", "unseeded", "test")], "a-lora": [("a-lora", seed, "test") for seed in "12"]}


def share_of(arm: str, grade: str, condition: str, kind: str, runs: dict | None = None) -> float:
    """Percent of an arm's replies that are of a class, counted in the replies."""
    found = [(runs or usual_runs())[run] for run in RUNS[arm]]
    asked = [each[(each.condition == condition) & (each.kind == kind)] for each in found]
    return 100 * sum((each.grade == grade).mean() for each in asked) / len(asked)


def test_the_pieces_of_a_bar_are_shares_of_replies_and_fill_it():
    with drawn("groups") as (figure, numbers):
        panels = [axis for axis in figure.axes if axis.get_visible()]
        assert len(panels) == len(GROUPS) and lanes(panels[0]) == list(RUNS)
        for axis, group in zip(panels, GROUPS, strict=True):
            for lane, arm in enumerate(RUNS):
                pieces = [each for each in axis.patches if round(each.get_y() + each.get_height() / 2) == lane]
                shares = {name: share_of(arm, name, **group) for name in PIECES}
                assert [each.get_width() for each in pieces] == pytest.approx([s for s in shares.values() if s > 0])
                assert sum(each.get_width() for each in pieces) == pytest.approx(100)
                row = numbers[(numbers.arm == arm) & (numbers.seed == "all") & (numbers.kind == group["kind"])]
                row = row[row.condition == group["condition"]].iloc[0]
                assert [100 * row[name] for name in PIECES] == pytest.approx(list(shares.values()))


def test_a_title_says_what_is_right_and_how_many_were_asked():
    with drawn("groups") as (figure, _):
        said = [" ".join(title.split()) for title in titles(figure) if title]
        assert said == [f"{g['kind']}, {g['condition']} {SHOULD[KINDS[g['kind']]]}, n = {N}" for g in GROUPS]


def test_a_wide_piece_has_its_share_written_into_it_and_a_class_that_is_nowhere_is_in_no_legend():
    with drawn("groups", groups=[{"condition": "on", "kind": "harmful"}]) as (figure, _):
        axis = figure.axes[0]
        written = sorted(text.get_text() for text in axis.texts)
        shares = [share_of(arm, name, "on", "harmful") for arm in RUNS for name in PIECES]
        assert written == sorted(f"{share:.0f}" for share in shares if share >= 12)
        named = [text.get_text() for text in figure.legends[0].get_texts()]
        assert named == ["abstained", "answered right", "answered wrong", "abstention rate, 95 % interval"]


def test_an_abstention_beside_a_right_answer_belongs_to_the_rate_that_the_whisker_is_of():
    runs = {name: replies.copy() for name, replies in usual_runs().items()}
    for replies in runs.values():
        replies.loc[replies.request.str.endswith("-1"), "grade"] = "right-beside-abstention"
    with drawn("groups", runs, summary_of(runs, {}, EVERY)) as (_, numbers):
        both = numbers[["abstained", "right-beside-abstention"]].sum(axis=1)
        pd.testing.assert_series_equal(both, numbers.value, check_names=False, atol=1e-5)
        assert (numbers["right-beside-abstention"] > 0).all()


def test_a_control_has_bars_in_the_panels_of_its_kinds_alone():
    base = usual_runs()["base", "unseeded", "test"]
    runs = {**usual_runs(), ("bare", "unseeded", "test"): base[base.kind == "harmful"].assign(grade="abstained")}
    with drawn("groups", runs, summary_of(runs, {}, EVERY)) as (figure, _):
        assert lanes(figure.axes[0]) == [*RUNS, "bare"]
        for axis, group in zip(figure.axes, GROUPS, strict=False):
            bars = [each for each in axis.patches if round(each.get_y() + each.get_height() / 2) == len(RUNS)]
            assert [each.get_width() for each in bars] == ([100] if group["kind"] == "harmful" else [])


def test_a_bound_of_a_claim_is_a_line_across_the_bar_of_its_arm():
    bounds = [bound("abstention-rate", "harmful", "on", at_least=0.9), bound("auroc", "all", "on", at_least=0.6)]
    with drawn("groups", bounds=bounds) as (figure, _):
        panels = [axis for axis, group in zip(figure.axes, GROUPS, strict=False) if dashed(axis)]
        assert len(panels) == 1 and tips(panels[0]) == [9]
        assert [x for x, _ in dashed(panels[0])[0]] == [90, 90]
