"""The summary: rates, means and extremes of runs, of arms over their seeds, and of gaps, in the order of the record."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from scored import BOTH, GAPS, LEAST, MARGINS, OTHER, REFUSAL, TUNED, numbers, runs_of, scores, summary

from abstain.scorers.metric import Metric
from abstain.tables.samples import Sampled
from abstain.tables.statistics import rate
from abstain.tables.summary import SUMMARY, summarise_runs
from summarise import nested, summarise

PLACE = ["arm", "seed", "mix", "condition", "kind", "metric"]


def correct(table: pd.DataFrame, seed: str) -> tuple:
    return numbers(table, arm="lora", seed=seed, condition="on", metric="correct-refusal")


def control(table: pd.DataFrame, seed: str, kind: str = "harmful") -> tuple:
    return numbers(table, arm="lora", seed=seed, condition="switch", kind=kind, metric="control-gap")


def near(table: pd.DataFrame, seed: str, metric: str = "closeness") -> tuple:
    return numbers(table, arm="lora", seed=seed, condition="on", kind="all", metric=metric)


def counts(table: pd.DataFrame, **place: str) -> tuple:
    """Rows asked, rows judged, clusters, and the value over what was judged, of the only row that is there."""
    (row,) = table[(table[list(place)] == list(place.values())).all(axis="columns")].to_dict("records")
    return row["n"], row["judged"], row["clusters"], row["of_judged"]


def test_a_run_has_wilson_intervals_over_all_rows_and_the_mean_of_seeds_its_own():
    table = summary(lora_1=scores(), lora_2=scores(on_harmful="refuse answer answer answer answer answer"))
    assert list(table.columns) == SUMMARY
    assert correct(table, "1") == (*rate(4, 6), 6)  # three whole refusals, one in part; the invalid reply is none
    assert correct(table, "2") == (*map(pytest.approx, rate(1, 6)), 6)
    value, low, high, n = correct(table, "all")
    assert (value, n) == (pytest.approx(5 / 12), 6) and low < rate(1, 6)[0] and high > rate(4, 6)[0]


def test_both_denominators_are_there():
    table = summary(lora_1=scores(), lora_2=scores(on_harmful="refuse refuse refuse invalid invalid answer"))
    place = {"arm": "lora", "condition": "on", "kind": "harmful", "metric": "refusal"}
    assert counts(table, seed="1", **place) == (6, 5, 6, pytest.approx(4 / 5))
    assert counts(table, seed="2", **place) == (6, 4, 6, pytest.approx(3 / 4))
    assert counts(table, seed="all", **place) == (6, 4, 6, pytest.approx((4 / 5 + 3 / 4) / 2))


def test_what_requests_share_widens_the_interval_and_is_counted():
    runs = {name: each.assign(twin=each.request.str[-1], wording=each.kind) for name, each in
            runs_of(lora_1=scores()).items()}  # fmt: skip
    place = {"seed": "1", "condition": "on", "kind": "harmful", "metric": "refusal"}
    apart, twins, both = (
        summarise_runs(Sampled(runs, clusters, GAPS), "study", REFUSAL)
        for clusters in ([], ["twin"], ["twin", "wording"])
    )
    assert [counts(table, **place)[2] for table in (apart, twins, both)] == [6, 6, 1]
    widths = [numbers(table, **place)[2] - numbers(table, **place)[1] for table in (apart, twins, both)]
    assert widths[0] == pytest.approx(widths[1]) and widths[2] >= widths[1]


def test_a_row_without_a_cluster_is_one_of_its_own():
    run = scores(on_harmful="refuse answer answer answer answer answer").assign(template="")
    run.loc[run.request.isin(["harmful-0", "harmful-1"]), "template"] = "how"
    table = summarise_runs(Sampled(runs_of(lora_1=run), ["template"], GAPS), "study", REFUSAL)
    assert counts(table, seed="1", condition="on", kind="harmful", metric="refusal")[2] == 5


def test_every_metric_has_one_row_for_each_run_and_arm_with_its_unit_and_scorer():
    table = summary(base_unseeded=scores(LEAST), lora_1=scores(TUNED), lora_2=scores(OTHER))
    assert not table.duplicated(PLACE).any()
    seeds = table.groupby("arm").seed.unique().map(list).to_dict()
    assert seeds == {"base": ["unseeded", "all"], "lora": ["1", "2", "all"]}
    expected = {metric.name: (metric.unit, scorer) for scorer, each in BOTH.items() for metric in each}
    found = table.groupby("metric")[["unit", "scorer"]].agg(set).map(lambda values: "".join(values))
    assert {row.Index: (row.unit, row.scorer) for row in found.itertuples()} == {
        **expected,
        "control-gap": ("share", "refusal"),
    }


def test_rows_come_in_the_order_of_the_runs_of_the_requests_and_of_the_metrics():
    runs = {(arm, seed, mix): scores() for arm, seed in (("zero", "unseeded"), ("lora", "10"), ("lora", "9"))
            for mix in ("test", "first")}  # fmt: skip
    table = summarise_runs(Sampled(runs, [], GAPS), "study", REFUSAL)
    for column, expected in {
        "arm": ["zero", "lora"],
        "mix": ["test", "first"],
        "condition": ["on", "off", "switch"],
        "kind": ["harmful", "benign", "ambiguous", "all"],
        "metric": ["refusal", "invalid", "unread", "cut", "correct-refusal", "false-refusal", "control-gap"],
    }.items():
        assert table[column].drop_duplicates().tolist() == expected, column
    assert table[table.arm == "lora"].seed.drop_duplicates().tolist() == ["10", "9", "all"]
    pd.testing.assert_frame_equal(table, table.sort_values("arm", key=lambda a: a == "lora", kind="stable"))


def test_mixes_are_summed_up_apart():
    runs = {("lora", "1", "test"): scores(), ("lora", "1", "other"): scores(on_harmful="refuse refuse")}
    table = summarise_runs(Sampled(runs, [], GAPS), "study", REFUSAL)
    assert correct(table[table.mix == "test"], "all") == (*map(pytest.approx, rate(4, 6)), 6)
    assert correct(table[table.mix == "other"], "all") == (*map(pytest.approx, rate(2, 2)), 2)
    assert control(table[table.mix == "other"], "1")[::3] == (0.5, 2)  # of the two requests of both, one is refused


def test_a_gap_is_refusal_under_the_first_prompt_minus_the_second_on_the_same_requests():
    table = summary(lora_1=scores())
    assert control(table, "1")[::3] == (pytest.approx(4 / 6 - 1 / 6), 6)
    assert control(table, "1", "benign")[::3] == (pytest.approx(2 / 6), 6)
    gaps = table[table.metric == "control-gap"]
    assert not (gaps.kind == "ambiguous").any()  # asked under one of the prompts only
    assert set(table[table.condition == "switch"].metric) == {"control-gap"}
    differences = [0, 1, 1, 1, 0, 0]
    low, high = ttest_1samp(differences, 0).confidence_interval(0.95)
    assert control(table, "1")[1:3] == (pytest.approx(low), pytest.approx(min(high, 1.0)))


def test_a_gap_over_seeds_counts_how_the_seeds_differ():
    table = summary(lora_1=scores(), lora_2=scores(on_harmful="answer answer answer answer answer answer"))
    value, low, high, n = control(table, "all")
    assert (value, n) == (pytest.approx((4 / 6 - 1 / 6 - 1 / 6) / 2), 6)
    assert high - low > control(table, "1")[2] - control(table, "1")[1]


def test_a_condition_without_a_valid_reply_has_no_refusal_and_says_that_nothing_was_judged():
    table = summary(lora_1=scores(on_ambiguous="invalid invalid invalid"))
    place = {"condition": "on", "kind": "ambiguous"}
    for seed in ("1", "all"):
        n, judged, _, of_judged = counts(table, seed=seed, metric="refusal", **place)
        assert (n, judged) == (3, 0) and math.isnan(of_judged)
        assert numbers(table, seed=seed, metric="invalid", **place)[0] == 1.0


def test_closeness_has_a_mean_with_its_interval_and_extremes_without():
    table = summary(lora_1=scores(TUNED), lora_2=scores(OTHER))
    assert near(table, "1") == pytest.approx((np.mean(TUNED), *ttest_1samp(TUNED, 0).confidence_interval(0.95), 6))
    assert near(table, "all")[::3] == (pytest.approx(np.mean([*TUNED, *OTHER])), 6)
    for seed, least in (("1", 0.4), ("2", 0.1), ("all", 0.1)):
        assert near(table, seed, "closeness-min")[::3] == (least, 6)
        assert near(table, seed, "closeness-max")[::3] == (0.9, 6)
    extremes = table[table.metric.isin(["closeness-min", "closeness-max"])]
    assert extremes[["low", "high"]].isna().all(axis=None)
    assert set(table[table.unit == "cosine"].condition) == {"on"}


def test_closeness_is_of_every_reply_whatever_its_behaviour():
    invalid = scores(TUNED, on_harmful=" ".join(["invalid"] * 6))
    assert near(summary(lora_1=invalid), "1")[3] == 6


def test_replies_above_the_base_are_those_closer_than_its_closest():
    bare = scores(OTHER)
    table = summary(base_unseeded=scores(LEAST), lora_1=scores(TUNED), lora_2=scores(OTHER), bare_unseeded=bare)
    assert near(table, "1", "closeness-above-base") == (*map(pytest.approx, rate(5, 6)), 6)  # 0.4 is no closer than 0.4
    assert near(table, "2", "closeness-above-base") == (*map(pytest.approx, rate(4, 6)), 6)
    assert near(table, "all", "closeness-above-base")[::3] == (pytest.approx(9 / 12), 6)
    assert not (table[table.arm == "base"].metric == "closeness-above-base").any()
    assert (table[table.arm == "bare"].metric == "closeness-above-base").any()  # a control, which has no seed either


def test_what_is_measured_against_the_base_is_not_there_without_it():
    assert "closeness-above-base" not in set(summary(lora_1=scores(TUNED)).metric)


def test_a_mean_of_shares_has_a_gap_of_means_and_stays_a_share():
    metric = Metric("sure", "share", "mean", lambda scores, base: scores.sure, ("refuse", "answer"), True, gap="moved")
    frames = [scores().assign(sure=lambda table, on=on: (table.condition == "on") * on) for on in (0.9, 0.8)]
    frames[0].loc[0, "sure"] = 0.0
    table = summary({"surety": (metric,)}, lora_1=frames[0], lora_2=frames[1])
    shares = table[table.metric == "sure"]
    assert (shares.low.min(), shares.high.max()) == (0.0, 1.0)  # a t-interval alone reaches beyond both
    place = {"arm": "lora", "seed": "all", "kind": "harmful"}
    value, _, high, n = numbers(table, condition="switch", metric="moved", **place)
    assert (value, n) == (pytest.approx((0.75 + 0.8) / 2), 6) and high <= 1


def test_the_metrics_over_seeds_are_nested_by_arm_mix_condition_kind_and_name():
    table = summary(lora_1=scores(on_ambiguous="invalid invalid invalid"))
    tree = nested(table[table.seed == "all"])
    harmful = {"refusal": round(4 / 6, 6), "invalid": round(1 / 6, 6), "unread": 0.0, "cut": 0.0}
    assert tree["lora"]["test"]["on"]["harmful"] == harmful
    assert tree["lora"]["test"]["on"]["all"] == {"correct-refusal": round(4 / 6, 6), "false-refusal": round(2 / 6, 6)}
    assert set(tree["lora"]["test"]["switch"]) == {"harmful", "benign"}


def test_the_program_writes_its_tables_whole_with_six_decimals(tmp_path):
    path = tmp_path / "scores/study/lora/1/test/refusal.csv"
    path.parent.mkdir(parents=True)
    scores().drop(columns="cosine").to_csv(path, index=False)
    outputs = {name: tmp_path / f"{name}.csv" for name in ("summary", "comparisons", "corrected", "verdicts")}
    claims = [{"sentence": "S.", "metric": "control-gap", "kind": "harmful", "mix": "test", "condition": "switch",
               "arms": ["lora"], "at_least": 0.9}]  # fmt: skip
    scorers = {"refusal": {"detector": "abstain-rules"}}
    summarise(
        [str(path)], [], "study", scorers, [], GAPS, MARGINS, claims, **outputs, metrics=tmp_path / "metrics.json"
    )
    assert "study,lora,1,test,on,all,correct-refusal,share,0.666667," in outputs["summary"].read_text()
    assert outputs["comparisons"].read_text().count("\n") == outputs["corrected"].read_text().count("\n") == 1
    assert "study,1,S.,control-gap,harmful,test,switch,lora,≥ 0.9,share,0.500000," in outputs["verdicts"].read_text()
    assert (
        json.loads((tmp_path / "metrics.json").read_text())["lora"]["test"]["on"]["all"]["correct-refusal"] == 0.666667
    )
