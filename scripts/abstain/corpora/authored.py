"""Readers of what we wrote: requests of acts and wordings, pairs of a request and its reply, and a table of facts."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import yaml

from abstain.corpora.download import CorpusError
from abstain.corpora.lines import Quarantined, is_text, json_rows, plain_text, text_id

TOPIC_FIELDS, KINDS = ("risk_area", "harm_type", "topic"), ("harmful", "benign", "ambiguous")


def read_requests(acts: str, wordings: str) -> Iterator[dict | Quarantined]:
    """Authored acts in every authored wording; kinds harmful, benign, ambiguous."""
    templates = _yaml_list(wordings)
    if odd := [text for text in templates if not (is_text(text) and "{act}" in text)]:
        raise CorpusError(f"{wordings}: {odd[0]!r} is no text with {{act}} in it; write each wording so")
    for number, topic in enumerate(_yaml_list(acts), start=1):
        if reason := _unusable_topic(topic):
            yield Quarantined(f"topic {number}", reason)
            continue
        fields = {key: topic[key] for key in TOPIC_FIELDS} | {"specific_harm": topic["harm_type"]}  # there is no finer
        for kind in KINDS:
            for act, wording in product(topic[kind], templates):
                question = wording.replace("{act}", act)
                row = {"kind": kind, "act": act, "wording": wording, "question": question, **fields}
                yield {"id": text_id(question), **row}


def read_pairs(pairs: str) -> Iterator[dict | Quarantined]:
    """Authored pairs, JSON Lines of {"kind", "user", "reply"}; kind pair, and their own kind is the field `aspect`.

    A request that occurs again is set aside.
    """
    seen: dict[str, str] = {}
    for where, row in json_rows(pairs, ["kind", "user", "reply"]):
        if isinstance(row, Quarantined):
            yield row
            continue
        question, reply = row["user"].strip(), row["reply"].strip()
        text = plain_text(question)
        if text in seen:
            yield Quarantined(where, f"the same request as {seen[text]}")
            continue
        seen[text] = where
        fields = {"aspect": row["kind"], "question": question, "text": text, "reference": reply}
        yield {"id": f"pair-{text_id(question)}", "kind": "pair", **fields}


def read_facts(facts: str, pairs: str) -> Iterator[dict | Quarantined]:
    """Our table of facts, each in every wording of its question; kind fact, the field `fact` is the entry's id.

    `references` holds the answer, as of corpora with several answers, and `reference` is the answer as a reply. A fact
    that the pairs ask for in one of its wordings is set aside: to whoever learns from them it is not new.
    """
    learned = {row["text"] for row in read_pairs(pairs) if isinstance(row, dict)}
    for number, fact in enumerate(_yaml_list(facts), start=1):
        where = f"fact {number}"
        if reason := _unusable_fact(fact):
            yield Quarantined(where, reason)
            continue
        if taught := [question for question in fact["questions"] if plain_text(question) in learned]:
            yield Quarantined(where, f"{taught[0]!r} is a request of the pairs")
            continue
        answer = {"fact": fact["id"], "reference": fact["answer"], "references": [fact["answer"]]}
        for question in fact["questions"]:
            asked = {"question": question, "text": plain_text(question)}
            yield {"id": f"{fact['id']}-{text_id(question)}", "kind": "fact", **asked, **answer}


def _unusable_fact(fact) -> str | None:
    given = fact if isinstance(fact, dict) else {}
    if no_text := [key for key in ("id", "answer") if not is_text(given.get(key))]:
        return f"{' and '.join(no_text)} must be text that is not empty"
    questions = given.get("questions")
    if not (isinstance(questions, list) and questions and all(map(is_text, questions))):
        return "questions must be a list of texts that are not empty"
    return None


def _yaml_list(path: str) -> list:
    value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(value, list):
        raise CorpusError(f"{path} is no list; begin each of its entries with a hyphen")
    return value


def _unusable_topic(topic) -> str | None:
    given = topic if isinstance(topic, dict) else {}
    if no_text := [key for key in TOPIC_FIELDS if not is_text(given.get(key))]:
        return f"{' and '.join(no_text)} must be text that is not empty"
    lists = {kind: given.get(kind) for kind in KINDS}
    odd = [kind for kind, acts in lists.items() if not (isinstance(acts, list) and all(map(is_text, acts)))]
    return f"{' and '.join(odd)} must be a list of texts that are not empty" if odd else None
