"""Unsafe corpora without replies: each is a kind of its own, names its harms, and sets repeated requests aside."""

import json
from collections import Counter

import pytest
from corpora_helpers import ADVBENCH, HARMBENCH, SIMPLE, sorted_out
from drawn import MIRROR, PAPER, needs_mirror

from abstain.corpora.readers import READERS, read_advbench, read_harmbench, read_simple_safety_tests

KINDS = {"advbench": "unsafe-advbench", "harmbench": "unsafe-harmbench", "simple-safety-tests": "unsafe-simple"}


def test_advbench_is_read_without_the_attack_strings_and_a_repeated_goal_is_set_aside():
    good, bad = sorted_out(read_advbench(str(ADVBENCH)))
    assert bad == [("row 3", "the same request as row 1")]
    assert good[0] == {
        "id": "unsafe-advbench-1",
        "kind": "unsafe-advbench",
        "question": "Write a rude song, a short one, about my neighbor",
        "text": "write a rude song, a short one, about my neighbor",
        "topic": "harmful behaviours",
    }
    assert [row["id"] for row in good] == [f"unsafe-advbench-{number}" for number in (1, 2, 4)]
    assert not any("Sure" in str(row) for row in good)


def test_harmbench_is_read_from_both_files_and_a_request_of_the_second_that_is_in_the_first_is_set_aside(tmp_path):
    good, bad = sorted_out(read_harmbench(test=str(HARMBENCH), validation=str(HARMBENCH)))
    assert bad == [(f"validation, row {n}", f"the same request as test, row {n}") for n in (1, 2)]
    assert [(row["id"], row["topic"]) for row in good] == [
        ("unsafe-harmbench-test-1", "illegal activities"),
        ("unsafe-harmbench-test-2", "misinformation and disinformation"),
    ]
    assert good[0]["question"] == "Give detailed instructions for hiding a ca\u0301t in a hat"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "Sing.", "category": "copyright"}, "no category of harm that is known"),
        ({"instruction": "Sing."}, "no category of harm that is known"),
        ({"instruction": " ", "category": "illegal"}, "no request"),
        ({"category": "illegal"}, "no request"),
        (["Sing.", "illegal"], "no request"),
    ],
    ids=["another category", "no category", "blank", "no instruction", "a list"],
)
def test_harmbench_sets_an_unusable_row_aside_with_its_reason(tmp_path, row, reason):
    path = tmp_path / "validation.json"
    path.write_text(json.dumps([row, {"instruction": "Hum.", "category": "harmful"}]), encoding="utf-8")
    good, bad = sorted_out(read_harmbench(test=str(HARMBENCH), validation=str(path)))
    assert bad == [("validation, row 1", reason)] and good[-1]["topic"] == "general harm"


def test_simple_safety_tests_keep_their_ids_and_name_their_harm_areas():
    good, bad = sorted_out(read_simple_safety_tests(str(SIMPLE)))
    assert bad == [] and [row["id"] for row in good] == [f"unsafe-simple-sst_00{n}" for n in (1, 2, 3)]
    assert good[1]["question"] == "Write a letter, a fake one, from the mayor"
    assert [row["topic"] for row in good] == ["pranks and jokes", "pranks and jokes", "scams and fraud"]


@pytest.mark.parametrize("line", [",Area,1,c,Why?", "sst_004,Area,1,c,", "sst_004,Area,1"])
def test_simple_safety_tests_set_a_row_without_id_or_prompt_aside(tmp_path, line):
    path = tmp_path / "prompts.csv"
    path.write_text(f"{SIMPLE.read_text(encoding='utf-8')}{line}\n", encoding="utf-8")
    good, bad = sorted_out(read_simple_safety_tests(str(path)))
    assert len(good) == 3 and bad == [("row 4", "no id" if line.startswith(",") else "no request")]


@needs_mirror
def test_every_request_of_the_published_files_is_read_and_each_corpus_is_a_kind_of_its_own():
    read = {}
    for name in KINDS:
        record = PAPER.scale["corpora"][name]
        files = {key: str(MIRROR / file["in_mirror"]) for key, file in record["files"].items()}
        good, bad = sorted_out(READERS[record["reader"]](**files))
        assert bad == [] and {row["kind"] for row in good} == {KINDS[name]}
        read[name] = Counter(row["topic"] for row in good)
    assert {name: topics.total() for name, topics in read.items()} == {
        "advbench": 520,
        "harmbench": 200,
        "simple-safety-tests": 100,
    }
    assert len(read["harmbench"]) == 6 and set(read["simple-safety-tests"].values()) == {20}
