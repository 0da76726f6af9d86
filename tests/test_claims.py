"""Claims: what the numbers say of each, and what is not decided."""

import math

import pytest
from scored import LEAST, SURE, TUNED, claim, flat, numbers, scores, summary

from abstain.jobs.files import read_csv
from abstain.tables.claims import CLAIMS, judge_claims
from abstain.tables.statistics import gap, mean_cosine, mean_gap, rate

REFUSE, ANSWER = SURE, SURE.replace("refuse", "answer")


def without(record: dict) -> dict:
    """A record without the keys that are `...`."""
    return {key: value for key, value in record.items() if value is not ...}


def judged(table, *claims: dict):
    return judge_claims(table, list(claims), "study", flat())


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"at_least": 0.9}, "holds"),
        ({"at_least": 0.95}, "not distinguishable"),
        ({"at_most": 0.9}, "does not"),
        ({"at_most": 1.0}, "holds"),
    ],
)
def test_a_claim_is_judged_by_the_arms_interval_over_its_seeds(bound, expected):
    found = judged(summary(lora_1=scores(on_harmful=SURE)), claim(**bound))
    assert list(found.columns) == CLAIMS
    row = found.iloc[0].to_dict()
    assert [row.pop(name) for name in ("value", "low", "high")] == pytest.approx(rate(60, 60))  # low = 0.94
    assert row == {
        "study": "study",
        "sentence": "So it is.",
        "metric": "correct-refusal",
        "kind": "all",
        "mix": "test",
        "condition": "on",
        "arms": "lora",
        "unit": "share",
        "n": 60,
        "verdict": expected,
    }


def test_a_claim_of_direction_subtracts_the_second_arm():
    table = summary(lora_1=scores(on_harmful=REFUSE), base_unseeded=scores(on_harmful=ANSWER))
    arms = (["lora", "base"], ["base", "lora"], ["lora", "lora"])
    found = judged(table, *(claim(arms=pair, direction="higher") for pair in arms))
    assert list(found.verdict) == ["holds", "does not", "not distinguishable"]
    assert list(found.arms) == ["lora - base", "base - lora", "lora - lora"]
    assert list(found.value) == [1.0, -1.0, 0.0]


def test_a_claim_on_a_kind_is_judged_by_the_requests_of_that_kind():
    found = judged(summary(lora_1=scores()), claim(metric="refusal", kind="benign", at_least=0.99)).iloc[0]
    assert (found.value, found.n, found.kind) == (0.4, 5, "benign")


def test_a_claim_on_a_gap_is_judged_by_the_gap():
    on_gap = claim(metric="control-gap", kind="harmful", condition="switch", at_least=0.99)
    found = judged(summary(lora_1=scores()), on_gap)
    expected = gap(4 / 5, 1 / 6, 5, [4 / 5 - 1 / 6])
    assert tuple(found[["value", "low", "high"]].iloc[0]) == tuple(map(pytest.approx, expected))


def test_a_claim_that_one_arms_gap_is_wider_is_judged_by_the_intervals_of_both_gaps():
    table = summary(lora_1=scores(off_harmful=SURE[:41]), base_unseeded=scores())  # a gap below 0 is no rate
    place = {"seed": "all", "condition": "switch", "kind": "harmful", "metric": "control-gap"}
    narrow, wide = (numbers(table, arm=arm, **place) for arm in ("lora", "base"))
    on_gap = claim(metric="control-gap", kind="harmful", condition="switch", arms=["lora", "base"], direction="lower")
    found = judged(table, on_gap).iloc[0]
    expected = mean_gap(narrow[:3], wide[:3], [narrow[0] - wide[0]])
    assert tuple(found[["value", "low", "high"]]) == tuple(map(pytest.approx, expected))
    assert narrow[0] < 0 and found.verdict == "holds"


