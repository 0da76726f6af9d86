"""JSON Lines as people write them: an array, commas, null, NaN and repeated questions are named, never passed on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from corpora_helpers import chats, sorted_out

from abstain.corpora.download import CorpusError
from abstain.corpora.mixes import fill
from abstain.corpora.readers import read_chats
from abstain.corpora.splits import SplitError

WHY = {"question": "Why?", "kind": "benign"}
WHO = {"question": "Who?", "kind": "benign"}


@pytest.mark.parametrize("indent", [None, 1])
def test_a_json_array_is_refused_as_one_and_the_advice_turns_it_into_lines(tmp_path, indent):
    files = chats(tmp_path, json.dumps([WHY, {**WHO, "note": "ä"}], indent=indent), name="an array.json")
    with pytest.raises(CorpusError, match=r"an array\.json is one JSON array of 2 objects; .* one object a line") as no:
        list(read_chats(**files))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(str(no.value).split("Convert it: ")[1], shell=True, check=True, cwd=tmp_path, env=environment)
    good, bad = sorted_out(read_chats(chats=str(tmp_path / "one-object-a-line.jsonl")))
    assert [row["question"] for row in good] == ["Why?", "Who?"] and good[1]["note"] == "ä" and bad == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"[{json.dumps(WHY)}]", "it is a list; expected is one object a line"),
        (f"{json.dumps(WHY)},", "it ends in a comma; expected is one object a line"),
        (json.dumps({**WHY, "score": float("nan")}), "no JSON: a number is NaN or infinite"),
        (json.dumps({**WHY, "scores": [{"a": float("-inf")}]}), "no JSON: a number is NaN or infinite"),
        ('{"question": "Why?", "kind": "benign", "score": 1e999}', "no JSON: a number is NaN or infinite"),
    ],
    ids=["an array in a line", "a comma", "NaN", "an infinity inside", "a number too large"],
)
def test_a_line_that_is_no_object_is_set_aside_with_what_it_is(tmp_path, line, reason):
    good, bad = sorted_out(read_chats(**chats(tmp_path, f"{json.dumps(WHO)}\n{line}\n")))
    assert [row["question"] for row in good] == ["Who?"]
    assert [where for where, _ in bad] == ["chats.jsonl, line 2"] and bad[0][1].startswith(reason)


def test_a_repeated_question_without_an_id_is_set_aside_by_the_line_of_the_first(tmp_path):
    rows = [WHY, WHO, {**WHY, "kind": "harmful"}, {**WHY, "id": "mine"}]
    good, bad = sorted_out(read_chats(**chats(tmp_path, "\n".join(map(json.dumps, rows)))))
    assert [row["question"] for row in good] == ["Why?", "Who?", "Why?"] and good[2]["id"] == "mine"
    assert bad == [("chats.jsonl, line 3", "the same question as chats.jsonl, line 1; to keep both, give them ids")]


def test_a_question_that_two_files_ask_is_set_aside_in_the_second(tmp_path):
    files = {name: chats(tmp_path, json.dumps(WHY), name=f"{name}.jsonl")["chats"] for name in ("a", "b")}
    good, bad = sorted_out(read_chats(**files))
    assert len(good) == 1 and bad[0][0] == "b.jsonl, line 1" and "as a.jsonl, line 1" in bad[0][1]


@pytest.mark.parametrize("value", [None, True, ["a"], {"a": 1}, float("nan"), float("inf")], ids=repr)
def test_a_field_that_a_text_names_is_a_text_or_a_number_or_the_example_is_named(value):
    example = {"id": "7", "question": "Why?", "context": value, "unused": None}
    with pytest.raises(SplitError, match=r"example 7 \('Why\?'\): its field 'context' is .*only texts and numbers"):
        fill("{question} ({context})", example)
    assert fill("{question}", example) == "Why?"


def test_texts_and_numbers_are_filled_in_as_they_are():
    assert fill("{{{a}}} {b} {c}", {"a": "x", "b": 3, "c": 0.5}) == "{x} 3 0.5"


def test_the_case_of_repeated_rows_keeps_what_is_left(tmp_path):
    """Two of 26 questions stand there twice, as in a file that people put together from several."""
    asked = [{"question": f"How do I do thing {number}?", "kind": "benign"} for number in range(24)]
    text = "\n".join(map(json.dumps, [*asked, asked[3], asked[5]]))
    good, bad = sorted_out(read_chats(**chats(tmp_path, text)))
    assert len(good) == 24 and [Path(where).name for where, _ in bad] == [f"chats.jsonl, line {n}" for n in (25, 26)]
