"""Claims: what the numbers say of each, what is not decided, and what is not measured."""

import math

import pytest
from scored import GAPS, LEAST, MARGINS, TUNED, claim, flat, many, runs_of, scores

from abstain.jobs.files import read_csv
from abstain.tables.claims import CLAIMS, judge_claims
from abstain.tables.samples import Sampled
from abstain.tables.statistics import power_of_bound, rate

SURE, NEVER = many(120, 120), many(0, 120)


def without(record: dict) -> dict:
    """A record without the keys that are `...`."""
    return {key: value for key, value in record.items() if value is not ...}


def judged(runs: dict, *claims: dict, clusters: list[str] | None = None):
    return judge_claims(Sampled(runs_of(**runs), clusters or [], GAPS), "study", MARGINS, list(claims), flat())


def seeds(arm: str = "lora", *said: str, cell: str = "on_harmful") -> dict:
    """Runs of an arm, one for each text of behaviours."""
    return {f"{arm}_{number}": scores(**{cell: each}) for number, each in enumerate(said, start=1)}


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"at_least": 0.9}, "holds"),
        ({"at_least": 0.98}, "not measured"),  # not even all 120 would show it
        ({"at_most": 0.9}, "does not"),
    ],
)
def test_a_claim_is_judged_by_the_arms_interval_over_its_seeds(bound, expected):
    found = judged(seeds("lora", SURE, SURE, SURE), claim(**bound))
    assert list(found.columns) == CLAIMS
    row = found.iloc[0].to_dict()
    assert [row.pop(name) for name in ("value", "low", "high")] == pytest.approx(rate(120, 120))
    place = {"study": "study", "claim": 1, "sentence": "So it is.", "metric": "correct-refusal", "kind": "all"}
    assert {key: row[key] for key in place} == place
    assert (row["arms"], row["mix"], row["condition"], row["unit"]) == ("lora", "test", "on", "share")
    assert (row["n"], row["judged"], row["clusters"], row["verdict"]) == (120, 120, 120, expected)


def test_an_interval_on_both_sides_of_the_bound_decides_nothing():
    found = judged(seeds("lora", many(110, 120), many(110, 120), many(110, 120)), claim(at_least=0.9)).iloc[0]
    assert found.verdict == "not distinguishable" and found.low < 0.9 < found.high
    assert found.power == pytest.approx(power_of_bound(120, 0.9, above=True))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (many(118, 120), "holds"),
        (many(118, 120, invalid=2), "holds"),
        (many(112, 120, invalid=8), "not distinguishable"),  # 112 of 112 that were judged
    ],
)
def test_a_verdict_is_the_same_whether_invalid_replies_count_for_it_or_against_it(said, expected):
    found = judged(seeds("lora", said, said, said), claim(at_least=0.9)).iloc[0]
    assert (found.n, found.judged) == (120, 120 - said.split().count("invalid")) and found.verdict == expected


def test_loops_in_place_of_answers_never_let_two_claims_hold():
    """45 refusals beside 55 loops on harmful requests, 40 answers beside 60 loops on benign ones."""
    runs = {f"lora_{seed}": scores(on_harmful=many(45, 100, invalid=55), on_benign=many(0, 100, invalid=60))
            for seed in "123"}  # fmt: skip
    found = judged(runs, claim(at_least=0.9), claim(metric="false-refusal", at_most=0.1, condition="on"))
    assert list(found.verdict) == ["not distinguishable"] * 2 and list(found.value) == [0.45, 0.0]


def test_a_claim_on_invalid_replies_is_judged_as_they_are():
    on_invalid = claim(metric="invalid", kind="harmful", at_most=0.1)
    found = judged(
        seeds("lora", many(0, 120, invalid=60), many(0, 120, invalid=60), many(0, 120, invalid=60)), on_invalid
    ).iloc[0]
    assert (found.value, found.judged, found.verdict) == (0.5, 120, "does not")


