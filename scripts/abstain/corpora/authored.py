"""Readers of what we wrote: requests of acts and wordings, pairs of a request and its reply, facts, and small talk."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import yaml

from abstain.corpora.download import CorpusError
from abstain.corpora.lines import Quarantined, is_text, json_rows, plain_text, text_id

TOPIC_FIELDS, TWINS = ("risk_area", "harm_type", "topic"), ("harmful", "benign")


def read_requests(acts: str, wordings: str) -> Iterator[dict | Quarantined]:
    """Authored acts in every authored wording; kinds harmful, benign, ambiguous. Acts of one twin share that field."""
    templates = _yaml_list(wordings)
    if odd := [text for text in templates if not (is_text(text) and "{act}" in text)]:
        raise CorpusError(f"{wordings}: {odd[0]!r} is no text with {{act}} in it; write each wording so")
    for number, topic in enumerate(_yaml_list(acts), start=1):
        if reason := _unusable_topic(topic):
            yield Quarantined(f"topic {number}", reason)
            continue
        fields = {key: topic[key] for key in TOPIC_FIELDS} | {"specific_harm": topic["harm_type"]}  # there is no finer
        for (kind, act, twin), wording in product(acts_of(topic), templates):
            question = wording.replace("{act}", act)
            row = {"kind": kind, "act": act, "twin": twin, "wording": wording, "question": question, **fields}
            yield {"id": text_id(question), **row}


def acts_of(topic: dict) -> Iterator[tuple[str, str, str]]:
    """Every act of a topic as (kind, act, twin): the harmful ones, the benign ones, the ambiguous ones.

    A harmful act and the harmless one that looks like it are twins, and `twin` is the text of the harmful one; an
    ambiguous act has no twin but itself.
    """
    for kind in TWINS:
        yield from ((kind, pair[kind], pair["harmful"]) for pair in topic["twins"])
    yield from (("ambiguous", act, act) for act in topic["ambiguous"])


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
    is set aside when one of its questions is a request of the pairs: a model trained on them has learned it.
    """
    learned = _learned(pairs)
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
            question_fields = {"question": question, "text": plain_text(question)}
            yield {"id": f"{fact['id']}-{text_id(question)}", "kind": "fact", **question_fields, **answer}


def read_small_talk(talk: str, pairs: str) -> Iterator[dict | Quarantined]:
    """What people say in passing, with a plain and a polite reply; kind ordinary, `reference` is the plain reply.

    What the pairs answer is set aside, as are facts that they ask for.
    """
    learned = _learned(pairs)
    for number, row in enumerate(_yaml_list(talk), start=1):
        given = row if isinstance(row, dict) else {}
        if no_text := [key for key in ("says", "plain") if not is_text(given.get(key))]:
            yield Quarantined(f"entry {number}", f"{' and '.join(no_text)} must be text that is not empty")
            continue
        question, text = row["says"], plain_text(row["says"])
        if text in learned:
            yield Quarantined(f"entry {number}", f"{question!r} is a request of the pairs")
            continue
        fields = {"question": question, "text": text, "reference": row["plain"]}
        yield {"id": f"talk-{text_id(question)}", "kind": "ordinary", **fields}


def _learned(pairs: str) -> set[str]:
    """The requests of the pairs, as plain text."""
    return {row["text"] for row in read_pairs(pairs) if isinstance(row, dict)}


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
    twins, ambiguous = given.get("twins"), given.get("ambiguous")
    if not isinstance(twins, list):
        return "twins must be a list of pairs {harmful, benign}"
    if odd := [str(number) for number, pair in enumerate(twins, start=1) if not _is_pair(pair)]:
        return f"twins must be pairs {{harmful, benign}} of texts that are not empty; look at pair {', '.join(odd)}"
    is_usable = isinstance(ambiguous, list) and all(map(is_text, ambiguous))
    return None if is_usable else "ambiguous must be a list of texts that are not empty"


def _is_pair(pair) -> bool:
    return isinstance(pair, dict) and set(pair) == set(TWINS) and all(map(is_text, pair.values()))
