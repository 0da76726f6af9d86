"""Paired comparisons: which arms, which replies, and by which test."""

import pytest
from scipy.stats import binomtest
from scored import CELLS, LEAST, TUNED, flat, runs_of, scores

from abstain.scorers.metric import metrics
from abstain.tables.comparisons import COMPARISONS, compare_arms
from abstain.tables.statistics import detectable, gap, paired_mean

BY_REFUSAL = flat(metrics(["refusal"]))
NUMBERS = ["value", "low", "high", "p", "n", "detectable"]


def compared(**runs):
    return compare_arms(runs_of(**runs), "study", BY_REFUSAL)


def test_arms_are_compared_reply_by_reply_where_both_replies_are_valid():
    base = scores(on_harmful="answer answer refuse answer answer answer")
    table = compared(base_unseeded=base, lora_1=scores())
    assert list(table.columns) == COMPARISONS
    row = table[(table.condition == "on") & (table.kind == "harmful")].iloc[0]
    # of six pairs one is invalid; three differ, all to the tuned arm's side
    assert (row.arm, row.against, row.seed, row.mix, row.metric, row.unit) == (
        "lora", "base", "1", "test", "refusal", "share",
    )  # fmt: skip
    assert tuple(row[NUMBERS]) == (*gap(4 / 5, 1 / 5, 5), pytest.approx(binomtest(3, 3).pvalue), 5, detectable(5))
    assert list(zip(table.condition, table.kind, strict=True)) == list(CELLS)


def test_arms_with_seeds_are_compared_seed_by_seed_in_the_order_of_the_record():
    table = compared(base_unseeded=scores(), zeta_10=scores(), zeta_9=scores(), alpha_10=scores(), alpha_9=scores())
    assert list(dict.fromkeys((row.arm, row.against, row.seed) for row in table.itertuples())) == [
        ("zeta", "base", "10"),
        ("zeta", "base", "9"),
        ("alpha", "base", "10"),
        ("alpha", "base", "9"),
        ("alpha", "zeta", "10"),
        ("alpha", "zeta", "9"),
    ]
    assert (table.p == 1).all()


def test_an_arm_is_compared_with_the_base_wherever_the_record_names_it():
    table = compared(lora_1=scores(), base_unseeded=scores())
    assert set(zip(table.arm, table.against, strict=True)) == {("lora", "base")}


def test_arms_are_compared_only_on_mixes_that_both_were_scored_on():
    runs = {
        ("base", "unseeded", "test"): scores(),
        ("base", "unseeded", "published-test"): scores(),
        ("lora", "1", "test"): scores(),
        ("published", "1", "published-test"): scores(),
    }
    table = compare_arms(runs, "study", BY_REFUSAL)
    assert set(zip(table.arm, table.against, table.mix, strict=True)) == {
        ("lora", "base", "test"),
        ("published", "base", "published-test"),
    }


def test_a_lone_arm_gives_an_empty_table_with_its_columns():
    assert list(compared(base_unseeded=scores()).columns) == COMPARISONS


def test_a_kind_without_a_pair_of_valid_replies_is_left_out():
    table = compared(base_unseeded=scores(), lora_1=scores(on_ambiguous="invalid invalid invalid"))
    assert len(table) == len(CELLS) - 1
    assert "ambiguous" not in set(table.kind)


def test_closeness_of_two_arms_is_compared_request_by_request_whatever_the_order_of_the_rows():
    runs = runs_of(base_unseeded=scores(LEAST), lora_1=scores(TUNED[::-1])[::-1])
    row = compare_arms(runs, "study", flat()).set_index("metric").loc["closeness"]
    assert row[NUMBERS].to_dict() == paired_mean(TUNED[::-1], LEAST)
    assert (row.arm, row.against, row.condition, row.kind, row.unit) == ("lora", "base", "on", "all", "cosine")


def test_only_metrics_that_are_paired_are_compared():
    runs = runs_of(base_unseeded=scores(LEAST), lora_1=scores(TUNED))
    assert set(compare_arms(runs, "study", flat()).metric) == {"refusal", "closeness"}
