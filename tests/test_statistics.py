"""Statistics: published examples come out as published, and no interval claims more than its data."""

import math

import pytest
from scipy.stats import binomtest, ttest_1samp, ttest_rel

from abstain.tables.statistics import (
    detectable,
    direction_verdict,
    gap,
    mean_cosine,
    mean_gap,
    over_seeds,
    paired_mean,
    paired_p,
    rate,
    verdict,
)

# R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3 (Wilson's score interval)
WILSON = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)]
# R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10, the examples with equal groups
NEWCOMBE = [
    (9, 3, 10, 0.1705, 0.8090),
    (6, 2, 7, 0.0582, 0.8062),
    (0, 0, 10, -0.2775, 0.2775),
    (10, 0, 10, 0.6075, 1.0000),
]


@pytest.mark.parametrize(("hits", "n", "low", "high"), WILSON)
def test_the_interval_of_a_rate_is_wilsons_as_published(hits, n, low, high):
    assert rate(hits, n) == (hits / n, pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_a_rate_of_nothing_is_not_a_number():
    assert all(math.isnan(value) for value in rate(0, 0))


@pytest.mark.parametrize(("first", "second", "n", "low", "high"), NEWCOMBE)
def test_the_interval_of_a_difference_is_newcombes_as_published(first, second, n, low, high):
    value, *bounds = gap(first / n, second / n, n)
    assert value == pytest.approx((first - second) / n)
    assert bounds == [pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5)]


def test_a_difference_turns_its_sign_with_its_sides():
    value, low, high = gap(0.9, 0.3, 10)
    assert gap(0.3, 0.9, 10) == pytest.approx((-value, -high, -low))


def test_a_difference_over_seeds_covers_both_what_prompts_and_what_seeds_may_give():
    _, low, high = gap(0.5, 0.4, 100)
    assert gap(0.5, 0.4, 100, [0.1]) == gap(0.5, 0.4, 100, [0.1, 0.1, 0.1]) == (pytest.approx(0.1), low, high)
    # t(0.975, 2) = 4.302653, standard deviation 0.1: half width 4.302653 * 0.1 / sqrt(3)
    value, wide_low, wide_high = gap(0.5, 0.4, 100, [0.0, 0.1, 0.2])
    assert (wide_low, wide_high) == (pytest.approx(0.1 - 0.248414, abs=1e-6), pytest.approx(0.1 + 0.248414, abs=1e-6))


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seeds", [1, 3, 5])
@pytest.mark.parametrize("n", [1, 10, 1000])
def test_equal_seeds_never_give_an_interval_of_no_width(value, seeds, n):
    mean, low, high = over_seeds([value] * seeds, n)
    assert mean == value
    assert 0 <= low <= value <= high <= 1
    assert high - low > 0.003
    assert (low, high) == pytest.approx(rate(value * n, n)[1:], abs=1e-12)  # more seeds are not more prompts


def test_seeds_that_differ_widen_the_interval():
    _, low, high = over_seeds([0.4, 0.5, 0.6], 1000)
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert (low, high) == (pytest.approx(0.5 - half, abs=1e-6), pytest.approx(0.5 + half, abs=1e-6))


def test_intervals_stay_within_what_a_rate_can_be():
    assert over_seeds([0.0, 1.0], 10)[1:] == (0.0, 1.0)
    assert gap(1.0, 0.0, 10, [0.0, 1.0])[1:] == (-1.0, 1.0)


@pytest.mark.parametrize(("only_first", "only_second", "same"), [(5, 1, 4), (0, 6, 0), (3, 3, 1), (12, 2, 100)])
def test_the_paired_test_is_the_exact_test_on_what_differs(only_first, only_second, same):
    first = [True] * only_first + [False] * only_second + [True] * same + [False] * same
    second = [False] * only_first + [True] * only_second + [True] * same + [False] * same
    expected = binomtest(only_first, only_first + only_second).pvalue
    assert paired_p(first, second) == pytest.approx(expected, abs=1e-12)
    assert paired_p(second, first) == pytest.approx(expected, abs=1e-12)


def test_outcomes_that_never_differ_show_nothing():
    assert paired_p([True, False], [True, False]) == 1.0


def test_outcomes_that_are_not_pairs_are_refused():
    with pytest.raises(ValueError, match="argument"):
        paired_p([True], [True, False])


def test_the_detectable_difference_is_the_textbooks():
    # (1.959964 + 0.841621) * sqrt(2 * 0.25 / n)
    assert detectable(100) == pytest.approx(0.198102, abs=1e-6)
    assert detectable(400) == pytest.approx(detectable(100) / 2)


@pytest.mark.parametrize(
    ("low", "high", "bound", "expected"),
    [
        (0.91, 0.99, {"at_least": 0.9}, "holds"),
        (0.90, 0.99, {"at_least": 0.9}, "holds"),
        (0.85, 0.95, {"at_least": 0.9}, "not distinguishable"),
        (0.85, 0.90, {"at_least": 0.9}, "not distinguishable"),
        (0.80, 0.89, {"at_least": 0.9}, "does not"),
        (0.00, 0.09, {"at_most": 0.1}, "holds"),
        (0.00, 0.10, {"at_most": 0.1}, "holds"),
        (0.05, 0.15, {"at_most": 0.1}, "not distinguishable"),
        (0.10, 0.15, {"at_most": 0.1}, "not distinguishable"),
        (0.11, 0.15, {"at_most": 0.1}, "does not"),
        (0.10, 0.15, {"at_least": 0.0}, "holds"),
        (0.10, 0.15, {"at_most": 0.0}, "does not"),
        (math.nan, math.nan, {"at_least": 0.9}, "not distinguishable"),
        (math.nan, math.nan, {"at_most": 0.1}, "not distinguishable"),
    ],
)
def test_a_bound_holds_only_when_the_whole_interval_is_on_its_side(low, high, bound, expected):
    assert verdict(low, high, **bound) == expected


