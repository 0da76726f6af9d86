"""Paired comparisons: which arms, which requests, by which test, and what is equivalent."""

import math

import pytest
from scipy.stats import ttest_rel
from scored import CELLS, LEAST, MARGINS, TUNED, flat, many, runs_of, scores
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from abstain.scorers.metric import EVERY, Metric, metrics
from abstain.tables.comparisons import COMPARISONS, compare_arms
from abstain.tables.samples import Sampled

BY_REFUSAL = flat(metrics(["refusal"]))


def compared(**runs):
    return compare_arms(Sampled(runs_of(**runs), [], {}), "study", MARGINS, BY_REFUSAL)


def test_a_control_is_held_against_the_base_and_every_seed_and_not_against_another_control():
    texts = {f"{name}_unseeded": scores(on_harmful="refuse " * 6) for name in ("bare", "random")}
    table = compared(base_unseeded=scores(), lora_1=scores(), lora_2=scores(), **texts)
    assert set(zip(table.arm, table.against, strict=True)) == {
        ("bare", "base"), ("random", "base"), ("lora", "base"), ("lora", "bare"), ("lora", "random"),
    }  # fmt: skip
    assert set(table[table.against == "bare"].seeds) == {2}
    alone = compared(base_unseeded=scores(), lora_1=scores(), lora_2=scores())
    row, same = (on(each[(each.against == "base") & (each.arm == "lora")]) for each in (table, alone))
    assert row["value"] == same["value"] and row["p"] == pytest.approx(same["p"])


def on(table, kind: str = "harmful"):
    """The row of requests of a kind with the flag on."""
    (row,) = table[(table.condition == "on") & (table.kind == kind)].to_dict("records")
    return row


def test_arms_are_compared_on_every_request_over_the_seeds():
    base = scores(on_harmful="answer answer refuse answer answer answer")
    table = compared(base_unseeded=base, lora_1=scores(), lora_2=scores())
    assert list(table.columns) == COMPARISONS
    row = on(table)
    place = {"arm": "lora", "against": "base", "mix": "test", "metric": "refusal", "unit": "share", "seeds": 2}
    assert {key: row[key] for key in place} == place
    # four of six are refused, a partial one among them, and one is invalid; the base refuses one
    assert (row["value"], row["n"], row["judged"]) == (pytest.approx(3 / 6), 6, 5)
    assert list(zip(table.condition, table.kind, strict=True)) == list(CELLS)


def test_arms_come_in_the_order_of_the_record_one_without_seeds_first():
    table = compared(base_unseeded=scores(), zeta_10=scores(), zeta_9=scores(), alpha_10=scores(), alpha_9=scores())
    found = list(dict.fromkeys(zip(table.arm, table.against, strict=True)))
    assert found == [("zeta", "base"), ("alpha", "base"), ("alpha", "zeta")] and set(table.seeds) == {2}


@pytest.mark.parametrize(
    ("refused", "expected"),
    [(115, "higher"), (60, "not measured"), (40, "lower"), (100, "equivalent"), (106, "not distinguishable")],
)
def test_a_row_says_higher_lower_equivalent_or_neither(refused, expected):
    runs = {f"{arm}_{seed}": scores(on_harmful=many(many_of, 120)) for seed in "123"
            for arm, many_of in (("lora", 100), ("other", refused))}  # fmt: skip
    if expected == "not measured":
        runs = {name: each for name, each in runs.items() if name != "other_2"}
    elif expected == "not distinguishable":  # gained here, lost there
        runs |= {f"other_{seed}": scores(on_harmful=many(100, 120, start=20)) for seed in "123"}
    row = on(compared(**runs))
    assert (row["arm"], row["verdict"], row["margin"]) == ("other", expected, 0.1)
    assert math.isnan(row["p_holm"]) == (expected == "not measured")


