"""Clusters: variances are those of statsmodels, and rows that share something count for fewer."""

import numpy as np
import pytest
import statsmodels.api as sm

from abstain.tables.clusters import crossed, design_effect

DRAW = np.random.default_rng(1)
VALUES = DRAW.normal(size=60)
WORDING, TWIN, ALONE = DRAW.integers(0, 8, 60), DRAW.integers(0, 15, 60), np.arange(60)


def library(values, groups) -> float:
    """The cluster-robust variance of a mean, by statsmodels."""
    fitted = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": groups})
    return float(fitted.cov_params()[0, 0])


@pytest.mark.parametrize("codes", [WORDING, TWIN, ALONE], ids=["wording", "twin", "alone"])
def test_the_variance_over_one_partition_is_that_of_statsmodels(codes):
    found = crossed(VALUES, [codes])
    assert found.variance == pytest.approx(library(VALUES, codes))
    assert found.freedom == pytest.approx(len(np.unique(codes)) - 1)


def test_rows_of_their_own_have_the_variance_of_a_mean():
    assert crossed(VALUES, [ALONE]).variance == pytest.approx(VALUES.var(ddof=1) / 60)
    assert design_effect(VALUES, [ALONE]) == pytest.approx(1.0)


def test_the_variance_over_two_partitions_adds_theirs_and_takes_that_of_their_intersection_away():
    both = WORDING * 100 + TWIN
    one, other, shared = (crossed(VALUES, [codes]).variance for codes in (WORDING, TWIN, both))
    assert crossed(VALUES, [WORDING, TWIN]).variance == pytest.approx(max(one + other - shared, one, other))


def test_a_partition_twice_changes_nothing():
    assert crossed(VALUES, [WORDING, WORDING]).variance == pytest.approx(crossed(VALUES, [WORDING]).variance)


def test_the_order_and_the_names_of_groups_change_nothing():
    names = np.array(list("hgfedcba"))[WORDING]
    assert crossed(VALUES, [TWIN, names]).variance == pytest.approx(crossed(VALUES, [WORDING, TWIN]).variance)


def test_rows_that_are_equal_within_clusters_count_once_a_cluster():
    values = np.repeat([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0], 25)
    assert design_effect(values, [np.repeat(np.arange(8), 25)]) == pytest.approx(25, rel=0.15)


@pytest.mark.parametrize("values", [np.ones(10), np.zeros(10)])
def test_rows_that_do_not_vary_have_no_design_effect(values):
    assert design_effect(values, [np.repeat([0, 1], 5)]) == 1.0


def test_clusters_that_balance_each_other_never_make_rows_worth_more():
    assert design_effect(np.tile([0.0, 1.0], 20), [np.repeat(np.arange(20), 2)]) == 1.0


def test_one_group_alone_tells_nothing_of_a_variance():
    assert crossed(VALUES, [np.zeros(60)]) == (0.0, 0)
