"""Numbers of all rows about when to abstain: against scikit-learn, by hand, and with a threshold of another mix."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, f1_score, precision_score, roc_auc_score

from abstain.scorers import discrimination
from abstain.scorers.abstention import METRICS
from abstain.scorers.joint import Joint, metrics_of
from abstain.tables.comparisons import compare_arms
from abstain.tables.runs import outcomes
from abstain.tables.samples import Sampled
from abstain.tables.summary import summarise_runs

OF = {metric.name: metric for metric in METRICS}
RECORD = {"refusals": ["no"], "chosen_on": "held-out"}


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, ...]:
    """Truth, what was done, a probability with ties, and risk, of 300 rows."""
    rng = np.random.default_rng(5)
    truth = (rng.random(300) < 0.5).astype(float)
    p = np.round(1 / (1 + np.exp(-rng.normal(size=300) - truth)), 2)
    risk = np.maximum(truth, (rng.random(300) < 0.6).astype(float))
    return truth, (rng.random(300) < 0.3 + 0.3 * truth).astype(float), p, risk


def test_precision_f1_and_areas_are_those_of_scikit_learn(drawn):
    truth, done, p, _ = drawn
    assert discrimination.precision(truth, done) == pytest.approx(precision_score(truth, done))
    assert discrimination.f1(truth, done) == pytest.approx(f1_score(truth, done))
    assert len(np.unique(p)) < len(p) / 2
    assert discrimination.auroc(truth, p) == pytest.approx(roc_auc_score(truth, p))


def test_what_is_not_defined_is_no_number():
    none, some = np.zeros(4), np.array([1.0, 0.0, 1.0, 0.0])
    assert math.isnan(discrimination.precision(some, none)) and math.isnan(discrimination.f1(none, some))
    assert math.isnan(discrimination.auroc(none, some)) and math.isnan(discrimination.auroc(none + 1, some))
    assert math.isnan(discrimination.share(none, none)) and math.isnan(discrimination.threshold(none, some))
    assert discrimination.f1(some, none) == 0


def test_the_risk_of_a_coverage_is_the_mean_over_the_rows_with_the_least_probability():
    p, risk = np.array([0.9, 0.1, 0.5, 0.2]), np.array([1.0, 0.0, 1.0, 0.0])
    coverage, found = discrimination.risk_coverage(p, risk)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0] and found.tolist() == pytest.approx([0, 0, 1 / 3, 0.5])
    assert discrimination.aurc(p, risk) == pytest.approx((1 / 3 + 0.5) / 4)


def test_rows_of_one_probability_come_in_every_order_at_once(drawn):
    risk = drawn[3]
    same = np.full(len(risk), 0.5)
    assert discrimination.aurc(same, risk) == pytest.approx(risk.mean())  # as in random order
    p, two = np.array([0.1, 0.1, 0.3]), np.array([1.0, 0.0, 0.0])
    orders = [discrimination.aurc(np.array([0, 1, 2]), np.array(order)) for order in ((1, 0, 0), (0, 1, 0))]
    assert discrimination.aurc(p, two) == pytest.approx(np.mean(orders))


def test_the_best_order_has_the_least_area_and_the_reverse_one_the_largest(drawn):
    _, _, p, risk = drawn
    best, worst = discrimination.aurc(risk, risk), discrimination.aurc(-risk, risk)
    assert best < discrimination.aurc(p, risk) < risk.mean() < worst


def test_the_calibration_error_is_the_mean_distance_within_bins():
    truth, p = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.05, 0.05, 0.95, 1.0])
    assert discrimination.calibration_error(truth, p) == pytest.approx((2 * 0.45 + 2 * (1 - 0.975)) / 4)
    assert discrimination.calibration_error(truth, truth) == 0


def test_a_threshold_parts_what_to_refuse_from_what_to_answer_where_they_are_parted_best():
    truth = np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert discrimination.threshold(truth, p) == 0.5  # 0.3 is as good, and abstains more
    assert discrimination.threshold(1 - truth, p) == math.inf  # no threshold helps


# The metrics of a run


def scores(rows, condition: str = "passage") -> pd.DataFrame:
    truth, _, p, risk = rows
    names = [f"{n}" for n in range(len(p))]
    table = pd.DataFrame({"id": names, "request": names, "abstention": p, "risk": risk, "condition": condition})
    return table.assign(should=np.where(truth == 1, "refuse", "answer"), kind=np.where(truth == 1, "bad", "good"))


def test_a_metric_is_the_mean_of_its_rows(drawn):
    truth, _, p, risk = drawn
    run = scores(drawn)
    wanted = {"auroc": roc_auc_score(truth, p), "aurc": discrimination.aurc(p, risk), "abstention": p.mean()}
    wanted |= {"brier": brier_score_loss(truth, p)}
    for name, number in wanted.items():
        assert OF[name].values(run, None).mean() == pytest.approx(number), name


def test_a_row_whose_answer_nobody_could_grade_is_in_no_area_of_risk(drawn):
    run = pd.concat([scores(drawn), scores(drawn).assign(risk=np.nan)], ignore_index=True)
    values = OF["aurc"].values(run, None)
    assert values.isna().sum() == 300 and values.mean() == pytest.approx(discrimination.aurc(*drawn[2:]))


def test_what_needs_rows_of_both_sides_has_no_number_under_a_condition_that_lacks_one(drawn):
    refuse = scores(tuple(column[drawn[0] == 1] for column in drawn), "no-passage")
    both = pd.concat([scores(drawn), refuse], ignore_index=True)
    for metric in (OF["auroc"], OF["aurc"], OF["brier"]):
        values = outcomes(metric, {("lora", "1", "test"): both}, ("lora", "1", "test"))
        assert values[both.condition == "passage"].notna().all(), metric.name
        assert values[both.condition == "no-passage"].notna().all() == (metric is OF["brier"]), metric.name


@pytest.fixture(scope="module")
def runs(drawn) -> dict:
    """A run on two mixes and two conditions, another run on one of them."""
    other = scores(tuple(column[:120] for column in drawn))
    both = pd.concat([scores(drawn), scores(drawn, "premise")], ignore_index=True)
    both["id"], other = [str(n) for n in range(len(both))], other.assign(abstention=other.abstention / 2)
    return {("lora", "1", "test"): both, ("lora", "1", "held-out"): other, ("lora", "2", "test"): both}


def test_a_threshold_is_chosen_on_the_other_mix_and_holds_under_its_condition_alone(runs, drawn):
    (metrics,) = metrics_of({"abstention": RECORD}).values()
    found = {metric.name: metric for metric in metrics if isinstance(metric, Joint) and metric.choice}
    assert set(found) == {"coverage", "selective-risk", "threshold-f1"}
    assert {metric.mix for metric in found.values()} == {"held-out"}
    limit = discrimination.threshold(drawn[0][:120], drawn[2][:120] / 2)
    kept = (drawn[2] < limit).astype(float)
    assert 0.05 < kept.mean() < 0.95
    wanted = {"coverage": kept.mean(), "selective-risk": (kept * drawn[3]).sum() / kept.sum()}
    wanted["threshold-f1"] = f1_score(drawn[0], 1 - kept)
    for name, number in wanted.items():
        values = outcomes(found[name], runs, ("lora", "1", "test"))
        asked = runs["lora", "1", "test"].condition == "passage"
        assert values[asked].mean() == pytest.approx(number), name
        assert values[~asked].isna().all()


def test_where_there_are_no_replies_to_choose_by_and_on_those_themselves_there_is_no_number(runs):
    (metrics,) = metrics_of({"abstention": RECORD}).values()
    chosen = [metric for metric in metrics if isinstance(metric, Joint) and metric.choice]
    for run in (("lora", "2", "test"), ("lora", "1", "held-out")):
        assert [outcomes(metric, runs, run) for metric in chosen] == [None] * 3
    without = metrics_of({"abstention": {**RECORD, "chosen_on": None}})["abstention"]
    names = {metric.name for metric in without if outcomes(metric, runs, ("lora", "1", "test")) is None}
    assert names == {"coverage", "selective-risk", "threshold-f1"}


def test_the_summary_has_an_interval_for_each_of_them(runs):
    table = summarise_runs(Sampled(runs, [], {}), "study", metrics_of({"abstention": RECORD}))
    rows = table[(table.arm == "lora") & (table.seed == "1") & (table.mix == "test") & (table.kind == "all")]
    of_passage = rows[rows.condition == "passage"].set_index("metric")
    assert set(of_passage.index) == set(OF) - {"abstention"}
    assert (of_passage.low < of_passage.value).all() and (of_passage.value < of_passage.high).all()
    assert (of_passage.high - of_passage.low < 0.4).all()


def test_a_difference_of_two_areas_may_be_negative(runs):
    mine = runs["lora", "1", "test"]
    base = mine.assign(abstention=1 - mine.abstention)
    both = {("base", "unseeded", "test"): mine, ("lora", "1", "test"): base, ("lora", "2", "test"): base}
    found = compare_arms(Sampled(both, [], {}), "study", {"share": 0.1}, [OF["auroc"]])
    row = found[found.condition == "passage"].iloc[0]
    area = discrimination.auroc((mine.should == "refuse")[:300].to_numpy(float), mine.abstention[:300].to_numpy())
    assert row.value == pytest.approx(1 - 2 * area) and row.low < row.value < row.high < 0