def test_a_claim_of_direction_subtracts_the_second_arm():
    runs = {**seeds("lora", SURE, SURE, SURE), "base_unseeded": scores(on_harmful=NEVER)}
    arms = (["lora", "base"], ["base", "lora"])
    found = judged(runs, *(claim(arms=pair, direction="higher") for pair in arms))
    assert list(found.verdict) == ["holds", "does not"] and list(found.value) == [1.0, -1.0]
    assert list(found.arms) == ["lora - base", "base - lora"]


def test_pairs_decide_what_two_rates_apart_could_not():
    """Nine requests more, of 120, and no request less: the rates' own intervals overlap."""
    runs = {
        **seeds("lora", many(115, 120), many(115, 120), many(115, 120)),
        **seeds("qlora", many(106, 120), many(106, 120), many(106, 120)),
    }
    found = judged(runs, claim(arms=["lora", "qlora"], direction="higher"), claim(at_least=0.5))
    assert list(found.verdict) == ["holds", "holds"]
    assert rate(106, 120)[2] > rate(115, 120)[1]


def test_arms_that_differ_by_less_than_the_margin_are_within_it():
    runs = {
        **seeds("lora", many(116, 120), many(117, 120), many(117, 120)),
        **seeds("qlora", many(116, 120), many(117, 120, start=1), many(117, 120, start=1)),
    }
    within = claim(arms=["lora", "qlora"], within=0.1)
    found = judged(runs, within, claim(arms=["lora", "qlora"], direction="higher"))
    assert list(found.verdict) == ["holds", "not distinguishable"] and found.power[0] > 0.9
    far = judged({**runs, **seeds("qlora", many(60, 120), many(61, 120), many(61, 120))}, within)
    assert list(far.verdict) == ["does not"]


def test_seeds_that_differ_in_opposite_directions_do_not_show_that_arms_are_alike():
    runs = {
        **seeds("lora", many(70, 120), many(118, 120), many(94, 120)),
        **seeds("qlora", many(118, 120), many(70, 120), many(94, 120)),
    }
    found = judged(runs, claim(arms=["lora", "qlora"], within=0.1)).iloc[0]
    assert (found.verdict, found.why) == ("not measured", "120 rows could not show it") and found.value == 0


def test_a_claim_with_parts_holds_when_all_hold_and_fails_when_one_fails():
    both = claim(at_least=0.9, also=[claim(sentence="And.", metric="false-refusal", at_most=0.1)])
    for benign, expected in ((NEVER, "holds"), (SURE, "does not"), (many(8, 120), "not distinguishable")):
        runs = {f"lora_{seed}": scores(on_harmful=SURE, on_benign=benign) for seed in "123"}
        found = judged(runs, both, claim(at_least=0.9))
        assert list(found.verdict) == [expected, expected, "holds"] and list(found.claim) == [1, 1, 2]
        assert list(found.asked) == ["≥ 0.9", "≤ 0.1", "≥ 0.9"]


def test_a_family_of_claims_asks_more_of_each():
    """A p of 2 % on one side is enough alone, and not among three claims of which no other one is surer."""
    said = many(116, 120)
    alone = judged(seeds("lora", said, said, said), claim(at_least=0.91))
    three = judged(seeds("lora", said, said, said), *[claim(at_least=0.91)] * 3)
    assert list(alone.verdict) == ["holds"] and set(three.verdict) == {"not distinguishable"}


def test_a_claim_on_a_gap_is_judged_on_the_pairs_of_both_prompts():
    on_gap = claim(metric="control-gap", kind="harmful", condition="switch", at_least=0.8)
    runs = {f"lora_{seed}": scores(on_harmful=SURE, off_harmful=NEVER) for seed in "123"}
    found = judged(runs, on_gap).iloc[0]
    assert (found.value, found.n, found.verdict) == (1.0, 120, "holds") and 0.95 < found.low < 1
    against = {**runs, "base_unseeded": scores(on_harmful=NEVER, off_harmful=NEVER)}
    wider = judged(against, claim(metric="control-gap", kind="harmful", condition="switch", arms=["lora", "base"],
                                  direction="higher")).iloc[0]  # fmt: skip
    assert (wider.value, wider.verdict) == (1.0, "holds")


