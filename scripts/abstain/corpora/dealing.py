"""Dealing out: groups of unequal sizes into parts, so that each part has its share of the rows of every stratum."""

from collections import Counter, defaultdict

Sizes = dict[tuple[str, ...], int]  # of a group: how many rows it has in each stratum


def deal(groups: list[Sizes], shares: dict[str, float]) -> list[str]:
    """The part of each group, in the order given: the part that is furthest below its share of what has been dealt
    out by then, in the strata that the group has rows in.

    Given largest first, small groups even out what large ones left uneven, and no part gets only small ones.
    """
    dealt: dict[tuple[str, ...], Counter] = defaultdict(Counter)
    chosen = []
    for sizes in groups:
        lacking = {part: _lacking(sizes, dealt, part, share) for part, share in shares.items()}
        chosen.append(max(lacking, key=lacking.__getitem__))  # of equal ones the first of the record
        for stratum, rows in sizes.items():
            dealt[stratum][chosen[-1]] += rows
    return chosen


def _lacking(sizes: Sizes, dealt: dict[tuple[str, ...], Counter], part: str, share: float) -> float:
    """How many rows a part lacks once a group is dealt out, weighed by the group's rows in each stratum."""
    return sum(
        rows * (share * (dealt[stratum].total() + rows) - dealt[stratum][part]) for stratum, rows in sizes.items()
    )
