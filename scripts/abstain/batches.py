"""Batches of like length: a pure function of the data, whatever the machine, so that bits can agree."""

import random


def batches_by_tokens(lengths: list[int], budget: int, pool: int, seed: int) -> list[list[int]]:
    """Positions grouped so that rows times longest row stays within `budget` tokens.

    Rows are sorted by length within consecutive pools of `pool` rows; the batches of a pool are then shuffled.
    """
    batches = []
    for start in range(0, len(lengths), pool):
        order = sorted(range(start, min(start + pool, len(lengths))), key=lambda i: (lengths[i], i))
        mine, current = [], []
        for i in order:
            if current and (len(current) + 1) * lengths[i] > budget:
                mine.append(current)
                current = []
            current.append(i)
        mine.append(current)
        random.Random(f"{seed}-{start}").shuffle(mine)
        batches += mine
    return batches


def batches_by_rows(lengths: list[int], rows: int) -> list[list[int]]:
    """Positions sorted by length, then position, in groups of `rows`; the longest first, so memory fails early."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    return [order[i : i + rows] for i in range(0, len(order), rows)]
