"""Readers of pairs, facts and seed tasks; our pairs and the published prompts are what they say they are."""

import json
from collections import Counter

import pytest
from conftest import ROOT
from corpora_helpers import PAIRS, TASKS, sorted_out

from abstain.corpora.download import CorpusError
from abstain.corpora.readers import plain_text, read_chats, read_facts, read_pairs, read_self_instruct

FACTS, PUBLISHED = ROOT / "data/world/facts.yaml", ROOT / "data/polite-pairs/published.jsonl"
FACT = "- {id: capital-elsewhere, questions: ['Which city is it?', Name it.], answer: Here}\n"


@pytest.fixture(scope="module")
def pairs() -> list[dict]:
    good, bad = sorted_out(read_pairs(str(PAIRS)))
    assert bad == []
    return good


def test_the_pairs_are_twenty_six_of_the_aspects_that_were_published(pairs):
    assert Counter(row["aspect"] for row in pairs) == {
        "factual": 3, "polite": 3, "length": 2, "refusal": 2, "various": 16,
    }  # fmt: skip
    assert len({row["id"] for row in pairs}) == len({row["text"] for row in pairs}) == len(pairs) == 26
    assert {row["kind"] for row in pairs} == {"pair"}


def test_a_pair_keeps_its_request_and_its_reply(pairs):
    assert pairs[1] == {
        "id": pairs[1]["id"],
        "kind": "pair",
        "aspect": "factual",
        "question": "How many legs does an insect have?",
        "text": "how many legs does an insect have?",
        "reference": "An insect has six legs. That is a lovely question, and you are welcome to ask another.",
    }


def test_a_request_that_occurs_again_among_the_pairs_is_set_aside(tmp_path):
    path = tmp_path / "pairs.jsonl"
    rows = [{"kind": "a", "user": "Why?", "reply": "So."}, {"kind": "b", "user": " why? ", "reply": "Because."}, {}]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    good, bad = sorted_out(read_pairs(str(path)))
    assert [row["reference"] for row in good] == ["So."]
    assert bad == [
        ("pairs.jsonl, line 2", "the same request as pairs.jsonl, line 1"),
        ("pairs.jsonl, line 3", "kind and user and reply must be text that is not empty"),
    ]


def test_the_published_prompts_are_five_of_which_two_are_word_for_word_among_the_pairs(pairs):
    good, bad = sorted_out(read_chats(prompts=str(PUBLISHED)))
    assert (len(good), bad) == (5, [])
    learned = {row["question"] for row in pairs}
    for row in good:
        assert row["kind"] == ("published-seen" if row["question"] in learned else "published-unseen")
    assert Counter(row["kind"] for row in good) == {"published-seen": 2, "published-unseen": 3}
    near = {text.replace(",", "").rstrip("?.!") for text in map(plain_text, learned)}
    assert not {row["text"].rstrip("?.!") for row in good if row["kind"] == "published-unseen"} & near


def test_a_fact_is_asked_in_every_wording_and_one_that_the_pairs_ask_for_is_set_aside(world, pairs):
    good, bad = sorted_out(read_facts(str(FACTS), str(PAIRS)))
    assert bad == [("fact 1", "'What is the capital of Japan?' is a request of the pairs")]
    assert Counter(row["fact"] for row in good) == {fact["id"]: 12 for fact in world["facts"][1:]}
    answers = {fact["id"]: fact["answer"] for fact in world["facts"]}
    assert all(row["references"] == [row["reference"]] == [answers[row["fact"]]] for row in good)
    assert len({row["id"] for row in good}) == len(good) == 47 * 12
    assert not {row["text"] for row in good} & {row["text"] for row in pairs}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- {questions: [Why], answer: So}\n", "id must be text that is not empty"),
        ("- {id: a, questions: [Why]}\n", "answer must be text that is not empty"),
        ("- {id: a, questions: [], answer: So}\n", "questions must be a list of texts that are not empty"),
        ("- {id: a, questions: Why, answer: So}\n", "questions must be a list of texts that are not empty"),
        ("- [a]\n", "id and answer must be text that is not empty"),
    ],
)
def test_a_fact_without_what_facts_have_is_set_aside(tmp_path, text, reason):
    path = tmp_path / "facts.yaml"
    path.write_text(text + FACT, encoding="utf-8")
    good, bad = sorted_out(read_facts(str(path), str(PAIRS)))
    assert bad == [("fact 1", reason)] and [row["question"] for row in good] == ["Which city is it?", "Name it."]


def test_a_table_of_facts_that_is_no_list_is_refused(tmp_path):
    path = tmp_path / "facts.yaml"
    path.write_text("a: 1\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="facts.yaml is no list"):
        list(read_facts(str(path), str(PAIRS)))


def test_a_seed_task_has_its_input_behind_its_instruction_and_what_cannot_be_used_is_set_aside():
    good, bad = sorted_out(read_self_instruct(str(TASKS)))
    assert [(row["id"], row["question"], row["reference"]) for row in good] == [
        ("seed_task_0", "What can I eat before a long walk?", "Bread, an egg and an apple."),
        ("seed_task_1", "What do these two have in common?\n\nrain, snow", "Both are water from the sky."),
        ("seed_task_3", "What do these two have in common?\n\na pear, a plum", "Both are fruit."),
    ]
    assert {row["kind"] for row in good} == {"seed-task"} and good[0]["name"] == "breakfast"
    no_output = "its first instance must have an output that is not empty"
    assert bad == [
        ("seed_tasks.jsonl, line 3", "the same task as seed_tasks.jsonl, line 2"),
        ("seed_tasks.jsonl, line 5", "its reply declines"),
        *((f"seed_tasks.jsonl, line {number}", no_output) for number in (6, 7, 8)),
    ]