@pytest.mark.parametrize(
    ("low", "high", "higher", "lower"),
    [
        (0.1, 0.3, "holds", "does not"),
        (-0.3, -0.1, "does not", "holds"),
        (-0.1, 0.1, "not distinguishable", "not distinguishable"),
        (0.0, 0.2, "not distinguishable", "not distinguishable"),
        (-0.2, 0.0, "not distinguishable", "not distinguishable"),
        (math.nan, math.nan, "not distinguishable", "not distinguishable"),
    ],
)
def test_a_direction_holds_only_when_the_interval_keeps_clear_of_zero(low, high, higher, lower):
    assert (direction_verdict(low, high, "higher"), direction_verdict(low, high, "lower")) == (higher, lower)


def test_a_difference_of_nothing_is_not_a_number():
    assert all(math.isnan(value) for value in gap(math.nan, math.nan, 0))


RUN, AGAIN = [0.31, 0.52, 0.47, 0.80, 0.12, 0.66], [0.35, 0.50, 0.71, 0.64, 0.20, 0.61]


def test_the_mean_of_one_run_has_the_t_interval():
    assert mean_cosine([RUN]) == pytest.approx((sum(RUN) / 6, *ttest_1samp(RUN, 0).confidence_interval(0.95)))


def test_more_seeds_are_not_more_prompts():
    assert mean_cosine([RUN] * 5) == pytest.approx(mean_cosine([RUN]))


def test_seeds_that_differ_widen_the_mean():
    far = [value - 0.3 for value in RUN]
    means = [sum(run) / 6 for run in (RUN, far)]
    value, low, high = mean_cosine([RUN, far])
    assert (low, high) == (-1.0, 1.0)  # two seeds, 0.3 apart: t is 12.7
    assert value == pytest.approx(sum(means) / 2)
    value, low, high = mean_cosine([RUN, AGAIN])
    one_run = [high - value for value, _, high in (mean_cosine([RUN]), mean_cosine([AGAIN]))]
    assert high - value >= min(one_run)


def test_a_mean_of_one_reply_has_no_interval():
    value, low, high = mean_cosine([[0.4]])
    assert value == 0.4
    assert math.isnan(low) and math.isnan(high)


def test_a_mean_stays_a_cosine():
    assert mean_cosine([[1.0, 1.0, 1.0, 0.9]])[2] == 1.0
    assert mean_cosine([[-1.0, -1.0, -0.9]])[1] == -1.0


@pytest.mark.parametrize(("first", "second", "n", "low", "high"), NEWCOMBE)
def test_the_difference_of_means_is_newcombes_for_wilsons_intervals(first, second, n, low, high):
    """Newcombe's interval is MOVER on two Wilson intervals, so its published examples test MOVER."""
    value, *bounds = mean_gap(rate(first, n), rate(second, n), [])
    assert value == pytest.approx((first - second) / n)
    assert bounds == [pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5)]


def test_a_difference_of_means_is_as_wide_as_the_seeds_are_apart():
    first, second, gaps = (0.6, 0.58, 0.62), (0.3, 0.28, 0.32), [0.1, 0.3, 0.5]
    assert mean_gap(first, second, gaps) == pytest.approx((0.3, *ttest_1samp(gaps, 0).confidence_interval(0.95)))


def test_a_difference_of_means_has_no_interval_where_one_of_them_has_none():
    least, mean = (0.5, math.nan, math.nan), (0.2, 0.1, 0.3)
    for first, second in ((least, mean), (mean, least)):
        value, low, high = mean_gap(first, second, [0.3, 0.3])
        assert value == first[0] - second[0]
        assert math.isnan(low) and math.isnan(high)
        assert direction_verdict(low, high, "higher") == "not distinguishable"


def test_a_paired_mean_is_that_of_the_paired_t_test():
    found, expected = paired_mean(RUN, AGAIN), ttest_rel(RUN, AGAIN)
    assert found["p"] == pytest.approx(expected.pvalue)
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (found["value"], found["n"]) == (pytest.approx(sum(RUN) / 6 - sum(AGAIN) / 6), 6)
    assert found["detectable"] == pytest.approx(2.8016 * (found["value"] / expected.statistic), rel=1e-4)


def test_equal_pairs_do_not_differ_and_one_pair_tells_nothing():
    assert paired_mean(RUN, RUN) == {"value": 0, "low": 0, "high": 0, "p": 1.0, "n": 6, "detectable": 0}
    alone = paired_mean([0.5], [0.25])
    assert (alone["value"], alone["n"]) == (0.25, 1)
    assert all(math.isnan(alone[name]) for name in ("low", "high", "p", "detectable"))
