"""Reader of SQuAD 2.0: questions about a passage that holds a short answer, or none.

`references` are all answers that count as right, none for a question without one; `reference` is the taught one.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from abstain.corpora.download import CorpusError
from abstain.corpora.lines import Quarantined, is_text, plain_text, text_id

ANSWERABLE = {False: "answerable", True: "unanswerable"}  # by SQuAD's `is_impossible`


class Question(NamedTuple):
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

    `context` is the paragraph; `other_context` is a paragraph of another article that does not hold the answer. A hash
    of the id chooses it, first among those that are no longer. A question asked twice about one paragraph is set aside
    the second time, or both times if only one of the two has an answer. A question that another article asked before
    is set aside too.
    """
    all_questions = list(_questions(questions))
    passages = sorted(
        {Passage(len(each.context), each.article, each.context) for each in all_questions if each.context}
    )
    labels: dict[tuple[str, str], set[bool]] = {}
    for each in all_questions:
        labels.setdefault(_key(each), set()).add(bool(each.row.get("answers")))
    seen: dict[str, Question] = {}
    for each in all_questions:
        reason = _unusable(each) or _repeated(each, len(labels[_key(each)]) > 1, seen)
        yield Quarantined(each.where, reason) if reason else _example(each, passages)


def _questions(path: str) -> Iterator[Question]:
    for article in _articles(path):
        for number, paragraph in enumerate(article.get("paragraphs", []), start=1):
            title, context = article.get("title"), paragraph.get("context")
            for row in paragraph.get("qas", []):
                name = f"{title}, paragraph {number}"
                yield Question(f"{name}, {row.get('id')}", title, name, context if is_text(context) else "", row)


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


def _key(question: Question) -> tuple[str, str]:
    return question.passage, plain_text(str(question.row.get("question")))


def _unusable(question: Question) -> str | None:
    """Why a question cannot be used; None where it can."""
    row, answers = question.row, question.row.get("answers") or []
    lacking = [key for key in ("id", "question") if not is_text(row.get(key))]
    lacking += [
        name for name, value in (("title", question.article), ("paragraph", question.context)) if not is_text(value)
    ]
    if lacking:
        return f"no {' and no '.join(lacking)}"
    if bool(answers) == row.get("is_impossible"):
        return "is_impossible and the answers contradict each other"
    if not all(is_text(each.get("text")) and each["text"] in question.context for each in answers):
        return "an answer is not in its paragraph"
    return None


def _repeated(question: Question, has_both_labels: bool, seen: dict[str, Question]) -> str | None:
    """Why a question is set aside that was asked before, or that the paragraph answers once and once does not."""
    if has_both_labels:
        return "asked twice about one paragraph, once with and once without an answer"
    first = seen.setdefault(_key(question)[1], question)
    if first is question or (first.article == question.article and first.passage != question.passage):
        return None
    return f"the same question as {first.where}"


def _example(question: Question, passages: list[Passage]) -> dict:
    """The fields of a question; `reference` is the first of its answers."""
    row, text = question.row, question.row["question"].strip()
    references = [each["text"] for each in row["answers"]]
    return {
        "id": f"squad-{row['id']}",
        "kind": ANSWERABLE[row["is_impossible"]],
        "question": text,
        "text": plain_text(text),
        "article": question.article,
        "passage": question.passage,
        "context": question.context,
        "other_context": _elsewhere(question, references, passages),
        **({"reference": references[0]} if references else {}),
        "references": references,
    }


def _elsewhere(question: Question, references: list[str], passages: list[Passage]) -> str:
    """A paragraph of another article without any of the references as whole words; a longer one where no shorter is.

    A reference that every paragraph holds, such as a full stop, is passed over.
    """
    most = bisect_right(passages, len(question.context), key=lambda passage: passage.length)
    start = int(text_id(question.row["id"]), 16) % most
    order = (passages[place] for place in chain(range(start, most), range(start), range(most, len(passages))))
    others = (passage.context for passage in order if passage.article != question.article)
    if (first := next(others, None)) is None:
        raise CorpusError(f"{question.where}: there is no other article whose paragraph could stand for its own")
    answer = re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in references) or r"(?!)", re.IGNORECASE)
    return next((context for context in chain([first], others) if not answer.search(context)), first)
