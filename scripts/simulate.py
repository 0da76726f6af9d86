"""What the intervals of the tables cover: simulated runs whose truth is known, as two tables in Markdown.

    python scripts/simulate.py [REPETITIONS]

A reply refuses with the probability expit(m + prompt + wording + seed), normal effects with the standard deviations of
a row; m is such that the truth, over all prompts, wordings and seeds, is p. Each cell has as many repetitions as asked
for (2,000), drawn with a seed of its own. Called by `make simulate`.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from abstain.tables.statistics import Estimate, difference_of, rate_of

SHARES = (0.02, 0.05, 0.1, 0.5, 0.9, 0.95, 0.98)
ROWS, WORDINGS, SEEDS = 120, 30, (3, 5)
SPREADS = {  # standard deviations of prompts, wordings and seeds, in logits
    "none": (0.0, 0.0, 0.0),
    "prompts": (1.5, 0.0, 0.0),
    "prompts, wordings": (1.0, 1.0, 0.0),
    "prompts, seeds": (1.5, 0.0, 0.5),
    "prompts, wordings, seeds": (1.0, 1.0, 0.5),
}
PAIRS = ((0.96, 0.9), (0.05, 0.15), (0.5, 0.4), (0.9, 0.9), (0.5, 0.5))  # true rates of two arms on the same prompts
SLACK = 1e-12  # rounding
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)


def level_of(share: float, spread: tuple[float, ...]) -> float:
    """The m whose marginal probability is `share`, by Gauss and Hermite's quadrature."""
    width = float(np.hypot.reduce(spread))
    return brentq(lambda m: WEIGHTS @ expit(m + width * NODES) / WEIGHTS.sum() - share, -30, 30)


def drawn(rng: np.random.Generator, shares: tuple[float, ...], spread: tuple[float, ...], seeds: int) -> tuple:
    """Zeros and ones of arms on the same prompts (rows x seeds each), and which wording each row has."""
    wordings = np.arange(ROWS) % WORDINGS
    prompt, wording = rng.normal(0, spread[0], ROWS), rng.normal(0, spread[1], WORDINGS)[wordings]
    arms = []
    for share in shares:
        chance = expit(level_of(share, spread) + (prompt + wording)[:, None] + rng.normal(0, spread[2], seeds))
        arms.append((rng.random(chance.shape) < chance).astype(float))
    return arms, [np.arange(ROWS), wordings]


def rates(repetitions: int) -> Iterator[list]:
    """Coverage and mean width of the interval of a rate, by spread and number of seeds: a column for each share."""
    for name, spread, seeds in cells():
        row = [name, str(seeds)]
        for share in SHARES:
            low, high = intervals(repetitions, (share,), spread, seeds, of_rate)
            row.append(f"{percent(covered(low, high, share))} ({percent(high - low)})")
        yield row


def differences(repetitions: int) -> Iterator[list]:
    """Coverage, power and mean width of the interval of a paired difference: a column for each pair of true rates."""
    for name, spread, seeds in cells():
        row = [name, str(seeds)]
        for pair in PAIRS:
            low, high = intervals(repetitions, pair, spread, seeds, of_difference)
            found = (low > SLACK) | (high < -SLACK)
            row.append(f"{percent(covered(low, high, pair[0] - pair[1]))}, {percent(found)} ({percent(high - low)})")
        yield row


def of_rate(sides: list[np.ndarray], groups: list[np.ndarray]) -> Estimate:
    """The rate of the only side."""
    return rate_of(sides[0], groups)


def of_difference(sides: list[np.ndarray], groups: list[np.ndarray]) -> Estimate:
    """The paired difference of two sides."""
    return difference_of(sides[0] - sides[1], groups)


def cells() -> Iterator[tuple]:
    """The rows of both tables: name and standard deviations of a spread, and how many seeds."""
    for name, spread in SPREADS.items():
        yield from ((name, spread, seeds) for seeds in SEEDS)


def intervals(repetitions: int, shares: tuple, spread: tuple, seeds: int, method: Callable) -> tuple:
    """The low and the high ends of the intervals that a method gives to so many draws."""
    rng = np.random.default_rng([*(round(1000 * p) for p in shares), seeds, *(round(10 * each) for each in spread)])
    return np.array([method(*drawn(rng, shares, spread, seeds)).numbers[1:] for _ in range(repetitions)]).T


def covered(low: np.ndarray, high: np.ndarray, truth: float) -> np.ndarray:
    """Which intervals hold the truth."""
    return (low <= truth + SLACK) & (truth - SLACK <= high)


def percent(values: np.ndarray) -> str:
    """The mean, in whole percent."""
    return f"{100 * float(values.mean()):.0f}"


def table(columns: list[str], rows: Iterator[list]) -> None:
    """Print a table, row by row as it is found."""
    for row in (columns, ["---"] * len(columns)):
        print(f"| {' | '.join(row)} |", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"Coverage in percent (mean width in points) of the interval of a rate, {repetitions} repetitions a cell:\n")
    table(["spread", "seeds", *(f"p = {share:g}" for share in SHARES)], rates(repetitions))
    print(
        "\nThe paired difference of two arms: coverage in percent, how often 0 lies outside (mean width in points):\n"
    )
    pairs = [f"{first:g} and {second:g}" for first, second in PAIRS]
    table(["spread", "seeds", *pairs], differences(repetitions))
