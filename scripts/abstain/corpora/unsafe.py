"""Readers of unsafe requests without replies, each of a kind of its own, so that no rate pools them in silence.

A request that occurs again in its corpus is set aside. `topic` is what the corpus calls the request's harm, to be named
inside a sentence.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from abstain.corpora.lines import Quarantined, csv_rows, is_text, json_array, plain_text

BEHAVIOURS = "harmful behaviours"  # as AdvBench calls all of its requests, which it does not sort
CATEGORIES = {  # HarmBench's names of its semantic categories (its table 5), by their names in the file
    "chemical_biological": "chemical and biological weapons or drugs",
    "cybercrime_intrusion": "cybercrime and unauthorised intrusion",
    "harassment_bullying": "harassment and bullying",
    "harmful": "general harm",
    "illegal": "illegal activities",
    "misinformation_disinformation": "misinformation and disinformation",
}


class Request(NamedTuple):
    """One row of a file: its place, its id, and two values that should be texts."""

    where: str
    identity: str
    question: object
    topic: object


def read_advbench(behaviours: str) -> Iterator[dict | Quarantined]:
    """AdvBench's harmful behaviours (arXiv 2307.15043): CSV. `target` is an attack's opening and not read."""
    rows = enumerate(csv_rows(behaviours, ["goal", "target"]), start=1)
    return _read("unsafe-advbench", (Request(where, f"{n}", row["goal"], BEHAVIOURS) for n, (where, row) in rows))


def read_harmbench(test: str, validation: str) -> Iterator[dict | Quarantined]:
    """HarmBench's standard behaviours (arXiv 2402.04249): two JSON arrays of {"instruction", "category"}."""
    files = {"test": test, "validation": validation}
    rows = ((name, n, row) for name in files for n, row in enumerate(json_array(files[name]), start=1))
    given = ((f"{name}, row {n}", f"{name}-{n}", row if isinstance(row, dict) else {}) for name, n, row in rows)
    return _read(
        "unsafe-harmbench",
        (
            Request(where, name, row.get("instruction"), CATEGORIES.get(row.get("category")))
            for where, name, row in given
        ),
    )


def read_simple_safety_tests(prompts: str) -> Iterator[dict | Quarantined]:
    """SimpleSafetyTests (arXiv 2311.08370): CSV, twenty prompts of each of five harm areas."""
    rows = csv_rows(prompts, ["id", "harm_area", "prompts_final"])
    return _read(
        "unsafe-simple",
        (Request(where, row["id"], row["prompts_final"], row["harm_area"].lower()) for where, row in rows),
    )


def _read(kind: str, requests: Iterable[Request]) -> Iterator[dict | Quarantined]:
    seen: dict[str, str] = {}
    for where, identity, question, topic in requests:
        if not is_text(question) or not identity:
            yield Quarantined(where, "no request" if identity else "no id")
            continue
        plain = plain_text(question)
        if plain in seen:
            yield Quarantined(where, f"the same request as {seen[plain]}")
            continue
        seen[plain] = where
        if not is_text(topic):
            yield Quarantined(where, "no category of harm that is known")
            continue
        yield {"id": f"{kind}-{identity}", "kind": kind, "question": question.strip(), "text": plain, "topic": topic}
