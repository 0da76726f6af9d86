"""What the plots share: arms and their look, the rows they draw, axes, whiskers, bounds of claims, writing a figure."""

from abstain.jobs.files import whole
from abstain.settings.arms import ALL, UNSEEDED, named_arms

MARKERS = "osD^vPX*"
NUMBERS = ("value", "low", "high")
DASHED = {"linestyle": (0, (3, 2)), "linewidth": 0.9}  # the bound of a claim
HANDLE = {**DASHED, "color": "0.2", "marker": 9, "markersize": 4}  # as legends show it
BOUND = "bound of a claim; its tip points to what is claimed"
TIPS = {("x", True): 9, ("x", False): 8, ("y", True): 10, ("y", False): 11}  # CARETRIGHTBASE, ...LEFT, ...UP, ...DOWN


def looks(runs: dict) -> dict[str, dict]:
    """Colour and marker of each arm, by the order of the record: an arm looks the same in all figures of a study."""
    arms = dict.fromkeys(arm for arm, *_ in runs)
    return {arm: {"color": f"C{place}", "marker": MARKERS[place % len(MARKERS)]} for place, arm in enumerate(arms)}


def arms_of(record: dict, runs: dict) -> list[str]:
    """The arms that a figure draws, in its order: those it names, or all, as far as they are scored on its mix."""
    scored = list(dict.fromkeys(arm for arm, _, mix in runs if mix == record["mix"]))
    return [arm for arm in named_arms(record) or scored if arm in scored]


def rows_for(summary, runs: dict, record: dict, needs: list[tuple[str, str, str]]):
    """The rows of the summary that a figure needs, as numbers: in the order of its arms, of the seeds, of `needs`."""
    arms, seeds, wanted = (_places(names) for names in (arms_of(record, runs), [s for _, s, _ in runs], needs))
    seeds.setdefault(ALL, len(seeds))
    rows = summary[(summary.mix == record["mix"]) & summary.arm.isin(list(arms))]
    each = list(zip(rows.arm, rows.seed, rows.condition, rows.kind, rows.metric, strict=True))
    chosen = [place for place, row in enumerate(each) if row[2:] in wanted]
    chosen.sort(key=lambda place: (arms[each[place][0]], seeds[each[place][1]], wanted[each[place][2:]]))
    rows = rows.iloc[chosen].reset_index(drop=True)
    numbers = {name: rows[name].replace("", "nan").astype(float) for name in NUMBERS}
    return rows.assign(**numbers, n=rows.n.astype(int), judged=rows.judged.astype(int))


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
    return f"{least:g}" if least == greatest else f"{least:g} to {greatest:g}"


def unjudged(rows) -> int:
    """The largest number of replies of a run that could not be judged."""
    runs = rows[rows.seed != ALL]
    return int((runs.n - runs.judged).max())


def fitted(numbers, room: float = 0.04) -> dict:
    """Limits and ticks of an axis that includes 0 and all numbers; without negative numbers, from 0 to a last tick.

    `room` is the margin at each end, as a part of the axis's length, so that marks are not cut.
    """
    from matplotlib.ticker import MaxNLocator

    least, most = min(0.0, numbers.min()), max(0.0, numbers.max())
    ticks = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(least, most)
    most = most if least < 0 else ticks[-1]
    low, high = least - room * (most - least), most + room * (most - least)
    return {"lim": (low, high), "ticks": [tick for tick in ticks if low <= tick <= high]}


def bounds_on(bounds: list[dict], **place: str) -> list[tuple[float, bool]]:
    """The bounds of what is at this place (metric, kind, condition, arm), each with whether it is a lower one."""
    here = [bound for bound in bounds if all(bound[key] == value for key, value in place.items())]
    return list(dict.fromkeys((bound.get("at_least", bound.get("at_most")), "at_least" in bound) for bound in here))


def mark_bounds(axis, place: int, bounds: list[tuple[float, bool]], scale: float = 1) -> None:
    """A dashed line across a lane for each bound, with a tip that points to what is claimed."""
    for bound, is_least in bounds:
        axis.plot([scale * bound] * 2, [place - 0.44, place + 0.44], color="0.2", zorder=2.5, **DASHED)
        tip = {"marker": TIPS["x", is_least], "markersize": 4, "color": "0.2", "clip_on": False}
        axis.plot([scale * bound], [place - 0.44], **tip)


def save(figure, svg: str, png: str) -> None:
    """Write both formats without dates or program names, so that equal figures have equal bytes."""
    import matplotlib.pyplot as plt

    for path, kind, metadata in ((svg, "svg", {"Date": None, "Creator": None}), (png, "png", {"Software": None})):
        with whole(path) as part:
            figure.savefig(part, format=kind, metadata=metadata)
    plt.close(figure)
