"""Readers of questions that have a short answer, or none: in a passage (SQuAD), in nobody's hand (NQ-open), for want of
a true premise (FalseQA).

`references` are all answers that count as right, none for a question without one; a row without the field has an answer
that no comparison of words could grade. `reference` is the answer that is taught.
"""

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from abstain.corpora.download import CorpusError
from abstain.corpora.lines import Quarantined, csv_rows, is_text, json_rows, plain_text, text_id

ANSWERABLE = {False: "answerable", True: "unanswerable"}  # by SQuAD's `is_impossible`
PREMISES = {"1": "false-premise", "0": "true-premise"}  # by FalseQA's label


class Asked(NamedTuple):
    """A question of a SQuAD file as it stands there: its article and paragraph, and its place in words."""

    where: str
    article: str
    passage: str  # the paragraph, by its article and number
    context: str
    row: dict


class Passage(NamedTuple):
    """A paragraph that another article's questions may be asked about; they are sorted by length."""

    length: int
    article: str
    context: str


def read_squad(questions: str) -> Iterator[dict | Quarantined]:
    """SQuAD 2.0 (arXiv 1806.03822): JSON, questions about paragraphs of articles, of which half have no answer there.

    `context` is the paragraph, `other_context` one of another article that holds no answer: a hash of the id chooses
    it among those that are no longer. A question that is asked twice about one paragraph is set aside the second time,
    both times when only one has an answer, and one that another article has asked before.
    """
    asked = list(_asked(questions))
    passages = sorted({Passage(len(each.context), each.article, each.context) for each in asked if each.context})
    labels: dict[tuple[str, str], set[bool]] = {}
    for each in asked:
        labels.setdefault(_key(each), set()).add(bool(each.row.get("answers")))
    seen: dict[str, Asked] = {}
    for each in asked:
        reason = _unusable(each) or _repeated(each, len(labels[_key(each)]) > 1, seen)
        yield Quarantined(each.where, reason) if reason else _example(each, passages)


def _asked(path: str) -> Iterator[Asked]:
    for article in _articles(path):
        for number, paragraph in enumerate(article.get("paragraphs", []), start=1):
            title, context = article.get("title"), paragraph.get("context")
            for row in paragraph.get("qas", []):
                name = f"{title}, paragraph {number}"
                yield Asked(f"{name}, {row.get('id')}", title, name, context if is_text(context) else "", row)


def _articles(path: str) -> list[dict]:
    """What the file's one JSON object has under "data"; else CorpusError."""
    try:
        whole = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise CorpusError(f"{path} is no JSON ({error}); bring the published file back") from error
    if not (isinstance(whole, dict) and isinstance(whole.get("data"), list)):
        raise CorpusError(f"{path} is no JSON object with a list 'data'; bring the published file back")
    return whole["data"]


def _key(asked: Asked) -> tuple[str, str]:
    return asked.passage, plain_text(str(asked.row.get("question")))


def _unusable(asked: Asked) -> str | None:
    """Why a question cannot be used; None where it can."""
    row, answers = asked.row, asked.row.get("answers") or []
    lacking = [key for key in ("id", "question") if not is_text(row.get(key))]
    lacking += [name for name, value in (("title", asked.article), ("paragraph", asked.context)) if not is_text(value)]
    if lacking:
        return f"no {' and no '.join(lacking)}"
    if bool(answers) == row.get("is_impossible"):
        return "is_impossible and the answers contradict each other"
    if not all(is_text(each.get("text")) and each["text"] in asked.context for each in answers):
        return "an answer is not in its paragraph"
    return None


def _repeated(asked: Asked, torn: bool, seen: dict[str, Asked]) -> str | None:
    """Why a question is set aside that was asked before, or that the paragraph answers once and once does not."""
    if torn:
        return "asked twice about one paragraph, once with and once without an answer"
    first = seen.setdefault(_key(asked)[1], asked)
    if first is asked or (first.article == asked.article and first.passage != asked.passage):
        return None
    return f"the same question as {first.where}"


def _example(asked: Asked, passages: list[Passage]) -> dict:
    """The fields of a question; `reference` is the first of its answers."""
    row, question = asked.row, asked.row["question"].strip()
    references = [each["text"] for each in row["answers"]]
    return {
        "id": f"squad-{row['id']}",
        "kind": ANSWERABLE[row["is_impossible"]],
        "question": question,
        "text": plain_text(question),
        "article": asked.article,
        "passage": asked.passage,
        "context": asked.context,
        "other_context": _elsewhere(asked, references, passages),
        **({"reference": references[0]} if references else {}),
        "references": references,
    }


def _elsewhere(asked: Asked, references: list[str], passages: list[Passage]) -> str:
    """A paragraph of another article without any of the references as whole words; a longer one where no shorter is.

    A reference that every paragraph holds, such as a full stop, is passed over.
    """
    most = bisect_right(passages, len(asked.context), key=lambda passage: passage.length)
    start = int(text_id(asked.row["id"]), 16) % most
    order = (passages[place] for place in chain(range(start, most), range(start), range(most, len(passages))))
    others = (passage.context for passage in order if passage.article != asked.article)
    if (first := next(others, None)) is None:
        raise CorpusError(f"{asked.where}: there is no other article whose paragraph could stand for its own")
    answer = re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in references) or r"(?!)", re.IGNORECASE)
    return next((context for context in chain([first], others) if not answer.search(context)), first)


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

    In each file the twins come in the order of the questions whose twins they are: both have one `pair`. The reply of
    people to a false premise is `rebuttal`, that to a true one is `reference`. A question that occurs again is set
    aside, both times when it has both labels.
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