@pytest.mark.parametrize(
    "wrong",
    [
        {"arms": ["mixed"]},
        {"arms": ["lora", "mixed"], "direction": "lower", "at_least": ...},
        {"arms": ["mixed", "lora"], "direction": "lower", "at_least": ...},
        {"kind": "look-alike", "metric": "refusal"},
        {"mix": "other"},
        {"condition": "off"},
    ],
    ids=["an arm", "the second arm", "the first arm", "a kind", "a mix", "a condition"],
)
def test_a_claim_on_what_is_not_run_is_not_measured_and_has_no_numbers(wrong, tmp_path):
    table = summary(lora_1=scores(on_harmful=SURE))
    found = judged(table, claim(**without({"at_least": 0.9} | wrong)), claim(at_least=0.9))
    assert list(found.verdict) == ["not measured", "holds"] and str(found.n.dtype) == "Int64"
    found.to_csv(tmp_path / "claims.csv", index=False)
    rows = read_csv(tmp_path / "claims.csv")
    numbers_of = [[row[name] for name in ("unit", "value", "low", "high", "n")] for row in rows]
    assert numbers_of[0] == [""] * 5 and "" not in numbers_of[1] and numbers_of[1][-1] == "60"
    assert rows[0]["arms"] == " - ".join(wrong.get("arms", ["lora"]))


def test_a_claim_of_direction_is_not_decided_where_seeds_contradict_each_other():
    runs = {f"lora_{n}": scores(on_harmful=said) for n, said in enumerate([REFUSE, REFUSE, ANSWER], start=1)}
    runs |= {f"qlora_{n}": scores(on_harmful=said) for n, said in enumerate([ANSWER, ANSWER, REFUSE], start=1)}
    found = judged(summary(**runs), claim(arms=["lora", "qlora"], direction="higher"))
    assert list(found.verdict) == ["not distinguishable"]


@pytest.mark.parametrize("arms", [["lora", "base"], ["base", "lora"]])
def test_a_claim_of_direction_holds_each_seed_against_an_arm_without_seeds(arms):
    runs = {f"lora_{n}": scores(on_harmful=said) for n, said in enumerate([REFUSE, REFUSE, ANSWER], start=1)}
    table = summary(base_unseeded=scores(on_harmful=ANSWER), **runs)
    found = judged(table, claim(arms=arms, direction="higher")).iloc[0]
    sign = 1 if arms[0] == "lora" else -1
    expected = gap(*[2 / 3, 0.0][::sign], 60, [sign * 1.0, sign * 1.0, 0.0])
    assert tuple(found[["value", "low", "high"]]) == pytest.approx(expected)
    assert found.verdict == "not distinguishable"


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_a_claim_of_direction_without_a_valid_reply_is_not_decided(direction):
    table = summary(lora_1=scores(on_harmful=" ".join(["invalid"] * 6)), base_unseeded=scores())
    found = judged(table, claim(arms=["lora", "base"], direction=direction)).iloc[0]
    assert (found.n, found.verdict) == (0, "not distinguishable")
    assert math.isnan(found.value)


def test_no_claims_give_an_empty_table_with_its_columns():
    assert list(judged(summary(lora_1=scores())).columns) == CLAIMS


@pytest.mark.parametrize(("arms", "expected"), [(["lora", "base"], "holds"), (["base", "lora"], "does not")])
def test_a_claim_of_direction_on_closeness_is_judged_by_the_means(arms, expected):
    table = summary(base_unseeded=scores(LEAST), lora_1=scores(TUNED), lora_2=scores(TUNED[::-1]))
    found = judged(table, claim(metric="closeness", arms=arms, direction="higher")).iloc[0]
    means = {"base": mean_cosine([LEAST]), "lora": mean_cosine([TUNED, TUNED[::-1]])}
    each = table[(table.metric == "closeness") & (table.seed != "all")].set_index("seed").value
    gaps = [(1 if arms[0] == "lora" else -1) * (each[seed] - each["unseeded"]) for seed in "12"]
    assert tuple(found[["value", "low", "high"]]) == mean_gap(means[arms[0]], means[arms[1]], gaps)
    assert (found.n, found.verdict, found.unit) == (6, expected, "cosine")


@pytest.mark.parametrize(
    ("tuned", "expected"),
    [(TUNED, "does not"), ([0.41, 0.5, 0.6, 0.7, 0.8, 0.9], "not distinguishable")],
)
def test_one_counterexample_refutes_that_every_reply_is_closer_and_no_sample_proves_it(tuned, expected):
    table = summary(base_unseeded=scores(LEAST), lora_1=scores(tuned))
    found = judged(table, claim(metric="closeness-above-base", at_least=1.0))
    assert list(found.verdict) == [expected]
