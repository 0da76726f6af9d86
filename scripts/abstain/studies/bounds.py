"""The bounds of a study's claims as figures draw them: under every name that the bounded number has in the summary.

Where all rows to refuse are of one kind, correct refusal over all kinds and refusal of that kind are one number.
"""

from abstain.scorers.metric import Metric
from abstain.scorers.metric import load as load_scorer
from abstain.settings.arms import ALL
from abstain.settings.claims import bounds_of


def bounds_on(study: dict, mix: str) -> list[dict]:
    """The bounds of `abstain.settings.claims.bounds_of`, and each once more for every other name of its number."""
    rows, found = study["mixes"][mix]["rows"], []
    for bound in bounds_of(study["claims"], mix):
        found += [each for each in (bound, *_others(bound, rows, study["scorers"])) if each not in found]
    return found


def _others(bound: dict, rows: list[dict], scorers: dict) -> list[dict]:
    """The same bound for every other metric that computes this number from the same rows; a gap has only one name."""
    selected_rows = [row for row in rows if row["prompt"] == bound["condition"]]
    of = [metric for scorer in scorers for metric in load_scorer(scorer).METRICS]
    own = next((metric for metric in of if metric.name == bound["metric"]), None)
    if own is None or not selected_rows:
        return []
    over = _rows(own, bound["kind"], selected_rows)
    same = [metric for metric in of if (metric.values, metric.kind, metric.pool) == (own.values, own.kind, own.pool)]
    kinds = [(metric, kind) for metric in same for kind in _kinds(metric, selected_rows)]
    return [bound | {"metric": m.name, "kind": kind} for m, kind in kinds if _rows(m, kind, selected_rows) == over]


def _kinds(metric: Metric, rows: list[dict]) -> list[str]:
    return list(dict.fromkeys(row["kind"] for row in rows)) if metric.by_kind else [ALL]


def _rows(metric: Metric, kind: str, rows: list[dict]) -> list[dict]:
    """The rows of a mix that a metric of a kind is over."""
    return [row for row in rows if row["should"] in metric.should and kind in (row["kind"], ALL)]
