"""What the plots share: the order and look of arms, the rows they draw, whiskers, counts, and writing a figure."""

from abstain.jobs.files import whole
from abstain.settings.arms import ALL, UNSEEDED

MARKERS = "osD^vPX*"
NUMBERS = ("value", "low", "high")


def looks(runs: dict) -> dict[str, dict]:
    """Colour and marker of each arm, by the order of the record: an arm looks the same in all figures of a study."""
    arms = dict.fromkeys(arm for arm, *_ in runs)
    return {arm: {"color": f"C{place}", "marker": MARKERS[place % len(MARKERS)]} for place, arm in enumerate(arms)}


def rows_for(summary, runs: dict, mix: str, needs: list[tuple[str, str, str]]):
    """The rows of the summary that a figure needs, as numbers, in the order of the record: arms, seeds, needs."""
    arms, seeds, wanted = (_places(names) for names in ([a for a, *_ in runs], [s for _, s, _ in runs], needs))
    seeds.setdefault(ALL, len(seeds))
    rows = summary[summary.mix == mix]
    each = list(zip(rows.arm, rows.seed, rows.condition, rows.kind, rows.metric, strict=True))
    chosen = [place for place, row in enumerate(each) if row[2:] in wanted]
    chosen.sort(key=lambda place: (arms[each[place][0]], seeds[each[place][1]], wanted[each[place][2:]]))
    rows = rows.iloc[chosen].reset_index(drop=True)
    numbers = {name: rows[name].replace("", "nan").astype(float) for name in NUMBERS}
    return rows.assign(**numbers, n=rows.n.astype(int))


def _places(names) -> dict:
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def run_name(arm: str, seed: str) -> str:
    """A run as figures name it."""
    return arm if seed == UNSEEDED else f"{arm}, seed {seed}"


def whiskers(value, low, high) -> list:
    """An interval as matplotlib's error bars want it: how far it goes to each side of the value."""
    return [(value - low).clip(lower=0), (high - value).clip(lower=0)]


def count(numbers) -> str:
    """One n for all, or the least and the greatest."""
    least, greatest = min(numbers), max(numbers)
    return f"{least}" if least == greatest else f"{least} to {greatest}"


def invalid(rows):
    """How many replies are invalid, from rows of that metric."""
    return (rows.value * rows.n).round().astype(int)


def save(figure, svg: str, png: str) -> None:
    """Write both formats without dates or program names, so that equal figures have equal bytes."""
    import matplotlib.pyplot as plt

    for path, kind, metadata in ((svg, "svg", {"Date": None, "Creator": None}), (png, "png", {"Software": None})):
        with whole(path) as part:
            figure.savefig(part, format=kind, metadata=metadata)
    plt.close(figure)
