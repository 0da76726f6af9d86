"""Readers of questions without a passage: what people typed (NQ-open), and what wants a true premise (FalseQA).

`references` are all answers that count as right; a row without the field has an answer that no comparison of words
could grade. `reference` is the answer that is taught.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from abstain.corpora.download import CorpusError
from abstain.corpora.lines import Quarantined, csv_rows, is_text, json_rows, plain_text, text_id

PREMISES = {"1": "false-premise", "0": "true-premise"}  # by FalseQA's label


def read_nq_open(questions: str) -> Iterator[dict | Quarantined]:
    """NQ-open (Lee, Chang and Toutanova 2019, arXiv 1906.00300): JSON Lines, questions with short answers and without a
    passage. They are in small letters and have no question mark, as people typed them. Kind open.
    """
    seen: dict[str, str] = {}
    for where, row in json_rows(questions, ["question"]):
        if isinstance(row, Quarantined):
            yield row
            continue
        question, references = row["question"].strip(), row.get("answer")
        plain = plain_text(question)
        if not (isinstance(references, list) and references and all(map(is_text, references))):
            yield Quarantined(where, "answer must be a list of texts that are not empty")
        elif plain in seen:
            yield Quarantined(where, f"the same question as {seen[plain]}")
        else:
            seen[plain] = where
            answers = {"reference": references[0], "references": references}
            yield {"id": f"nq-{text_id(plain)}", "kind": "open", "question": question, "text": plain, **answers}


def read_falseqa(train: str, validation: str) -> Iterator[dict | Quarantined]:
    """FalseQA (arXiv 2307.02394): two CSV files, questions with a false premise and twins with a true one.

    In each file the twins are in the order of their questions; a question and its twin have the same `pair`. The human
    reply to a false premise is `rebuttal`, the one to a true premise `reference`. A question that occurs again is set
    aside, and every time if it has both labels.
    """
    rows = [row for name, path in (("train", train), ("validation", validation)) for row in _twins(name, path)]
    labels: dict[str, set[str]] = {}
    for _, row in rows:
        labels.setdefault(plain_text(row["question"]), set()).add(row["label"])
    seen: dict[str, str] = {}
    for where, row in rows:
        plain = plain_text(row["question"])
        if reason := _odd(row, labels[plain], seen.get(plain)):
            yield Quarantined(where, reason)
            continue
        seen[plain], kind = where, PREMISES[row["label"]]
        answer = {"reference" if kind == "true-premise" else "rebuttal": row["answer"].strip()}
        fields = {"id": row["id"], "kind": kind, "question": row["question"].strip(), "text": plain}
        yield {**fields, "pair": row["pair"], **answer}


def _twins(name: str, path: str) -> list[tuple[str, dict[str, str]]]:
    """Place and row of each record, with its pair; CorpusError where the labels are not in two halves that fit."""
    rows, counts = [], Counter()
    for number, (where, row) in enumerate(csv_rows(path, ["question", "answer", "label"]), start=1):
        counts[row["label"]] += 1
        pair = f"{name} {counts[row['label']]}"
        rows.append((f"{name}, {where}", {**row, "id": f"falseqa-{name}-{number}", "pair": pair}))
    if len({counts[label] for label in PREMISES}) > 1 or set(counts) != set(PREMISES):
        raise CorpusError(
            f"{Path(path).name} has {dict(counts)} questions by label; there must be as many of 1 (a false premise) "
            "as of 0 (its twin), and no others. Bring the published file back"
        )
    return rows


def _odd(row: dict, labels: set[str], first: str | None) -> str | None:
    if not is_text(row["question"]) or not is_text(row["answer"]):
        return "question and answer must be texts that are not empty"
    if len(labels) > 1:
        return "asked with a false and with a true premise"
    return f"the same question as {first}" if first else None
