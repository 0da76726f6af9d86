"""Statistics: published examples come out as published, and no interval claims more than its data."""

import math

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp, ttest_rel
from statsmodels.stats.power import TTestPower

from abstain.tables.statistics import (
    as_many_rows,
    detectable,
    difference_of,
    mean_of,
    power_of_bound,
    power_of_difference,
    power_of_equivalence,
    rate,
    rate_of,
    tail,
)

# R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3 (Wilson's score interval)
WILSON = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)]


def hits(many: int, n: int, runs: int = 1) -> np.ndarray:
    """Runs that agree: the first `many` of n rows are 1."""
    return np.tile((np.arange(n) < many).astype(float)[:, None], runs)


def alone(values: np.ndarray) -> list[np.ndarray]:
    return [np.arange(len(values))]


@pytest.mark.parametrize(("many", "n", "low", "high"), WILSON)
def test_the_interval_of_a_rate_is_wilsons_as_published(many, n, low, high):
    assert rate(many, n) == (many / n, pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    values = hits(many, n)
    assert rate_of(values, alone(values)).numbers == pytest.approx(rate(many, n))


def test_a_rate_of_nothing_is_not_a_number():
    assert all(math.isnan(value) for value in rate(0, 0))


@pytest.mark.parametrize("many", [0, 50, 100])
@pytest.mark.parametrize("runs", [1, 3, 5])
def test_more_seeds_are_not_more_prompts(many, runs):
    values = hits(many, 100, runs)
    assert rate_of(values, alone(values)).numbers == pytest.approx(rate(many, 100))


def test_seeds_that_differ_widen_the_interval():
    values = np.column_stack([hits(many, 1000) for many in (400, 500, 600)])
    half = 4.302653 * 0.1 / math.sqrt(3)  # t(0.975, 2)
    assert rate_of(values, alone(values)).numbers == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=1e-6)


def test_rows_of_one_wording_count_once():
    """A wording of eight rows is refused whole, twelve are not: as in twenty rows of their own."""
    values, wordings = hits(8, 100), [np.repeat(np.arange(13), 8)[:100]]
    found = rate_of(values, wordings)
    assert found.rows < 20 and found.numbers[2] > rate(8, 100)[2] + 0.08


def test_crossed_clusters_are_both_respected():
    values = hits(40, 100)
    fine, coarse = np.arange(100), np.repeat(np.arange(10), 10)
    assert rate_of(values, [fine, coarse]).rows == pytest.approx(rate_of(values, [coarse]).rows)


def test_an_interval_of_a_rate_stays_within_0_and_1():
    values = np.column_stack([hits(0, 10), hits(10, 10)])
    assert rate_of(values, alone(values)).numbers[1:] == (0.0, 1.0)


RUN, AGAIN = np.array([0.31, 0.52, 0.47, 0.80, 0.12, 0.66]), np.array([0.35, 0.50, 0.71, 0.64, 0.20, 0.61])


def test_the_mean_of_one_run_has_the_t_interval():
    found = mean_of(RUN[:, None], alone(RUN)).numbers
    assert found == pytest.approx((RUN.mean(), *ttest_1samp(RUN, 0).confidence_interval(0.95)))


def test_a_paired_difference_is_that_of_the_paired_t_test():
    found, expected = mean_of((RUN - AGAIN)[:, None], alone(RUN)), ttest_rel(RUN, AGAIN)
    assert found.numbers[1:] == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert 2 * tail(found, 0.0, above=found.value > 0) == pytest.approx(expected.pvalue, abs=1e-6)


def test_a_mean_of_one_row_has_no_interval():
    value, low, high = mean_of(np.array([[0.4]]), [np.array([0])]).numbers
    assert value == 0.4 and math.isnan(low) and math.isnan(high)


def test_pairs_that_never_differ_do_not_prove_that_they_never_will():
    values = np.zeros((100, 3))
    value, low, high = difference_of(values, alone(values)).numbers
    assert value == 0 and low == -high and 0.015 < high < 0.03  # Agresti and Min: 1.96 / 102, and t for z


def test_rows_that_some_seeds_alone_tell_apart_count_less_the_more_seeds_there_are():
    """Each of ten pairs differs in one seed: of five seeds that is a fifth of a difference."""
    widths = []
    for seeds in (1, 5):
        values = np.zeros((100, seeds))
        for row in range(10):
            values[row, row % seeds] = 1 if row < 5 else -1
        low, high = difference_of(values, alone(values)).numbers[1:]
        widths.append(high - low)
    assert widths[1] < 0.5 * widths[0]