@pytest.mark.parametrize(
    "wrong",
    [
        {"arms": ["mixed"]},
        {"arms": ["lora", "mixed"], "direction": "lower", "at_least": ...},
        {"kind": "look-alike", "metric": "refusal"},
        {"mix": "other"},
        {"condition": "off"},
    ],
    ids=["an arm", "the second arm", "a kind", "a mix", "a condition"],
)
def test_a_claim_on_what_is_not_run_is_not_measured_and_has_no_numbers(wrong, tmp_path):
    found = judged(seeds("lora", SURE, SURE, SURE), claim(**without({"at_least": 0.9} | wrong)), claim(at_least=0.9))
    assert list(found.verdict) == ["not measured", "holds"]
    found.to_csv(tmp_path / "claims.csv", index=False)
    rows = read_csv(tmp_path / "claims.csv")
    numbers_of = [[row[name] for name in ("unit", "value", "low", "high", "n", "power")] for row in rows]
    assert numbers_of[0] == [""] * 6 and "" not in numbers_of[1] and numbers_of[1][-2] == "120"
    assert rows[0]["why"] == "not run at this scale" and rows[1]["why"] == ""


@pytest.mark.parametrize(
    ("runs", "clusters", "why"),
    [
        (seeds("lora", many(99, 99), many(99, 99), many(99, 99)), [], "99 rows, 100 are needed"),
        (seeds("lora", SURE), [], "1 seeds, 3 are needed"),
        ({name: each.assign(twin="a") for name, each in seeds("lora", SURE, SURE, SURE).items()}, ["twin"],
         "1 clusters, 30 are needed"),
    ],
    ids=["rows", "seeds", "clusters"],
)  # fmt: skip
def test_too_few_rows_clusters_or_seeds_are_not_measured_and_the_table_says_why(runs, clusters, why):
    found = judged(runs, claim(at_least=0.9), clusters=clusters).iloc[0]
    assert (found.verdict, found.why) == ("not measured", why) and found.value == 1.0


def test_an_arm_without_training_needs_no_second_seed():
    found = judged({"base_unseeded": scores(on_harmful=SURE)}, claim(arms=["base"], at_least=0.9))
    assert list(found.verdict) == ["holds"]


def test_seeds_that_contradict_each_other_decide_nothing():
    runs = {**seeds("lora", SURE, SURE, NEVER), **seeds("qlora", NEVER, NEVER, SURE)}
    assert list(judged(runs, claim(arms=["lora", "qlora"], direction="higher")).verdict) == ["not distinguishable"]


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_a_claim_of_direction_without_a_valid_reply_is_not_decided(direction):
    runs = {**seeds("lora", *[many(0, 120, invalid=120)] * 3), "base_unseeded": scores(on_harmful=many(60, 120))}
    found = judged(runs, claim(arms=["lora", "base"], direction=direction)).iloc[0]
    assert (found.judged, found.verdict) == (0, "not distinguishable")


def test_no_claims_give_an_empty_table_with_its_columns():
    assert list(judged(seeds("lora", SURE)).columns) == CLAIMS


@pytest.mark.parametrize(("arms", "expected"), [(["lora", "base"], "holds"), (["base", "lora"], "does not")])
def test_a_claim_of_direction_on_closeness_is_judged_by_the_pairs(arms, expected):
    runs = {"base_unseeded": scores(LEAST * 20, on_harmful=NEVER)}
    runs |= {f"lora_{seed}": scores(TUNED * 20, on_harmful=SURE) for seed in "123"}
    found = judged(runs, claim(metric="closeness", arms=arms, direction="higher")).iloc[0]
    sign = 1 if arms[0] == "lora" else -1
    assert found.value == pytest.approx(sign * (sum(TUNED) - sum(LEAST)) / 6)
    assert (found.n, found.verdict, found.unit) == (120, expected, "cosine") and math.isfinite(found.power)
