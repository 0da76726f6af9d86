"""Numbers of all rows together, such as an F1, as values of rows: so intervals, clusters and comparisons hold for them.

A row's value is the number, moved by how much the number would change without the row (the infinitesimal part of the
jackknife; Miller, Biometrika 61, 1974). The mean of the values is the number itself, and their spread is what its
variance is estimated from, as for any mean.
"""

from collections.abc import Callable

Statistic = Callable[..., float]  # of one array for each column, all of one length


def influences(scores, columns: list[str], statistic: Statistic, by: list[str]):
    """The values, as a Series, of a statistic of `columns` among the rows of a table that agree in the columns `by`.

    NaN for a row that lacks one of the columns, and for all rows of a group of which the statistic is no number, with
    or without any one of its rows.
    """
    values = scores.index.to_series().map(lambda _: float("nan"))
    for _, group in scores.dropna(subset=columns).groupby(by, sort=False):
        values.loc[group.index] = values_of([group[column].to_numpy() for column in columns], statistic)
    return values


def values_of(columns: list, statistic: Statistic):
    """The value of every row of N, from arrays of N; all NaN where the statistic is not defined."""
    import numpy as np

    many, whole = len(columns[0]), statistic(*columns)
    if many < 2:
        return np.full(many, np.nan)
    without = np.array([statistic(*(np.delete(column, row) for column in columns)) for row in range(many)])
    return whole + (many - 1) * (without.mean() - without)
