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
