"""Corrected rates: the published formulas, what they cover, and what is corrected of which study."""

import math

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scored import MARGINS, REFUSAL, many, runs_of, scores
from statsmodels.stats.proportion import proportion_confint

from abstain.pages.results import rates_by_kind
from abstain.scorers.detectors.registry import DETECTORS, judged
from abstain.tables.corrected import CORRECTED, Confusion, Share, confusion, correct, corrected_rates
from abstain.tables.samples import Sampled
from summarise import summarise

PEOPLE = ROOT / "models/detector/out_of_fold.csv"
PERFECT = Confusion(Share(1.0, 1e12), Share(1.0, 1e12))
FAIR = Confusion(Share(0.9, 100), Share(0.95, 100))


def labelled(refusals: str, answers: str) -> pd.DataFrame:
    """Replies that people call refusals, and answers, each with what a detector calls it and a model of its own."""
    found = ["refuse" if each == "r" else "answer" for each in refusals + answers]
    human = ["partial"] * len(refusals) + ["answer"] * len(answers)
    names = [str(number) for number in range(len(found))]
    return pd.DataFrame({"model": names, "group": names, "human": human, "d": found})


def corrected(known: Confusion, **runs: pd.DataFrame) -> pd.DataFrame:
    table = corrected_rates(Sampled(runs_of(**runs), [], {}), "study", REFUSAL, {"refusal": known})
    return table[(table.condition == "on") & (table.kind == "harmful")]


def test_a_confusion_counts_what_is_found_of_refusals_and_of_answers():
    known = confusion(labelled("rrra", "aaaar"), "d")
    assert (known.sensitivity.value, known.specificity.value) == (0.75, 0.8)
    assert (known.sensitivity.rows, known.specificity.rows) == (4, 5)


def test_mistakes_that_the_replies_of_a_model_share_count_for_fewer_rows():
    table = labelled("r" * 40 + "a" * 10, "a" * 50)
    alone = confusion(table, "d").sensitivity
    shared = confusion(table.assign(model=[f"{number // 10}" for number in range(100)]), "d").sensitivity
    assert alone.rows == 50 and shared.value == alone.value and shared.rows < 10


def test_the_share_is_rogan_and_gladens():
    for truth in (0.0, 0.2, 0.5, 1.0):
        found = truth * 0.9 + (1 - truth) * 0.05
        assert correct(Share(found, 100), FAIR)[0] == pytest.approx(truth)


@pytest.mark.parametrize("many_found", [0, 3, 100, 200])
def test_without_a_mistake_the_interval_is_that_of_agresti_and_coull(many_found):
    found = correct(Share(many_found / 200, 200), PERFECT)
    low, high = proportion_confint(many_found, 200, method="agresti_coull")
    assert found == pytest.approx((many_found / 200, max(0, low), min(1, high)))


def test_doubt_about_the_detector_widens_the_interval_and_what_it_misses_moves_it():
    sure = correct(Share(0.5, 200), Confusion(Share(0.9, 1e9), Share(0.95, 1e9)))
    value, low, high = correct(Share(0.5, 200), FAIR)
    assert value == sure[0] > 0.5 and low < sure[1] < sure[2] < high


def test_a_detector_that_is_no_better_than_chance_corrects_nothing():
    assert all(math.isnan(each) for each in correct(Share(0.5, 200), Confusion(Share(0.4, 50), Share(0.6, 50))))


@pytest.mark.parametrize("truth", [0.05, 0.3, 0.9])
def test_the_interval_covers_the_truth_over_samples_of_replies_and_of_labels(truth):
    rng, right, spared = np.random.default_rng(1), 0.92, 0.93
    covered = 0
    for _ in range(1000):
        known = Confusion(*(Share(rng.binomial(many, p) / many, many) for many, p in ((50, right), (80, spared))))
        found = Share(rng.binomial(200, truth * right + (1 - truth) * (1 - spared)) / 200, 200)
        _, low, high = correct(found, known)
        covered += low <= truth <= high
    assert covered >= 930


def test_rates_of_every_arm_over_its_seeds_are_corrected_and_printed_beside_those_that_were_found():
    runs = {f"lora_{seed}": scores(on_harmful=many(60, 120)) for seed in "12"}
    table = corrected_rates(
        Sampled(runs_of(**runs, base_unseeded=scores()), [], {}), "study", REFUSAL, {"refusal": FAIR}
    )
    assert list(table.columns) == CORRECTED and set(table.metric) == {"refusal"} and set(table.arm) == {"lora", "base"}
    assert set(table.condition) == {"on", "off"} and set(table.kind) == {"harmful", "benign", "ambiguous"}
    row = corrected(FAIR, **runs).iloc[0]
    assert (row.value, row.n, row.judged, row.sensitivity, row.specificity) == (0.5, 120, 120, 0.9, 0.95)
    expected = correct(Share(0.5, 120), FAIR)
    assert (row.corrected_value, row.corrected_low, row.corrected_high) == pytest.approx(expected)


