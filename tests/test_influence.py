"""Numbers of all rows together as values of rows."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from abstain.scorers.influence import influences, values_of


def f1(truth: np.ndarray, found: np.ndarray) -> float:
    return 2 * float((truth * found).sum()) / float(truth.sum() + found.sum())


def area(truth: np.ndarray, score: np.ndarray) -> float:
    """The chance that a positive has the higher score (Mann and Whitney)."""
    ranks, positives = rankdata(score), truth.sum()
    return (ranks[truth == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    drawn = np.random.default_rng(7)
    truth = (drawn.random(400) < 0.4).astype(float)
    score = drawn.normal(size=400) + truth
    return pd.DataFrame({"truth": truth, "score": score, "found": (score > 0.5).astype(float), "condition": "plain"})


def test_the_mean_of_the_values_is_the_number_itself(rows):
    for statistic, columns in ((f1, ["truth", "found"]), (area, ["truth", "score"])):
        values = influences(rows, columns, statistic, ["condition"])
        assert values.mean() == pytest.approx(statistic(*(rows[c].to_numpy() for c in columns)), abs=1e-12)


def test_the_values_of_a_mean_are_its_rows(rows):
    assert values_of([rows.score.to_numpy()], np.mean) == pytest.approx(rows.score.to_numpy(), abs=1e-9)


def test_the_variance_of_an_area_is_that_of_delong(rows):
    """DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988."""
    high, low = (rows.score[rows.truth == side].to_numpy() for side in (1, 0))
    above = (high[:, None] > low[None, :]).astype(float)
    wanted = above.mean(axis=1).var(ddof=1) / len(high) + above.mean(axis=0).var(ddof=1) / len(low)
    values = influences(rows, ["truth", "score"], area, ["condition"])
    assert values.var(ddof=1) / len(values) == pytest.approx(wanted, rel=0.02)


def test_the_variance_of_an_f1_is_that_of_samples_drawn_again(rows):
    drawn = np.random.default_rng(3)
    places = drawn.integers(0, len(rows), (4000, len(rows)))
    truth, found = rows.truth.to_numpy(), rows.found.to_numpy()
    wanted = np.var([f1(truth[each], found[each]) for each in places])
    values = influences(rows, ["truth", "found"], f1, ["condition"])
    assert values.var(ddof=1) / len(values) == pytest.approx(wanted, rel=0.06)


def test_groups_are_apart_and_a_row_without_a_column_has_no_value(rows):
    two = pd.concat([rows, rows.assign(condition="other", found=1.0 - rows.found)], ignore_index=True)
    two.loc[0, "found"] = np.nan
    values = influences(two, ["truth", "found"], f1, ["condition"])
    other = two[two.condition == "other"]
    assert np.isnan(values[0]) and values.notna().sum() == len(two) - 1
    assert values[other.index].mean() == pytest.approx(f1(other.truth.to_numpy(), other.found.to_numpy()), abs=1e-12)


def test_a_number_that_is_none_without_some_row_has_no_values(rows):
    def precision(truth: np.ndarray, found: np.ndarray) -> float:
        return float((truth * found).sum() / found.sum()) if found.sum() else np.nan

    once = rows.assign(found=[1.0] + [0.0] * (len(rows) - 1))
    assert influences(once, ["truth", "found"], precision, ["condition"]).isna().all()
    assert np.isnan(values_of([np.ones(1)], np.mean)).all()
