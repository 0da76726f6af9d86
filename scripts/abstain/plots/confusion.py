"""Truth against reading, as the scorer label has them: a panel for each arm, a row of panels for each condition."""

from abstain.plots.marks import arms_of, count
from abstain.scorers.label import UNREAD
from abstain.settings.arms import ALL

METRIC = "accuracy"
KEYS = ["arm", "seed", "condition", "truth", "reading"]


def needs(record: dict) -> list[tuple[str, str, str]]:
    """What the summary must hold of the mix: (condition, kind, metric)."""
    return [(condition, ALL, METRIC) for condition in record["conditions"]]


def draw(summary, runs: dict, record: dict, bounds: list[dict]):
    """The figure and its numbers: of each truth how many replies, and what share of them, are read as each word.

    A panel shows an arm over its seeds; the numbers are those of each run too.
    """
    import matplotlib.pyplot as plt

    numbers, words = _counted(runs, record), _words(runs, record)
    arms, conditions = list(dict.fromkeys(numbers.arm)), record["conditions"]
    size = (1.15 * len(arms) + 1.2, 1.25 * len(conditions) + 0.75)
    figure, axes = plt.subplots(len(conditions), len(arms), figsize=size, squeeze=False, sharex=True, sharey=True)
    for line, condition in zip(axes, conditions, strict=True):
        for axis, arm in zip(line, arms, strict=True):
            shown = numbers[(numbers.arm == arm) & (numbers.seed == ALL) & (numbers.condition == condition)]
            _panel(axis, shown, words)
            axis.set_title(arm, fontsize=9, loc="center")
        by_run = numbers[(numbers.condition == condition) & (numbers.seed != ALL)]
        labels = [f"{word} (n = {count(by_run[by_run.truth == word].n)})" for word in words]
        line[0].set(yticks=range(len(words)), yticklabels=labels, ylabel=f"truth, {condition}")
    figure.supxlabel("read as (% of each truth)", fontsize=9)
    figure.set_layout_engine("constrained", wspace=0.02)
    return figure, numbers


def _words(runs: dict, record: dict) -> list[str]:
    """The two words, the positive one first."""
    import pandas as pd

    replies = pd.concat([replies for (*_, mix), replies in runs.items() if mix == record["mix"]])
    return list(dict.fromkeys(replies.sort_values("truth_is_positive", ascending=False).truth))


def _counted(runs: dict, record: dict):
    """A row for each run, and for each arm over its runs, with every truth and every reading, in this order."""
    import pandas as pd

    words, found = _words(runs, record), []
    for arm in arms_of(record, runs):
        by_seed = {seed: replies for (name, seed, mix), replies in runs.items() if (name, mix) == (arm, record["mix"])}
        for seed, replies in {**by_seed, ALL: pd.concat(by_seed.values())}.items():
            for condition in record["conditions"]:
                selected = replies[replies.condition == condition]
                found += [
                    {"arm": arm, "seed": seed, "condition": condition, "truth": truth, "reading": reading}
                    | {"replies": int((of.reading == reading).sum()), "n": len(of)}
                    for truth, of in ((word, selected[selected.truth == word]) for word in words)
                    for reading in (*words, UNREAD)
                ]
    table = pd.DataFrame(found, columns=[*KEYS, "replies", "n"])
    return table.assign(share=table.replies / table.n)


def _panel(axis, rows, words: list[str]) -> None:
    """Shares as shades and numbers; a frame is around what is right."""
    import numpy as np
    from matplotlib.patches import Rectangle

    readings = [*words, UNREAD]
    shares = rows.pivot(index="truth", columns="reading", values="share").loc[words, readings].to_numpy()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1.25, aspect="auto")
    for (place, column), share in np.ndenumerate(shares):
        ink = "white" if share > 0.7 else "0.1"
        axis.text(column, place, f"{100 * share:.0f}", ha="center", va="center", fontsize=9, color=ink)
        if place == column:
            frame = {"fill": False, "edgecolor": "0.1", "linewidth": 1.1, "zorder": 3}
            axis.add_patch(Rectangle((column - 0.46, place - 0.45), 0.92, 0.9, **frame))
    axis.set_xticks(range(len(readings)), readings, fontsize=8)
    axis.tick_params(length=0)
    axis.grid(False)
