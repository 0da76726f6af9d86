"""Compare what is trained on with what is scored on: a leak stops the run, neighbours are listed.

Every row is tried as `render` will write it, and as controls reply to it, so that a row which cannot be read or filled
in stops the run before any training.
"""

from pathlib import Path

from abstain.chats.checks import TemplateError
from abstain.chats.limits import Limits, limits_of
from abstain.chats.rows import check_base, pair_of, tokens_of
from abstain.chats.templates import compare_systems
from abstain.corpora.classifier import texts_and_labels
from abstain.corpora.controls import recited
from abstain.corpora.lines import plain_text
from abstain.corpora.neighbours import find_leaks, near_duplicates, shared_templates
from abstain.corpora.splits import SplitError, divided_by
from abstain.jobs.files import read_jsonl, write_json
from abstain.models.loading import load_tokenizer


def audit(
    examples: list[str], base: list[str], compared: dict[str, list[str]], splits: dict[str, dict],
    licences: dict[str, str], lengths: dict[str, dict], controls: dict[str, dict], card: str,
) -> None:  # fmt: skip
    """Write the split card, or raise SplitError naming what is on both sides.

    `compared` maps each mix that is trained on or stopped by to the scored mixes with which it must share no request,
    no text and no value of its split's fields; `splits` gives its split. A mix and its evaluation must share the system
    message of a condition, as the template of `base` writes it, or TemplateError is raised. `lengths` holds the
    limits of each mix, as for `render`; `controls` the records of the controls on each mix.
    """
    tokenizer = load_tokenizer(Path(base[0]).parent)
    rows = {Path(path).parent.name: _plain(path) for path in examples}
    for mix, each in lengths.items():
        _try_rows(tokenizer, mix, rows[mix], limits_of(Path(base[0]).parent, **each))
    _try_controls(rows, controls)
    new = {name: [row for row in rows[name] if "seen" not in row] for name in rows}
    _refuse_unseen(rows, compared)
    report = {mix: {"rows": len(rows[mix]), "kinds": _count(rows[mix], "kind"), "against": {}} for mix in compared}
    for mix, evaluations in compared.items():
        for evaluation in evaluations:
            train, test = rows[mix], new[evaluation]
            _refuse_leaks(mix, evaluation, train, test, splits[mix])
            report[mix]["against"][evaluation] = _neighbours(train, test) | {
                "conditions_never_trained": compare_systems(tokenizer, train, rows[evaluation])
            }
    scored = sorted({evaluation for evaluations in compared.values() for evaluation in evaluations})
    sources = {row["source"] for name in rows for row in rows[name]}
    write_json(
        card,
        {
            "evaluation": {name: {"rows": len(rows[name]), "kinds": _count(rows[name], "kind")} for name in scored},
            "mixes": report,
            "leaks": 0,
            "licences": sorted({licences[source] for source in sources}),
        },
    )


def _try_rows(tokenizer, mix: str, rows: list[dict], limits: Limits) -> None:
    check_base(tokenizer, limits)
    try:
        for row in rows:
            tokens_of(tokenizer, row, limits)
            if "rejected" in row:
                pair_of(tokenizer, row, limits)
    except TemplateError as error:
        raise TemplateError(f"mix {mix!r}, {error}") from error


def _try_controls(rows: dict[str, list[dict]], controls: dict[str, dict]) -> None:
    for mix, arms in controls.items():
        for arm, control in arms.items():
            try:
                if "fits" in control:
                    texts_and_labels(rows[control["fits"]], control)
                else:
                    list(recited(rows[mix], control))
            except SplitError as error:
                raise SplitError(f"the control {arm!r} on the mix {mix!r}: {error}") from error


def _refuse_leaks(mix: str, evaluation: str, train: list[dict], test: list[dict], split: dict) -> None:
    if leaks := find_leaks(train, test, ["request", "plain", *divided_by(split)]):
        shared = "; ".join(f"{field}: {', '.join(values[:5])}" for field, values in leaks.items())
        raise SplitError(
            f"mix {mix!r} shares with the evaluation {evaluation!r} {shared}. No arm is trained. Split by these fields."
        )


def _refuse_unseen(rows: dict[str, list[dict]], compared: dict[str, list[str]]) -> None:
    """Raise SplitError for a row that is marked as `seen` in training, and so no leak, but is in no training mix."""
    for evaluation in sorted({name for names in compared.values() for name in names}):
        learned = {row["plain"] for mix in compared if evaluation in compared[mix] for row in rows[mix]}
        if odd := [row["id"] for row in rows[evaluation] if "seen" in row and row["plain"] not in learned]:
            raise SplitError(
                f"the evaluation {evaluation!r} says that {', '.join(odd[:5])} were seen in training, and no mix that "
                "is trained on has their text. Take `seen` away, or train on them."
            )


def _neighbours(train: list[dict], test: list[dict]) -> dict:
    near, pairs = near_duplicates(_texts(train), _texts(test), threshold=0.6, most=20)
    name = "word 3-gram Jaccard of at least 0.6"
    return {
        "near_duplicates": {name: near, "of": len(_texts(test)), "closest": pairs},
        "shared_templates": shared_templates(train, test),
    }


def _plain(path: str) -> list[dict]:
    return [{**row, "plain": plain_text(row["question"])} for row in read_jsonl(path)]


def _texts(rows: list[dict]) -> list[str]:
    return sorted({row["question"] for row in rows})


def _count(rows: list[dict], field: str) -> dict[str, int]:
    return {value: sum(row[field] == value for row in rows) for value in sorted({row[field] for row in rows})}


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        audit(**job)
