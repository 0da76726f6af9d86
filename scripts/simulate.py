"""What the intervals of the tables cover: simulated runs whose truth is known, as two tables in Markdown.

    python scripts/simulate.py [REPETITIONS]

A reply refuses with the probability expit(m + prompt + wording + seed), normal effects with the standard deviations of
a row; m is such that the truth, over all prompts, wordings and seeds, is p. Each cell has as many repetitions as asked
for (2,000), drawn with a seed of its own. Called by `make simulate`.
"""

import sys
from collections.abc import Iterator

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from abstain.tables.statistics import difference_of, rate_of

SHARES = (0.02, 0.05, 0.1, 0.5, 0.9, 0.95, 0.98)
ROWS, WORDINGS, SEEDS = 120, 30, (3, 5)
SPREADS = {  # standard deviations of prompts, wordings and seeds, in logits
    "none": (0.0, 0.0, 0.0),
    "prompts": (1.5, 0.0, 0.0),
    "prompts, wordings": (1.0, 1.0, 0.0),
    "prompts, seeds": (1.5, 0.0, 0.5),
    "prompts, wordings, seeds": (1.0, 1.0, 0.5),
}
PAIRS = ((0.96, 0.9), (0.9, 0.9), (0.05, 0.15), (0.5, 0.5))  # true rates of two arms on the same prompts
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
    for name, spread in SPREADS.items():
        for seeds in SEEDS:
            cells = []
            for share in SHARES:
                rng = np.random.default_rng([round(1000 * share), seeds, *(round(10 * each) for each in spread)])
                found = []
                for _ in range(repetitions):
                    (values,), groups = drawn(rng, (share,), spread, seeds)
                    found.append(rate_of(values, groups).numbers[1:])
                low, high = np.array(found).T
                covered = 100 * float(((low <= share + 1e-12) & (share - 1e-12 <= high)).mean())
                cells.append(f"{covered:.0f} ({100 * float((high - low).mean()):.0f})")
            yield [name, str(seeds), *cells]


def differences(repetitions: int) -> Iterator[list]:
    """Coverage, mean width and power of the interval of a paired difference."""
    for pair in PAIRS:
        for name, spread in SPREADS.items():
            for seeds in SEEDS:
                rng = np.random.default_rng([*(round(1000 * p) for p in pair), seeds, *(round(10 * s) for s in spread)])
                found = []
                for _ in range(repetitions):
                    (first, second), groups = drawn(rng, pair, spread, seeds)
                    found.append(difference_of(first - second, groups).numbers[1:])
                low, high = np.array(found).T
                truth = pair[0] - pair[1]
                shares = ((low <= truth) & (truth <= high)).mean(), (high - low).mean(), ((low > 0) | (high < 0)).mean()
                numbers = [f"{100 * float(each):.0f}" for each in shares]
                yield [f"{pair[0]:g} and {pair[1]:g}", name, str(seeds), *numbers]


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
    print("\nThe paired difference of two arms: coverage (%), mean width (points), how often 0 lies outside (%):\n")
    table(["true rates", "spread", "seeds", "coverage", "width", "found"], differences(repetitions))
