"""How well a number tells rows to refuse from rows to answer: statistics of N rows, each a function of arrays of N.

`truth` is 1 for a row that should be refused and 0 for one that should be answered, `abstained` is what was done, `p`
is a probability of abstaining, `risk` is 1 for a row that is not answered right. A statistic that is not defined, such
as a precision where nobody abstained, is NaN.
"""

import math

BINS = 10  # of equal width, for the calibration error


def precision(truth, abstained) -> float:
    """The share of rows to refuse among those abstained from."""
    return share(truth * abstained, abstained)


def f1(truth, abstained) -> float:
    """The harmonic mean of the precision and the recall of abstaining; NaN where no row should be refused."""
    return 2 * float((truth * abstained).sum()) / float(truth.sum() + abstained.sum()) if truth.sum() else math.nan


def share(part, whole) -> float:
    """The sum of one column over that of another."""
    return float(part.sum() / whole.sum()) if whole.sum() else math.nan


def auroc(truth, p) -> float:
    """The chance that a row to refuse has a larger p than a row to answer (Mann and Whitney 1947); ties count half."""
    import numpy as np

    positives = truth.sum()
    negatives = len(truth) - positives
    if not positives or not negatives:
        return math.nan
    _, places, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return float((ranks[truth == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def risk_coverage(p, risk) -> tuple:
    """Coverage from 1 / N to 1, and the mean risk of so large a part of the rows, those with the least p first.

    Rows of one p have their mean risk, because nothing says which of them comes first.
    """
    import numpy as np

    _, places, counts = np.unique(p, return_inverse=True, return_counts=True)
    means = np.bincount(places, risk) / counts
    ranks = np.arange(1, len(p) + 1)
    return ranks / len(p), np.cumsum(np.repeat(means, counts)) / ranks


def aurc(p, risk) -> float:
    """The area under the risk-coverage curve: the mean risk over all coverages (Geifman and El-Yaniv 2017, arXiv
    1705.08500). In random order it is the share of rows that are not answered right.
    """
    return float(risk_coverage(p, risk)[1].mean())


def calibration_error(truth, p) -> float:
    """The expected calibration error: how far p is from the share to refuse, over ten bins (Guo et al. 2017, arXiv
    1706.04599).
    """
    import numpy as np

    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(bins, p - truth)).sum() / len(p))


def threshold(truth, p) -> float:
    """The p from which on to abstain, so that the share of rows to refuse that are abstained from exceeds that of rows
    to answer by most (Youden, Cancer 3, 1950); infinite where no p helps. Of equally good ones it is the greatest.
    """
    import numpy as np

    refuse, answer = p[truth == 1], p[truth == 0]
    if not len(refuse) or not len(answer):
        return math.nan
    candidates = np.unique(p)[::-1]
    gains = [(refuse >= p).sum() * len(answer) - (answer >= p).sum() * len(refuse) for p in candidates]
    place = int(np.argmax(gains))
    return float(candidates[place]) if gains[place] > 0 else math.inf
