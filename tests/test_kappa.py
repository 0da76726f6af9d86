"""Cohen's kappa of two classes: the library's number, and an interval that knows which replies are alike."""

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from abstain.tables.kappa import kappa_of
from check_detector import check_detector

RNG = np.random.default_rng(1)
PEOPLE = pd.Series(RNG.random(600) < 0.5)
FOUND = PEOPLE ^ (RNG.random(600) < 0.1)
ALONE = pd.Series(range(600))


def test_kappa_is_cohens():
    assert kappa_of(PEOPLE, FOUND, ALONE)[0] == pytest.approx(cohen_kappa_score(PEOPLE, FOUND))


def test_the_interval_of_replies_to_prompts_of_their_own_is_near_the_analytic_one():
    analytic = cohens_kappa(pd.crosstab(PEOPLE, FOUND).to_numpy())
    assert kappa_of(PEOPLE, FOUND, ALONE)[1:] == pytest.approx((analytic.kappa_low, analytic.kappa_upp), abs=0.01)


def test_replies_that_are_there_three_times_say_no_more_than_once():
    once = kappa_of(PEOPLE, FOUND, ALONE)
    thrice = kappa_of(*(pd.concat([each] * 3) for each in (PEOPLE, FOUND, ALONE)))
    assert thrice == pytest.approx(once)
    assert kappa_of(pd.concat([PEOPLE] * 3), pd.concat([FOUND] * 3), pd.Series(range(1800)))[1] > once[1] + 0.01


def test_the_same_labels_give_the_same_interval():
    assert kappa_of(PEOPLE, FOUND, ALONE) == kappa_of(PEOPLE, FOUND, ALONE)


def test_the_table_has_an_interval_of_kappa_where_people_labelled_and_none_for_our_own_replies(tmp_path):
    check_detector(ROOT / "data/detector/replies.csv", ROOT / "models/detector/out_of_fold.csv", tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv")
    people = table[table.replies.str.startswith("people")]
    assert len(people) == 12 and (people.kappa_low < people.kappa).all() and (people.kappa < people.kappa_high).all()
    exact = table[table.detector == "exact"]  # of a closed list
    assert exact.n.tolist() == [0] and exact.replies.str.startswith("no agreement").all()
    assert exact[["accuracy", "low", "high", "kappa", "kappa_low", "kappa_high"]].isna().all(axis=None)
    assert table[table.replies.str.startswith("ours")].kappa_low.isna().all()
    learned = people[(people.detector == "learned") & (people.replies == "people")].iloc[0]
    assert (learned.kappa_low, learned.kappa_high) == pytest.approx((0.820, 0.880), abs=0.001)
