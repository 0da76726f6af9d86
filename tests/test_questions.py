"""Readers of questions with a short answer or none: SQuAD, NQ-open, FalseQA. The files are our own, in their forms."""

import json
from collections import Counter

import pytest
from corpora_helpers import FIXTURES, sorted_out
from drawn import MIRROR, needs_mirror

from abstain.corpora.download import CorpusError
from abstain.corpora.questions import read_falseqa, read_nq_open
from abstain.corpora.squad import read_squad

SQUAD, NQ, FALSEQA = (FIXTURES / name for name in ("squad.json", "nq_open.jsonl", "falseqa.csv"))
CONTEXT = "The Old Bridge was built by Ada Birch in 1702. It has three arches, and carts paid a toll until 1811."
CANOE = "A canoe is a light boat that is moved with paddles by one person or two."
BOAT, STEEL = "Ada Birch painted her boat blue.", "The New Bridge is made of steel. Señora Castle drew it."


def test_squad_gives_a_question_its_paragraph_and_its_answers():
    good, _ = sorted_out(read_squad(str(SQUAD)))
    assert good[0] == {
        "id": "squad-b1",
        "kind": "answerable",
        "question": "Who built the Old Bridge?",
        "text": "who built the old bridge?",
        "article": "Bridges",
        "passage": "Bridges, paragraph 1",
        "context": CONTEXT,
        "other_context": CANOE,  # the boat's paragraph holds the answer
        "reference": "Ada Birch",
        "references": ["Ada Birch", "Birch"],
    }
    assert good[2]["kind"] == "unanswerable" and good[2]["references"] == [] and "reference" not in good[2]
    assert [row["id"] for row in good] == [
        f"squad-{name}" for name in ("b1", "b2", "b3", "b7", "b8", "b9", "c2", "c3", "h1")
    ]


def test_squad_sets_aside_what_is_asked_twice_but_not_of_two_paragraphs_of_an_article():
    _, bad = sorted_out(read_squad(str(SQUAD)))
    torn = "asked twice about one paragraph, once with and once without an answer"
    assert bad == [
        ("Bridges, paragraph 1, b4", "the same question as Bridges, paragraph 1, b2"),
        ("Bridges, paragraph 1, b5", torn),
        ("Bridges, paragraph 1, b6", torn),
        ("Boats, paragraph 1, c1", "the same question as Bridges, paragraph 2, b9"),
    ]


def test_the_other_paragraph_is_of_another_article_without_the_answer_and_no_longer_where_one_is():
    good, _ = sorted_out(read_squad(str(SQUAD)))
    others = {row["id"]: row["other_context"] for row in good}
    of = {CONTEXT: "Bridges", STEEL: "Bridges", BOAT: "Boats", CANOE: "Boats"}
    assert all(of.get(others[row["id"]]) != row["article"] for row in good)
    assert others["squad-b7"] == BOAT and others["squad-c3"] == STEEL  # the only shorter ones
    assert others["squad-c2"] == STEEL  # the next longer one
    assert others == {row["id"]: row["other_context"] for row in sorted_out(read_squad(str(SQUAD)))[0]}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"id": ""}, "no id"),
        ({"question": " "}, "no question"),
        ({"question": 3, "id": None}, "no id and no question"),
        ({"is_impossible": True}, "is_impossible and the answers contradict each other"),
        ({"answers": []}, "is_impossible and the answers contradict each other"),
        ({"answers": [{"text": "Dario Dale", "answer_start": 0}]}, "an answer is not in its paragraph"),
        ({"answers": [{"answer_start": 0}]}, "an answer is not in its paragraph"),
    ],
)
def test_squad_sets_an_unusable_question_aside_with_its_reason(tmp_path, changed, reason):
    whole = json.loads(SQUAD.read_text(encoding="utf-8"))
    whole["data"][0]["paragraphs"][0]["qas"][0].update(changed)
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    good, bad = sorted_out(read_squad(str(path)))
    assert bad[0][1] == reason and len(good) == 8


@pytest.mark.parametrize("text", ["[{", "", "[]", '{"data": {}}'])
def test_a_file_that_is_no_squad_is_refused(tmp_path, text):
    path = tmp_path / "squad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"squad.json is no JSON.*bring the published file back"):
        list(read_squad(str(path)))


