"""Batches: every row once, within the budget, and the same on any machine."""

import random

import pytest

from abstain.models.batches import batches_by_rows, batches_by_tokens

LENGTHS = random.Random(7).choices(range(1, 61), k=500)


@pytest.mark.parametrize("pool", [1, 7, 100, 500, 1000])
@pytest.mark.parametrize("budget", [1, 60, 250])
def test_every_row_is_in_one_batch_of_its_pool(budget, pool):
    batches = batches_by_tokens(LENGTHS, budget, pool, seed=1)
    flat = [i for batch in batches for i in batch]
    assert sorted(flat) == list(range(500))
    assert [i // pool for i in flat] == sorted(i // pool for i in flat)  # pools keep their order: the curriculum
    assert all(len({i // pool for i in batch}) == 1 for batch in batches)


@pytest.mark.parametrize("budget", [60, 128, 250])
def test_rows_times_the_longest_stays_within_the_budget(budget):
    batches = batches_by_tokens(LENGTHS, budget, 100, seed=1)
    assert max(len(batch) * max(LENGTHS[i] for i in batch) for batch in batches) <= budget
    assert len(batches) < 350  # of 500 rows: they do share batches


def test_no_batch_could_have_taken_the_next_row():
    batches = sorted(batches_by_tokens(LENGTHS, 128, 500, seed=1), key=lambda batch: (LENGTHS[batch[0]], batch[0]))
    for batch, following in zip(batches, batches[1:], strict=False):
        assert (len(batch) + 1) * LENGTHS[following[0]] > 128


def test_a_row_longer_than_the_budget_is_alone():
    assert sorted(batches_by_tokens([3, 99, 3], 6, 10, seed=1)) == [[0, 2], [1]]


def test_batches_depend_on_lengths_and_seed_alone():
    assert batches_by_tokens(LENGTHS, 128, 100, seed=1) == batches_by_tokens(list(LENGTHS), 128, 100, seed=1)
    assert batches_by_tokens(LENGTHS, 128, 100, seed=1) != batches_by_tokens(LENGTHS, 128, 100, seed=2)


def test_the_first_pools_do_not_depend_on_what_comes_after():
    whole, part = (batches_by_tokens(lengths, 128, 100, seed=1) for lengths in (LENGTHS, LENGTHS[:200]))
    assert whole[: len(part)] == part


def test_batches_are_shuffled_within_a_pool():
    batches = batches_by_tokens(LENGTHS, 128, 500, seed=1)
    assert [LENGTHS[batch[0]] for batch in batches] != sorted(LENGTHS[batch[0]] for batch in batches)


def test_batches_of_rows_come_largest_first_and_ties_in_their_order():
    assert batches_by_rows([2, 5, 2, 9, 5], ["a"] * 5, 2) == [[3, 1], [4, 0], [2]]
    batches = batches_by_rows(LENGTHS, ["a"] * 500, 64)
    assert [len(batch) for batch in batches] == [64] * 7 + [52]
    assert sorted(i for batch in batches for i in batch) == list(range(500))


def test_rows_of_different_groups_share_no_batch():
    assert batches_by_rows([2, 5, 2, 9, 5], ["b", "a", "b", "b", "a"], 2) == [[3, 0], [1, 4], [2]]
    groups = random.Random(8).choices("abc", k=500)
    batches = batches_by_rows(LENGTHS, groups, 64)
    assert sorted(i for batch in batches for i in batch) == list(range(500))
    assert all(len({groups[i] for i in batch}) == 1 for batch in batches)
    tokens = [len(batch) * max(LENGTHS[i] for i in batch) for batch in batches]
    assert tokens == sorted(tokens, reverse=True)


def test_nothing_makes_no_batch():
    assert batches_by_rows([], [], 4) == batches_by_tokens([], 100, 10, seed=1) == []
