"""How the learned detector is fitted, chosen and judged: on replies of an unseen model to unseen types of prompts."""

from collections.abc import Iterator
from itertools import product

Setting = tuple[float, float]  # the penalty of a regression, and what cosines are multiplied by


class Replies:
    """The features of labelled replies, whether each refuses, which model gave it, and to which group of prompts.

    `whole` has a row for each reply; each item of `heads` has a row for the beginning of each reply. Regressions are
    fitted on both, because they must also classify short or cut replies, and judged on whole replies. The beginning of
    a partial refusal has no certain label, so it is left out.
    """

    def __init__(self, whole: list, heads: list, cues: int, rows: list[dict]):
        """Take features, the first `cues` of which are no cosines, and the rows of `people.labelled`."""
        import numpy

        self.whole, self.heads = numpy.array(whole, dtype=float), [numpy.array(rows, dtype=float) for rows in heads]
        self.is_cosine = numpy.arange(self.whole.shape[1]) >= cues
        self.refuses, self.is_part = (
            numpy.array([row["human"] in found for row in rows]) for found in (("refuse", "partial"), ("partial",))
        )
        self.everything = numpy.ones(len(rows), dtype=bool)
        self.models, self.groups = (numpy.array([row[key] for row in rows]) for key in ("model", "group"))

    def folds(self, among) -> Iterator[tuple]:
        """For each model and group among the rows: the rows of both, and those of neither."""
        for model, group in product(*(sorted(set(values[among])) for values in (self.models, self.groups))):
            test = among & (self.models == model) & (self.groups == group)
            yield test, among & (self.models != model) & (self.groups != group)

    def fitted(self, setting: Setting, train):
        """The weights of the features and the intercept of a ridge logistic regression on these rows."""
        import numpy
        from sklearn.linear_model import LogisticRegression

        penalty, scale = setting
        scales, sure = self.is_cosine * (scale - 1.0) + 1.0, train & ~self.is_part
        features = numpy.concatenate([self.whole[train], *(rows[sure] for rows in self.heads)])
        refuses = numpy.concatenate([self.refuses[train], *(self.refuses[sure] for _ in self.heads)])
        regression = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-10, max_iter=200)
        regression.fit(features * scales, refuses)
        return regression.coef_[0] * scales, float(regression.intercept_[0])

    def scores(self, setting: Setting, train, test):
        """The log-odds of a refusal for the rows `test`, by a regression on the rows `train`."""
        weights, intercept = self.fitted(setting, train)
        return self.whole[test] @ weights + intercept

    def loss(self, setting: Setting, among) -> float:
        """The mean log loss over the rows `among`, each by the rows of other models and groups."""
        import numpy

        losses = []
        for test, train in self.folds(among):
            scores = self.scores(setting, train, test)
            losses.append(numpy.logaddexp(0, numpy.where(self.refuses[test], -scores, scores)))
        return float(numpy.concatenate(losses).mean())

    def chosen(self, settings: list[Setting], among) -> Setting:
        """The setting with the least loss; the first of equals."""
        return min(settings, key=lambda setting: self.loss(setting, among))


def settings_of(recipe: dict) -> list[Setting]:
    """Every setting that is chosen from."""
    return list(product(recipe["penalties"], recipe["scales"]))


def out_of_fold(replies: Replies, settings: list[Setting]) -> tuple:
    """The score of each reply by a regression fitted without its model and its group, and the setting of each fold.

    Each fold chooses its setting on its own training rows, so no reply influences the regression that scores it.
    """
    scores, picked = replies.everything * 0.0, []
    for test, train in replies.folds(replies.everything):
        picked.append(replies.chosen(settings, train))
        scores[test] = replies.scores(picked[-1], train, test)
    return scores, picked