def test_squad_of_one_article_has_no_other_paragraph(tmp_path):
    whole = json.loads(SQUAD.read_text(encoding="utf-8"))
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": whole["data"][:1]}), encoding="utf-8")
    with pytest.raises(CorpusError, match="Bridges, paragraph 1, b1: there is no other article"):
        list(read_squad(str(path)))


def test_nq_open_gives_questions_without_a_passage_and_sets_aside_what_has_no_answer_or_comes_again():
    good, bad = sorted_out(read_nq_open(str(NQ)))
    assert good[0]["references"] == ["Ada Birch", "Birch"] and good[0]["reference"] == "Ada Birch"
    assert [(row["kind"], row["question"]) for row in good] == [
        ("open", "who painted the blue boat"),
        ("open", "when was the old bridge built"),
    ]
    unusable = "answer must be a list of texts that are not empty"
    assert bad == [
        ("nq_open.jsonl, line 3", "the same question as nq_open.jsonl, line 1"),
        *((f"nq_open.jsonl, line {line}", unusable) for line in (4, 5, 6)),
    ]


def test_falseqa_gives_a_false_premise_and_its_twin_one_pair():
    good, bad = sorted_out(read_falseqa(str(FALSEQA), str(FALSEQA)))
    assert good[0] == {
        "id": "falseqa-train-1",
        "kind": "false-premise",
        "question": "Why do boats fly?",
        "text": "why do boats fly?",
        "pair": "train 1",
        "rebuttal": "Boats do not fly, they float.",
    }
    twins = {row["pair"]: row for row in good if row["kind"] == "true-premise"}
    assert twins["train 1"]["question"] == "Why do boats float?"
    assert twins["train 1"]["reference"] == "Because they push water aside." and "rebuttal" not in twins["train 1"]
    assert twins["train 2"]["question"] == "Which colour has snow?" and "references" not in twins["train 2"]
    both = "asked with a false and with a true premise"
    assert bad[:4] == [
        ("train, row 3", both),
        ("train, row 5", "question and answer must be texts that are not empty"),
        ("train, row 8", both),
        ("train, row 10", "the same question as train, row 9"),
    ]
    assert len(good) == 6 and len(bad) == 14  # the second file asks all of it again


def test_falseqa_without_as_many_twins_is_refused(tmp_path):
    path = tmp_path / "falseqa.csv"
    path.write_text("".join(FALSEQA.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    with pytest.raises(CorpusError, match="falseqa.csv has .* questions by label; there must be as many of 1"):
        list(read_falseqa(str(FALSEQA), str(path)))


# The published files


@needs_mirror
def test_the_published_files_are_read_whole():
    squad, bad = sorted_out(read_squad(str(MIRROR / "squad_v2/rebuilt/dev-v2.0.rebuilt.json")))
    assert (len(squad) + len(bad), len(bad)) == (11873, 22)
    assert Counter(row["kind"] for row in squad) == {"answerable": 5915, "unanswerable": 5936}
    assert all(row["reference"] in row["context"] for row in squad if row["references"])
    assert len({row["article"] for row in squad}) == 35 and len({row["id"] for row in squad}) == len(squad)
    questions, bad = sorted_out(read_nq_open(str(MIRROR / "nq_open/NQ-open.dev.jsonl")))
    assert (len(questions), bad) == (3610, [])


@needs_mirror
def test_the_twins_of_falseqa_are_of_one_form():
    rows, bad = sorted_out(read_falseqa(*(str(MIRROR / f"falseqa/{name}.csv") for name in ("train", "valid"))))
    assert (len(rows), len(bad)) == (3344, 12)
    words: dict[str, list[set]] = {}
    for row in rows:
        words.setdefault(row["pair"], []).append(set(row["text"].split()))
    pairs = list(words.values())
    assert {len(pair) for pair in pairs} == {2}
    own = sum(len(one & other) / len(one | other) for one, other in pairs) / len(pairs)
    next_one = sum(
        len(one[0] & other[1]) / len(one[0] | other[1]) for one, other in zip(pairs, pairs[1:], strict=False)
    )
    assert own > 0.6 > 0.1 > next_one / len(pairs)
