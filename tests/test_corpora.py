"""Corpora of our own: every row becomes an example or is set aside."""

import json

import pytest
from corpora_helpers import chats, sorted_out

from abstain.corpora.readers import plain_text, read_chats


def test_chats_keep_the_users_fields_and_get_an_id_of_the_question(tmp_path):
    good, bad = sorted_out(
        read_chats(**chats(tmp_path, '{"question": "Was  ist das?", "kind": "benign", "note": "ä"}\n'))
    )
    assert bad == []
    assert [{**row, "id": ""} for row in good] == [
        {"question": "Was  ist das?", "kind": "benign", "note": "ä", "text": "was ist das?", "id": ""}
    ]
    again, _ = sorted_out(
        read_chats(**chats(tmp_path, '\n{"kind": "harmful", "question": "Was  ist das?"}', name="b.jsonl"))
    )
    assert again[0]["id"] == good[0]["id"]
    assert len(good[0]["id"]) == 16


def test_chats_keep_a_given_id_as_text(tmp_path):
    good, _ = sorted_out(read_chats(**chats(tmp_path, '{"id": 7, "question": "Why?", "kind": "benign"}\n')))
    assert good[0]["id"] == "7"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"question": "Why?", "kind"', "no JSON: "),
        ("Why?", "no JSON: "),
        ('{"kind": "benign"}', "question must be text"),
        ('{"question": "Why?"}', "kind must be text"),
        ("{}", "question and kind must be text"),
        ('["Why?", "benign"]', "it is a list; expected is one object a line"),
        ("3", "it is a single value; expected is one object a line"),
        ('{"question": null, "kind": "benign"}', "question must be text"),
        ('{"question": ["Why?"], "kind": "benign"}', "question must be text"),
    ],
)
def test_chats_set_an_unusable_line_aside_with_its_place_and_reason(tmp_path, line, reason):
    good, bad = sorted_out(read_chats(**chats(tmp_path, f'{line}\n\n{{"question": "Who?", "kind": "benign"}}\n')))
    assert [row["question"] for row in good] == ["Who?"]
    assert [where for where, _ in bad] == ["chats.jsonl, line 1"]
    assert bad[0][1].startswith(reason)


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_chats_read_the_same_however_the_file_was_saved(tmp_path, mark, end):
    good, bad = sorted_out(read_chats(**chats(tmp_path, f'{mark}{{"question": "Why?", "kind": "benign"}}{end}')))
    assert bad == []
    assert [row["question"] for row in good] == ["Why?"]


def test_chats_of_several_files_come_in_the_order_of_their_names(tmp_path):
    one, two = (json.dumps({"question": question, "kind": "benign"}) for question in ("One?", "Two?"))
    files = {
        "b": chats(tmp_path, two, name="1.jsonl")["chats"],
        "a": chats(tmp_path, one, name="2.jsonl")["chats"],
    }
    assert [row["question"] for row in read_chats(**files)] == ["One?", "Two?"]


@pytest.mark.parametrize(
    ("line", "key"), [('{"question": " ", "kind": "benign"}', "question"), ('{"question": "Why?", "kind": ""}', "kind")]
)
def test_chats_set_an_empty_question_or_kind_aside(tmp_path, line, key):
    good, bad = sorted_out(read_chats(**chats(tmp_path, line)))
    assert good == []
    assert bad == [("chats.jsonl, line 1", f"{key} must be text that is not empty")]


def test_chats_with_a_null_id_get_one_of_their_own(tmp_path):
    lines = [json.dumps({"id": None, "question": question, "kind": "benign"}) for question in ("Why?", "Who?")]
    good, _ = sorted_out(read_chats(**chats(tmp_path, "\n".join(lines))))
    assert [len(row["id"]) for row in good] == [16, 16]
    assert good[0]["id"] != good[1]["id"]


def test_plain_text_evens_out_case_and_white_space_only():
    assert plain_text("  Straße\t\u00a0und\n WEG? ") == "strasse und weg?"
    assert plain_text("a-b, c") == "a-b, c"