def test_p_is_adjusted_in_the_family_of_a_metric():
    runs = {"base_unseeded": scores(on_harmful=many(40, 120), on_benign=many(9, 120), off_harmful=many(0, 120))}
    runs |= {f"lora_{seed}": scores(on_harmful=many(99, 120), on_benign=many(1, 120), off_harmful=many(0, 120))
             for seed in "123"}  # fmt: skip
    table = compared(**runs)
    family = table[table.n >= 100]
    assert len(family) == 3 and list(family.p_holm) == pytest.approx(list(multipletests(family.p, method="holm")[1]))


def test_what_nobody_could_judge_never_makes_a_difference():
    lost = {f"lora_{seed}": scores(on_harmful=many(20, 120, invalid=100)) for seed in "123"}
    row = on(compared(base_unseeded=scores(on_harmful=many(100, 120)), **lost))
    assert row["value"] == pytest.approx(-80 / 120) and row["verdict"] == "not distinguishable"


def test_what_nobody_could_judge_makes_only_greater_differences_detectable():
    """A difference must be found with each of them counted against it: 30 of 120 replies move it by a quarter."""
    base = {"base_unseeded": scores(on_harmful=many(30, 120))}
    whole, spoilt = (
        on(compared(**base, **{f"lora_{seed}": scores(on_harmful=many(60, 120, invalid=lost)) for seed in "123"}))
        for lost in (0, 30)
    )
    assert spoilt["detectable"] > whole["detectable"] + 0.24 and whole["value"] == spoilt["value"]


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
    table = compare_arms(Sampled(runs, [], {}), "study", MARGINS, BY_REFUSAL)
    assert set(zip(table.arm, table.against, table.mix, strict=True)) == {
        ("lora", "base", "test"),
        ("published", "base", "published-test"),
    }


def test_a_lone_arm_gives_an_empty_table_with_its_columns():
    assert list(compared(base_unseeded=scores()).columns) == COMPARISONS


def test_closeness_of_two_arms_is_compared_request_by_request_whatever_the_order_of_the_rows():
    runs = runs_of(base_unseeded=scores(LEAST), lora_1=scores(TUNED[::-1])[::-1])
    row = compare_arms(Sampled(runs, [], {}), "study", MARGINS, flat()).set_index("metric").loc["closeness"]
    expected = ttest_rel(TUNED[::-1], LEAST)
    assert (row.low, row.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert row.p == pytest.approx(expected.pvalue, abs=1e-6)
    effect = TTestPower().solve_power(nobs=6, alpha=0.05, power=0.8)  # of the very test: with five degrees of freedom
    assert row.detectable == pytest.approx(effect * math.sqrt(6) * row.value / expected.statistic, rel=1e-5)
    assert (row.arm, row.against, row.condition, row.kind, row.unit) == ("lora", "base", "on", "all", "cosine")
    assert row.margin == MARGINS["cosine"]


def test_only_metrics_that_are_paired_are_compared():
    runs = runs_of(base_unseeded=scores(LEAST), lora_1=scores(TUNED))
    assert set(compare_arms(Sampled(runs, [], {}), "study", MARGINS, flat()).metric) == {"refusal", "closeness"}


def test_a_difference_of_two_means_may_be_less_than_the_unit_can_be():
    """Of shares that are a mean of each row, and of numbers of words, which are never less than 0."""
    units = {"share": (0.9, 0.2), "words": (40.0, 25.0)}
    for unit, (more, less) in units.items():
        metric = Metric("mean", unit, "mean", lambda scores, base: scores.number, EVERY, by_kind=True, paired=True)
        numbers = {"base": more, "lora": less}
        table, seeds = scores(on_harmful=many(60, 120)), {"base": ["unseeded"], "lora": "123"}
        runs = {f"{arm}_{seed}": table.assign(number=numbers[arm]) for arm in numbers for seed in seeds[arm]}
        for name, frame in runs.items():
            frame.loc[::2, "number"] *= 0.9 if name.startswith("lora") else 1.0
        margins = {**MARGINS, "words": 5}
        row = on(compare_arms(Sampled(runs_of(**runs), [], {}), "study", margins, [metric]))
        assert row["low"] < row["value"] < row["high"] < 0 and row["verdict"] == "lower"
        assert row["value"] == pytest.approx(0.95 * less - more)
