"""check_chats says ok to nothing that the pipeline refuses, and refuses nothing that it takes: the same functions."""

import re
import sys

import pytest
from broken_bases import BROKEN_BASES, WHOLE_BASES, Broken
from chats import SYSTEM, USER

import check_chats
from abstain.jobs.errors import AbstainError
from abstain.jobs.files import write_jsonl
from audit import audit
from render import render

CASES = {**BROKEN_BASES, **WHOLE_BASES}
FIELDS = {"kind": "benign", "source": "us", "condition": "plain"}


@pytest.fixture(params=CASES)
def case(request, tmp_path) -> Broken:
    """A base, good or broken, with the mixes and chats that it is tried on below the folder of the test."""
    found = CASES[request.param]
    found.write(tmp_path / "base")
    messages = [USER] if "drops" in request.param or found.words else [SYSTEM, USER]
    rows = {"trained": {"target": found.reply}, "scored": {"should": "either"}}
    for mix, rest in rows.items():
        row = {"id": mix, "request": mix, "question": f"{mix}?", "messages": messages, **FIELDS, **rest}
        (tmp_path / mix).mkdir()
        write_jsonl(tmp_path / mix / "examples.jsonl", [row])
    return found


def said_by(program, *arguments) -> str | None:
    """The words with which a program refuses, or None."""
    try:
        program(*arguments)
    except AbstainError as error:
        return str(error)
    return None


def said_by_pipeline(tmp_path, lengths: dict) -> list[str | None]:
    """What the audit says, and what rendering the mix that is trained says."""
    examples = [str(tmp_path / mix / "examples.jsonl") for mix in ("trained", "scored")]
    base, each = [str(tmp_path / "base/model.safetensors")], dict.fromkeys(("trained", "scored"), lengths)
    split = {"trained": {"by": {"request": {"trained": 1.0}}, "stratify": [], "seed": 1}}
    rest = ({"trained": ["scored"]}, split, {"us": "MIT"}, each, {}, str(tmp_path / "card"))
    return [
        said_by(audit, examples, base, *rest),
        said_by(render, examples[0], base, lengths, str(tmp_path / "ids"), str(tmp_path / "card")),
    ]


def said_by_check_chats(monkeypatch, capsys, tmp_path, lengths: dict) -> str | None:
    """What check_chats says when it fails, or None."""
    words = {"max_length": "--max-length", "new_tokens": "--max-new-tokens"}
    options = [text for key, value in lengths.items() for text in (words[key], str(value))]
    asked = [tmp_path / "trained/examples.jsonl", tmp_path / "base", "--evaluation", tmp_path / "scored/examples.jsonl"]
    monkeypatch.setattr(sys, "argv", ["check_chats.py", *map(str, asked), *options])
    try:
        status = check_chats.main()
    except SystemExit as end:
        return str(end.code)
    printed = capsys.readouterr().out
    assert (status == 1) is ("FAILS" in printed)
    return printed if status else None


def test_all_refuse_or_all_accept_and_say_why(monkeypatch, capsys, tmp_path, case):
    said = [*said_by_pipeline(tmp_path, case.lengths), said_by_check_chats(monkeypatch, capsys, tmp_path, case.lengths)]
    if case.words is None:
        assert said == [None, None, None]
    else:
        assert [words for words in said if words is None or not re.search(f"(?s){case.words}", words)] == []


def test_an_evaluation_that_the_pipeline_refuses_is_refused_by_check_chats(monkeypatch, capsys, tmp_path):
    """What is trained fits, what is asked does not."""
    Broken(None, config={"max_position_embeddings": 64}).write(tmp_path / "base")
    chats = {
        "trained": {"messages": [USER], "target": "Slowly."},
        "scored": {"messages": [{**USER, "content": "a" * 99}]},
    }
    for mix, row in chats.items():
        (tmp_path / mix).mkdir()
        write_jsonl(tmp_path / mix / "examples.jsonl", [row])
    said = said_by_check_chats(monkeypatch, capsys, tmp_path, {})
    assert re.search(
        "(?s)FAILS The pipeline takes every row that is asked.*row 1 of the evaluation: .*64 positions", said
    )
