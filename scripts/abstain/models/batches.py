"""Batches of like length: a pure function of the data, whatever the machine, so that bits can agree."""

import random


def batches_by_tokens(lengths: list[int], budget: int, pool: int, seed: int) -> list[list[int]]:
    """Positions grouped so that rows times longest row stays within `budget` tokens.

    Rows are sorted by length within consecutive pools of `pool` rows; the batches of a pool are then shuffled.
    """
    batches = []
    for start in range(0, len(lengths), pool):
        order = sorted(range(start, min(start + pool, len(lengths))), key=lambda i: (lengths[i], i))
        pooled, current = [], []
        for i in order:
            if current and (len(current) + 1) * lengths[i] > budget:
                pooled.append(current)
                current = []
            current.append(i)
        pooled.append(current)
        random.Random(f"{seed}-{start}").shuffle(pooled)
        batches += pooled
    return batches


def batches_by_rows(lengths: list[int], groups: list[str], rows: int) -> list[list[int]]:
    """Positions of one group, sorted by length, then position, at most `rows` together.

    The batch with the most tokens, padding included, comes first, so memory fails early.
    """
    batches = []
    for group in sorted(set(groups)):
        members = sorted((i for i, name in enumerate(groups) if name == group), key=lambda i: (-lengths[i], i))
        batches += [members[start : start + rows] for start in range(0, len(members), rows)]
    return sorted(batches, key=lambda batch: (-len(batch) * lengths[batch[0]], batch[0]))