def test_pairs_that_no_seed_moves_are_worth_one_seed():
    values = np.zeros((100, 5))
    assert difference_of(values, alone(values)).numbers == difference_of(values[:, :1], alone(values)).numbers


def test_a_difference_over_seeds_is_as_wide_as_the_seeds_are_apart():
    values = np.tile([0.0, 0.1, 0.2], (1000, 1))
    low, high = difference_of(values, alone(values)).numbers[1:]
    assert (low, high) == pytest.approx((0.1 - 0.248414, 0.1 + 0.248414), abs=1e-3)


@pytest.mark.parametrize(("many", "bound"), [(95, 0.9), (99, 0.9), (3, 0.1), (50, 0.5)])
def test_the_p_of_a_bound_is_where_the_interval_meets_it(many, bound):
    found = rate_of(hits(many, 100), [np.arange(100)])
    above, below = (tail(found, bound, above=side) for side in (True, False))
    p = min(above, below)
    ends = found.interval(1 - 2 * p)
    assert min(abs(end - bound) for end in ends) < 1e-6 or p == 0.5
    assert above + below == pytest.approx(1.0) or many / 100 == bound


@pytest.mark.parametrize(
    ("many", "bound", "above"), [(96, 0.9, True), (97, 0.9, True), (4, 0.1, False), (3, 0.1, False)]
)
def test_a_p_under_a_fortieth_is_an_interval_beyond_the_bound(many, bound, above):
    found = rate_of(hits(many, 100), [np.arange(100)])
    _, low, high = found.numbers
    assert (tail(found, bound, above) <= 0.025) == (low >= bound if above else high <= bound)


def test_what_is_no_number_has_no_p():
    assert math.isnan(tail(mean_of(np.array([[0.4]]), [np.array([0])]), 0.0, above=True))


def test_the_power_of_a_bound_counts_the_outcomes_that_would_show_it():
    found = power_of_bound(100, 0.1, above=False)
    assert rate(4, 100)[2] < 0.1 < rate(5, 100)[2]
    assert found == pytest.approx(sum(binom.pmf(k, 100, 0.05) for k in range(5)))
    assert power_of_bound(300, 0.1, above=False) > 0.85
    assert power_of_bound(30, 0.9, above=True) == 0  # not even 30 of 30


def test_the_detectable_difference_is_the_textbooks():
    assert detectable(0.05, 1e7) == pytest.approx((1.959964 + 0.841621) * 0.05, abs=1e-6)
    for freedom in (0.9, 2, 5, 100):
        assert power_of_difference(0.05, freedom, detectable(0.05, freedom)) == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize("n", [3, 6, 100])
def test_the_detectable_difference_is_that_of_the_t_test(n):
    effect = TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8)  # in standard deviations
    assert detectable(1 / math.sqrt(n), n - 1) == pytest.approx(effect, abs=1e-3)


@pytest.mark.parametrize(("error", "expected"), [(0.0, 0.0), (math.nan, math.nan)])
def test_what_has_no_error_detects_anything_and_what_has_no_interval_nothing(error, expected):
    assert detectable(error, math.nan) == pytest.approx(expected, nan_ok=True)


def test_the_power_of_equivalence_grows_with_the_margin():
    assert power_of_equivalence(0.05, 1e6, 0.05) == 0 and power_of_equivalence(0.02, 1e6, 0.1) > 0.99
    assert power_of_equivalence(0.05, 1e6, 0.15) == pytest.approx(0.7, abs=0.01)
    assert power_of_equivalence(0.05, 2, 0.15) < 0.3


def test_a_rate_is_worth_its_rows_where_seeds_agree_and_fewer_where_they_do_not():
    values = hits(40, 100, 3)
    assert as_many_rows(rate_of(values, alone(values))) == 100
    apart = rate_of(np.column_stack([hits(many, 100) for many in (10, 40, 70)]), alone(values))
    rows = as_many_rows(apart)
    _, low, high = rate(0.4 * rows, rows)
    assert rows < 10 and high - low == pytest.approx(apart.numbers[2] - apart.numbers[1])
    assert as_many_rows(rate_of(np.column_stack([hits(0, 10), hits(10, 10)]), alone(hits(0, 10)))) < 1e-5
