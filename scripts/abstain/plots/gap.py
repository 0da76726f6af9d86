"""How far the two prompts of a gap move refusal: a panel for each gap and kind of request, a lane for each arm."""

from itertools import product

from abstain.plots.lanes import draw_lanes
from abstain.plots.marks import rows_for

METRIC = "control-gap"
LABEL = "refusal under the first prompt minus refusal under the second (points)"


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (gap, kind, metric)."""
    return list(product(record["gaps"], record["kinds"], [METRIC]))


def draw(summary, runs: dict, record: dict, bounds: list[dict]):
    """The figure and its numbers: a mark for each arm's mean over its seeds, ticks for its runs, bounds of claims."""
    rows = rows_for(summary, runs, record, needs(record))
    return draw_lanes(rows, runs, record["gaps"], record["kinds"], bounds, LABEL), rows
