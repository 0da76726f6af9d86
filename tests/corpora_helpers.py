"""Corpora for tests: our own mild questions in the formats of the published files, and examples to split and draw."""

import itertools
from pathlib import Path

from conftest import ROOT

from abstain.corpora.mixes import draw_mix
from abstain.corpora.readers import (
    Quarantined,
    read_advbench,
    read_coconot_preferences,
    read_do_not_answer,
    read_instructions,
    read_pairs,
    read_self_instruct,
    read_simple_safety_tests,
    read_xstest,
)
from abstain.jobs.files import read_json, write_jsonl
from calibrate import calibrate

FIXTURES = ROOT / "tests" / "fixtures"
PAIRS = ROOT / "data/polite-pairs/pairs.jsonl"
DNA, XSTEST, COCONOT, ALPACA, ADVBENCH, HARMBENCH, SIMPLE, TASKS = (
    FIXTURES / name
    for name in (
        "do_not_answer_en.csv",
        "xstest_prompts.csv",
        "coconot_pref.jsonl",
        "alpaca_en_demo.json",
        "advbench.csv",
        "harmbench_val.json",
        "simple_safety_tests.csv",
        "seed_tasks.jsonl",
    )
)
PUBLIC = {  # reader, the name that it gives its file, our file
    "do-not-answer": (read_do_not_answer, "questions", DNA),
    "xstest": (read_xstest, "prompts", XSTEST),
    "coconot-preferences": (read_coconot_preferences, "pairs", COCONOT),
    "instructions": (read_instructions, "demonstrations", ALPACA),
    "advbench": (read_advbench, "behaviours", ADVBENCH),
    "simple-safety-tests": (read_simple_safety_tests, "prompts", SIMPLE),
    "self-instruct": (read_self_instruct, "tasks", TASKS),
    "pairs": (read_pairs, "pairs", PAIRS),
}
CATALOGUES = {path.stem: str(path) for path in sorted((FIXTURES / "catalogues").iterdir())}
AUTHORED = {"acts": str(ROOT / "data/world/requests.yaml"), "wordings": str(ROOT / "data/safety-mode/wordings.yaml")}


def sorted_out(rows) -> tuple[list[dict], list[tuple[str, str]]]:
    """Examples, and (where, reason) of the rows set aside."""
    rows = list(rows)
    assert all(isinstance(row, dict | Quarantined) for row in rows)
    return (
        [row for row in rows if isinstance(row, dict)],
        [(row.where, row.reason) for row in rows if isinstance(row, Quarantined)],
    )


def chats(folder: Path, text: str, encoding="utf-8", name="chats.jsonl") -> dict[str, str]:
    """The files of a user's own corpus with this text."""
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return {"chats": str(path)}


# Examples to split and to draw


SPLIT = {"by": {"act": {"train": 0.6, "test": 0.4}}, "stratify": ["kind"], "seed": 1}


def pool(acts: int = 10, wordings: int = 3) -> list[dict]:
    """Every act in every wording; the kinds take turns."""
    return [
        {
            "id": f"{act}-{word}",
            "kind": ("harmful", "benign")[act % 2],
            "act": f"act {act}",
            "wording": word,
            "source": "us",
        }
        for act, word in itertools.product(range(acts), range(wordings))
    ]


def row(kind="harmful", rows=5, per=None, prompt="on") -> dict:
    return {"kind": kind, "prompt": prompt, "rows": rows, "per": per or {}}


def mix(*rows: dict, seed=1) -> dict:
    return {"part": "train", "seed": seed, "rows": list(rows)}


def taken(*rows: dict, examples=None, seed=1) -> list[list[str]]:
    """Ids of the examples of each row of the mix."""
    pairs, _ = draw_mix(examples or pool(), mix(*rows, seed=seed))
    return [[example["id"] for example, mine in pairs if mine is wanted] for wanted in rows]


def each() -> tuple[list[dict], dict]:
    """Examples of two corpora in turns; the second lacks what the first is split and stratified by."""
    ours = pool(10, 1)
    theirs = [{"id": f"t{n}", "kind": "benign", "text": f"text {n}", "source": "them"} for n in range(10)]
    split = {"each": {"us": SPLIT, "them": {"field": "kind", "parts": {"benign": "test"}}}}
    return [row for pair in zip(ours, theirs, strict=True) for row in pair], split


# Mixes of two corpora, as `calibrate` writes them


MIXES = {  # one that trains on harmful examples, one that is scored on both kinds
    "trained": {"part": "train", "seed": 1, "rows": [{**row(rows="all"), "target": "no"}]},
    "scored": {
        "part": "test",
        "seed": 1,
        "rows": [{**row(kind, rows="all"), "should": "either"} for kind in ("harmful", "benign")],
    },
}
LICENCES = {"us": "MIT", "them": "CC BY 4.0"}


def calibrated(
    tmp_path, mix: str, rows: list[dict], split: dict, changed: list[dict] | None = None
) -> tuple[str, dict]:
    """The examples' path and the card that `calibrate` writes about a mix of rows of two corpora."""
    corpora = [str(tmp_path / f"{name}.jsonl") for name in LICENCES]
    for name, path in zip(LICENCES, corpora, strict=True):
        write_jsonl(path, [{**row, "question": row["id"]} for row in rows if row["source"] == name])
    draw = {
        "split": split,
        "mix": {**MIXES[mix], "rows": changed or MIXES[mix]["rows"]},
        "prompts": {"on": {"system": None, "user": "{id}"}},
        "targets": {"no": ["No."]},
    }
    examples, left_out, card = (str(tmp_path / mix / name) for name in ("examples.jsonl", "left_out.csv", "card.json"))
    calibrate(corpora, draw, LICENCES, examples, left_out, card)
    return examples, read_json(card)
