"""How a preference was learned: log-probabilities and margins before each step, a column of panels for each arm."""

from abstain.plots.marks import arms_of, fitted, looks
from abstain.settings.arms import PREFERENCES

METHODS = (PREFERENCES,)  # of the recipes whose trainings it shows
LINES = {"chosen": "-", "rejected": (0, (3, 1.5))}  # of the upper panels


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: nothing, as no reply is shown."""
    return []


def draw(summary, runs: dict, record: dict, bounds: list[dict], losses: dict):
    """The figure and its numbers, as each training wrote them down; a line for each seed, a wide one for their mean.

    `losses` is a table of steps for each (arm, seed).
    """
    import matplotlib.pyplot as plt
    import pandas as pd

    found = [losses[run].assign(arm=run[0], seed=run[1]) for run in _order(record, runs, losses)]
    numbers = pd.concat(found, ignore_index=True)
    numbers = numbers[["arm", "seed", *losses[next(iter(losses))].columns]]
    arms = list(dict.fromkeys(numbers.arm))
    size = (2.9 * len(arms) + 1.5, 4.3)
    figure, axes = plt.subplots(2, len(arms), figsize=size, squeeze=False, sharex=True, sharey="row")
    for column, arm in enumerate(arms):
        rows, colour = numbers[numbers.arm == arm], looks(runs)[arm]["color"]
        for name, dashes in LINES.items():
            _lines(axes[0][column], rows, name, {"color": colour, "linestyle": dashes})
        _lines(axes[1][column], rows, "margin", {"color": colour})
        axes[1][column].axhline(0, color="0.4", linewidth=0.8, zorder=0.5)
        axes[0][column].set_title(arm)
        axes[1][column].set_xlabel("step")
    _scale(axes, numbers)
    axes[0][0].set_ylabel("log-probability\nof the reply (nats)")
    axes[1][0].set_ylabel("margin\n(difference of rewards)")
    figure.legend(*_explained(), loc="outside lower center", ncols=1 if len(arms) == 1 else 3, fontsize=8)
    figure.set_layout_engine("constrained")
    return figure, numbers


def _order(record: dict, runs: dict, losses: dict) -> list[tuple[str, str]]:
    """The runs, by the order in which the record names the arms."""
    return [run for arm in arms_of(record, runs) for run in losses if run[0] == arm]


def _lines(axis, rows, name: str, look: dict) -> None:
    """A thin line for each seed and a wide one for the mean of all seeds."""
    for _, run in rows.groupby("seed", sort=False):
        axis.plot(run.step, run[name], linewidth=0.7, alpha=0.45, **look)
    mean = rows.groupby("step")[name].mean()
    axis.plot(mean.index, mean, linewidth=1.7, **look)


def _scale(axes, numbers) -> None:
    """Axes that fit the numbers: one of steps, and one for each row of panels."""
    import pandas as pd

    x, upper, lower = map(fitted, (numbers.step, pd.concat([numbers[name] for name in LINES]), numbers.margin))
    axes[0][0].set(xlim=x["lim"], xticks=x["ticks"], ylim=upper["lim"], yticks=upper["ticks"])
    axes[1][0].set(ylim=lower["lim"], yticks=lower["ticks"])


def _explained() -> tuple[list, list[str]]:
    """What the legend says of the lines."""
    from matplotlib.lines import Line2D

    wide = {"color": "0.2", "linewidth": 1.7}
    entries = {f"{name} reply, mean of the seeds": Line2D([], [], linestyle=d, **wide) for name, d in LINES.items()}
    entries["single run"] = Line2D([], [], color="0.2", linewidth=0.7, alpha=0.45)
    return list(entries.values()), list(entries)
