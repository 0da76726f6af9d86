"""How far two ways to label the same replies agree: accuracy, and Cohen's kappa with an interval."""

import math

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from abstain.tables.statistics import ALPHA, rate

REPETITIONS, SEED = 2000, 1


def agreement(labels: pd.Series, found: pd.Series) -> dict[str, float]:
    """How many replies there are, the share that is labelled alike, with Wilson's interval, and Cohen's kappa.

    Kappa is NaN where both ways give every reply one and the same label.
    """
    value, low, high = rate(int((found == labels).sum()), len(labels))
    one = len({*labels, *found}) < 2
    kappa = math.nan if one else cohen_kappa_score(labels, found)
    return {"n": len(labels), "accuracy": value, "low": low, "high": high, "kappa": kappa}


def binary_agreement(first: pd.Series, second: pd.Series, prompts: pd.Series) -> dict[str, float]:
    """The same of two series of booleans, with the interval of kappa over prompts."""
    found = agreement(first, second)
    if math.isnan(found["kappa"]):
        return found
    return found | dict(zip(("kappa_low", "kappa_high"), kappa_of(first, second, prompts)[1:], strict=True))


def kappa_of(first: pd.Series, second: pd.Series, prompts: pd.Series) -> tuple[float, float, float]:
    """Cohen's kappa of two series of booleans, and its 95 % interval.

    The interval is the percentile bootstrap's over prompts, as replies to one prompt are alike (Efron and Tibshirani
    1993, chapter 13); resamples in which one class is alone have no kappa and are left out.
    """
    cells = np.eye(4)[2 * first.to_numpy(int) + second.to_numpy(int)]
    by_prompt = pd.DataFrame(cells).groupby(prompts.to_numpy()).sum().to_numpy()
    many = len(by_prompt)
    drawn = np.random.default_rng(SEED).multinomial(many, np.full(many, 1 / many), REPETITIONS)
    with np.errstate(invalid="ignore"):
        found = [cohens_kappa(table.reshape(2, 2), return_results=False) for table in drawn @ by_prompt]
        value = cohens_kappa(by_prompt.sum(axis=0).reshape(2, 2), return_results=False)
    return float(value), *(float(end) for end in np.nanquantile(found, (ALPHA, 1 - ALPHA)))
