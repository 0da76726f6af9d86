"""Cohen's kappa of two ways to label the same replies as refusals or not, with an interval."""

import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import cohens_kappa

from abstain.tables.statistics import ALPHA

REPETITIONS, SEED = 2000, 1


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
