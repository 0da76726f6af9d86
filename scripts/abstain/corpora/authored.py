"""The reader of our own requests: acts and wordings, which make a question of each pair."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import yaml

from abstain.corpora.download import CorpusError
from abstain.corpora.lines import Quarantined, is_text, text_id

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
