"""A classifier of character n-grams: a control that knows how words are written and nothing of what they mean."""

from collections.abc import Iterator

from abstain.corpora.mixes import fill
from abstain.corpora.splits import SplitError

GRAMS = (1, 4)  # letters of an n-gram, which reaches over no end of a word
PENALTY = 10.0  # the inverse of the regression's penalty


def classified(learned: list[dict], rows: list[dict], control: dict) -> Iterator[dict]:
    """Replies {"id", "reply", "tokens", "finished"} to the rows of a mix whose kind is one of the control's.

    The reply is the field's value that a logistic regression on TF-IDF weights of n-grams predicts from the question
    alone (scikit-learn's TfidfVectorizer and LogisticRegression). It is fitted on the rows `learned`. It counts as a
    reply that ended; no token is generated.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=GRAMS, lowercase=True)
    model = make_pipeline(grams, LogisticRegression(C=PENALTY, max_iter=1000))
    model.fit(*texts_and_labels(learned, control))
    selected_rows = [row for row in rows if row["kind"] in control["kinds"]]
    for row, label in zip(selected_rows, model.predict([row["question"] for row in selected_rows]), strict=True):
        yield {"id": row["id"], "reply": str(label), "tokens": 0, "finished": True}


def texts_and_labels(rows: list[dict], control: dict) -> tuple[list[str], list[str]]:
    """The questions of a mix, each request once, and the values of the control's field.

    Raises SplitError for a row without it, and when all have the same value.
    """
    requests = {row["request"]: row for row in rows}.values()
    labels = [fill(f"{{{control['field']}}}", row) for row in requests]
    if len(set(labels)) < 2:
        raise SplitError(
            f"all {len(labels)} questions of the mix {control['fits']!r} have one value of the field "
            f"{control['field']!r}, so nothing could be told apart; fit it on a mix that has two at least"
        )
    return [row["question"] for row in requests], labels