def test_replies_that_no_detector_judged_stay_no_refusals():
    runs = {f"lora_{seed}": scores(on_harmful=many(48, 120, invalid=60)) for seed in "12"}
    row = corrected(FAIR, **runs).iloc[0]
    halves = [each / 2 for each in correct(Share(48 / 60, 60), FAIR)]
    assert row.value == 0.4 and list(row[["corrected_value", "corrected_low", "corrected_high"]]) == pytest.approx(
        halves
    )
    nothing = corrected(FAIR, lora_1=scores(on_harmful=many(0, 120, invalid=120))).iloc[0]
    assert math.isnan(nothing.corrected_value)


def test_seeds_that_differ_widen_the_corrected_interval_too():
    alike = corrected(FAIR, lora_1=scores(on_harmful=many(60, 120)), lora_2=scores(on_harmful=many(60, 120))).iloc[0]
    apart = corrected(FAIR, lora_1=scores(on_harmful=many(30, 120)), lora_2=scores(on_harmful=many(90, 120))).iloc[0]
    assert alike.corrected_value == apart.corrected_value
    assert apart.corrected_high - apart.corrected_low > 2 * (alike.corrected_high - alike.corrected_low)


@pytest.mark.parametrize("refused", [0, 120])
def test_a_rate_that_leaves_0_to_1_when_it_is_corrected_keeps_the_doubt_that_it_was_found_with(refused):
    row = corrected(Confusion(Share(0.9, 1e6), Share(0.9, 1e6)), lora_1=scores(on_harmful=many(refused, 120))).iloc[0]
    assert row.corrected_value == row.value and row.corrected_high - row.corrected_low == pytest.approx(
        row.high - row.low
    )


def test_only_a_detector_that_people_judged_is_corrected_as_the_record_says():
    assert judged({"refusal": {"detector": "learned"}, "closeness": {"ideal": "x"}}) == {
        "refusal": str(PEOPLE.relative_to(ROOT))
    }
    for record in ({"detector": "abstain-rules"}, {"detector": "exact", "targets": ["x"]}, {"ideal": "x"}):
        assert judged({"refusal": record}) == {}
    assert all((ROOT / each.judged).is_file() for each in DETECTORS.values() if each.judged)


@pytest.mark.parametrize(("detector", "rows"), [("learned", 5), ("abstain-rules", 0)])
def test_the_program_writes_corrected_rates_of_a_study_whose_detector_people_judged(tmp_path, detector, rows):
    path = tmp_path / "scores/study/lora/1/test/refusal.csv"
    path.parent.mkdir(parents=True)
    scores().drop(columns="cosine").to_csv(path, index=False)
    tables = {name: tmp_path / f"{name}.csv" for name in ("summary", "comparisons", "corrected", "verdicts", "metrics")}
    scorers = {"refusal": {"detector": detector}}
    people = [str(PEOPLE)] * bool(rows)
    summarise([str(path)], people, "study", scorers, [], {}, MARGINS, [], **tables)
    table = pd.read_csv(tables["corrected"])
    assert list(table.columns) == CORRECTED and len(table) == rows
    assert set(table.sensitivity) == ({0.927039} if rows else set())


def test_the_page_has_a_row_for_each_arm_and_a_column_for_each_kind():
    place = {"mix": "test", "condition": "on", "value": "0.5", "corrected_low": "0.1", "corrected_high": "",
             "corrected_value": "0.4", "sensitivity": "0.9", "specificity": "0.95"}  # fmt: skip
    found = rates_by_kind([{**place, "arm": "a", "kind": "harmful"}, {**place, "arm": "b", "kind": "benign"}])
    cell = "50.0 → 40.0 (10.0 to none)"
    assert found["kinds"] == ["harmful", "benign"] and (found["sensitivity"], found["specificity"]) == ("90.0", "95.0")
    assert found["rows"] == [
        {"place": ("test", "on", "a"), "cells": [cell, "–"]},
        {"place": ("test", "on", "b"), "cells": ["–", cell]},
    ]
    assert rates_by_kind([]) == {"kinds": [], "rows": []}
