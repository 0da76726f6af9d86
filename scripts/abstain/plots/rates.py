"""A share of the replies, such as refusals: a panel for each condition and kind of request, a lane for each arm."""

from itertools import product

from abstain.plots.lanes import draw_lanes
from abstain.plots.marks import rows_for


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return list(product(record["conditions"], record["kinds"], [record["metric"]]))


def draw(summary, runs: dict, record: dict, bounds: list[dict]):
    """The figure and its numbers: a mark for each arm's mean over its seeds, ticks for its runs, bounds of claims."""
    rows = rows_for(summary, runs, record, needs(record))
    label = f"{record['metric'].replace('-', ' ')} (% of replies)"
    return draw_lanes(rows, runs, record["conditions"], record["kinds"], bounds, label), rows
