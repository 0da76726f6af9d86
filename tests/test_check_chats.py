"""The checks of chats used alone: a row as the model sees it, a verdict of every check, and bad lines by number."""

import json
import re
import subprocess
import sys

import pytest
from chats import BROKEN, REPLY, SYSTEM, USER
from conftest import ROOT

from abstain.jobs.files import write_jsonl
from check_chats import main

CHATS = [{"messages": [SYSTEM, USER, REPLY, USER, REPLY]}, {"messages": [SYSTEM, USER], "target": "Slowly."}]


def checked(monkeypatch, capsys, *arguments) -> tuple[int | str, str]:
    """The exit status (or last words) of check_chats, and what it prints."""
    monkeypatch.setattr(sys, "argv", ["check_chats.py", *map(str, arguments)])
    try:
        status = main()
    except SystemExit as end:
        status = end.code
    return status, capsys.readouterr().out


def test_check_chats_shows_a_row_and_a_verdict_of_every_check(tmp_path, tokenizer_folder, monkeypatch, capsys):
    write_jsonl(tmp_path / "chats", CHATS)
    status, printed = checked(monkeypatch, capsys, tmp_path / "chats", tokenizer_folder, "--row", 2)
    assert status == 0
    assert "learns  'Slowly.<|im_end|>'" in printed and "reads   '<|im_start|>system\\nBe kind." in printed
    assert len(re.findall("^ok    .*[a-z.]$", printed, re.MULTILINE)) == 11 and "FAILS" not in printed
    write_jsonl(tmp_path / "asked", [{"messages": [SYSTEM, USER]}])
    status, printed = checked(
        monkeypatch, capsys, tmp_path / "chats", tokenizer_folder, "--evaluation", tmp_path / "asked"
    )
    assert status == 0 and "ok    The system message of the evaluation" in printed


def test_check_chats_fails_on_another_system_message(tmp_path, tokenizer_folder, monkeypatch, capsys):
    write_jsonl(tmp_path / "chats", CHATS)
    write_jsonl(tmp_path / "asked", [{"messages": [USER]}])
    status, printed = checked(
        monkeypatch, capsys, tmp_path / "chats", tokenizer_folder, "--evaluation", tmp_path / "asked"
    )
    assert status == 1
    assert re.search("(?s)FAILS The system message.*training: .*Be kind.*evaluation: .*Alibaba", printed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has 0 rows"),
        ('{"messages": [', r"line 1: not {\"messages\": \[...\]}"),
        ("[1]\n", "line 1: not"),
        ('{"question": "?"}\n', "line 1: not"),
        ('{"messages": [{"role": "user", "content": 5}]}\n', "line 1: a role or a content is no text"),
        (json.dumps(CHATS[0]) + "\n" + json.dumps({"messages": [USER]}) + "\n", "line 2: no reply to learn"),
        (json.dumps(CHATS[1]) + "\n\xff\n", "line 2: not"),
    ],
)
def test_check_chats_names_the_bad_line(tmp_path, tokenizer_folder, monkeypatch, capsys, content, message):
    (tmp_path / "chats").write_bytes(content.encode("latin-1"))
    status, _ = checked(monkeypatch, capsys, tmp_path / "chats", tokenizer_folder)
    assert re.match(f"check_chats: .*{message}", status)


def test_check_chats_says_what_is_missing(tmp_path, tokenizer_folder, monkeypatch, capsys):
    status, _ = checked(monkeypatch, capsys, tmp_path / "none.jsonl", tokenizer_folder)
    assert "No such file" in status and "none.jsonl" in status
    write_jsonl(tmp_path / "chats", CHATS)
    status, _ = checked(monkeypatch, capsys, tmp_path / "chats", tmp_path)
    assert "holds no tokenizer_config.json" in status
    (tmp_path / "tokenizer_config.json").write_text("{")
    status, _ = checked(monkeypatch, capsys, tmp_path / "chats", tmp_path)
    assert "cannot be read as a tokenizer" in status


def test_check_chats_is_usable_alone_from_anywhere_and_ends_without_a_traceback(tmp_path, tokenizer_folder):
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in tokenizer_folder.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    (broken / "chat_template.jinja").write_text(BROKEN["a generation prompt that training never shows"][0])
    write_jsonl(tmp_path / "chats.jsonl", CHATS)
    command = [sys.executable, ROOT / "scripts/check_chats.py", "chats.jsonl", broken]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    failing = re.findall("^FAILS (.*)$", done.stdout, re.MULTILINE)
    assert failing[0] == "The training text begins with exactly the inference prompt."
    assert re.search(
        "(?s)row 1: the training text does not begin.*prompt: .*helper.*training: .*assistant", done.stdout
    )
