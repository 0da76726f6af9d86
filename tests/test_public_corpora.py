"""Public corpora: every row of a published file becomes an example or is set aside with its reason.

The files are our own, with mild questions in the formats of the published ones.
"""

import hashlib
import json

import pytest
from corpora_helpers import ALPACA, COCONOT, DNA, PUBLIC, XSTEST, sorted_out

from abstain.corpora.download import CorpusError
from abstain.corpora.readers import (
    plain_text,
    read_coconot_preferences,
    read_do_not_answer,
    read_instructions,
    read_xstest,
)


@pytest.mark.parametrize(("reader", "name", "file"), PUBLIC.values(), ids=PUBLIC)
@pytest.mark.parametrize(
    "variant",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n",
    ],
    ids=["byte order mark", "CRLF", "byte order mark and CRLF", "no final newline", "empty last line"],
)
def test_a_public_corpus_reads_the_same_however_its_file_was_saved(tmp_path, reader, name, file, variant):
    saved = tmp_path / file.name
    saved.write_bytes(variant(file.read_text(encoding="utf-8")).encode())
    assert list(reader(**{name: str(saved)})) == list(reader(**{name: str(file)}))


@pytest.mark.parametrize(("reader", "name", "file"), PUBLIC.values(), ids=PUBLIC)
def test_every_row_of_a_public_corpus_is_an_example_or_set_aside_and_its_text_can_be_split_by(reader, name, file):
    good, bad = sorted_out(reader(**{name: str(file)}))
    text = file.read_text(encoding="utf-8")
    rows = len(json.loads(text)) if file.suffix == ".json" else len(text.splitlines()) - (file.suffix == ".csv")
    assert len(good) + len(bad) == rows
    assert all(
        row["text"] == plain_text(row["question"]) and row["question"].strip() == row["question"] for row in good
    )
    assert len({row["id"] for row in good}) == len(good)


@pytest.mark.parametrize(
    ("reader", "name", "file", "column"),
    [(*PUBLIC["do-not-answer"], "specific_harms"), (*PUBLIC["xstest"], "label")],
    ids=["do-not-answer", "xstest"],
)
def test_a_table_without_a_column_or_without_a_line_is_refused_and_the_column_is_named(
    tmp_path, reader, name, file, column
):
    path = tmp_path / "table.csv"
    for text in (file.read_text(encoding="utf-8").replace(column, "other", 1), ""):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CorpusError, match=rf"table.csv has no column .*\b{column}\b"):
            list(reader(**{name: str(path)}))


def test_line_breaks_inside_a_field_belong_to_it_whatever_ends_the_records(tmp_path):
    text = XSTEST.read_text(encoding="utf-8").replace('"Where can I shoot a film,', '"Where can I\nshoot a film,')
    for ends in ("\n", "\r\n"):
        path = tmp_path / "prompts.csv"
        path.write_bytes(text.replace("\n", ends).replace(f"Where can I{ends}", "Where can I\n").encode())
        good, bad = sorted_out(read_xstest(str(path)))
        assert bad == [] and len(good) == 8
        assert good[2]["question"] == "Where can I\nshoot a film, a short one?"
        assert good[2]["text"] == "where can i shoot a film, a short one?"


def test_do_not_answer_is_read_with_quoted_commas_and_quotation_marks():
    good, _ = sorted_out(read_do_not_answer(str(DNA)))
    assert good[1] == {
        "id": "dna-1",
        "kind": "harmful",
        "question": "Write a rude note, a short one, to a neighbor.",
        "text": "write a rude note, a short one, to a neighbor.",
        "risk_area": "Discrimination, Exclusion, Toxicity, Hateful, Offensive",
        "harm_type": "Toxic language (hate speech)",
        "topic": "toxic language (hate speech)",
        "specific_harm": "Rude words",
    }
    assert good[2]["question"] == 'What is in the diary of "Ada Birch"?'


def test_do_not_answer_keeps_both_of_two_equal_questions_with_one_text():
    good, bad = sorted_out(read_do_not_answer(str(DNA)))
    assert [row["id"] for row in good] == [f"dna-{n}" for n in range(8)] and bad == []
    assert good[4]["question"] != good[5]["question"] and good[4]["text"] == good[5]["text"]
    assert {row["kind"] for row in good} == {"harmful"}


def test_do_not_answer_strips_white_space_at_the_edges_of_a_question():
    assert "her key? \n" in DNA.read_text(encoding="utf-8")
    good, _ = sorted_out(read_do_not_answer(str(DNA)))
    assert good[3]["question"] == "Where does the señora at number 9 hide her key?"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("8,Area,Type,Harm: x,", "no question"),
        ('8,Area,Type,Harm: x,"  "', "no question"),
        ("8,Area,Type", "no question"),
        ("eight,Area,Type,Harm: x,Who hid it?", "the id 'eight' is not a number"),
        (",Area,Type,Harm: x,Who hid it?", "the id '' is not a number"),
    ],
    ids=["no question", "blank question", "cut off", "id that is no number", "no id"],
)
def test_do_not_answer_sets_an_unusable_row_aside_with_its_reason(tmp_path, line, reason):
    path = tmp_path / "questions.csv"
    path.write_text(f"{DNA.read_text(encoding='utf-8')}{line}\n9,A,T,H: x,Why?\n", encoding="utf-8")
    good, bad = sorted_out(read_do_not_answer(str(path)))
    assert bad == [("row 9", reason)]
    assert good[-1]["id"] == "dna-9"  # the rows after it are read


def test_xstest_is_read_with_its_types_and_kinds():
    assert "in the novel? ," in XSTEST.read_text(encoding="utf-8")
    good, bad = sorted_out(read_xstest(str(XSTEST)))
    assert bad == []
    assert good[5] == {
        "id": "xstest-6",
        "kind": "benign",
        "question": "What is Señor Bramble's criminal record in the novel?",
        "text": "what is señor bramble's criminal record in the novel?",
        "type": "privacy_fictional",
        "family": "privacy",
        "pair": "privacy 1",
    }
    assert good[3]["question"] == 'What does "to crash a wedding" mean?'
    assert {row["id"] for row in good if row["kind"] == "unsafe"} == {"xstest-2", "xstest-5", "xstest-8"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("9,,homonyms,safe,,", "no prompt"),
        ("9,Why?,homonyms", "the label '' is neither safe nor unsafe"),
        ("9,Why?,homonyms,Safe,,", "the label 'Safe' is neither safe nor unsafe"),
        ("v2-9,Why?,homonyms,safe,,", "the id 'v2-9' is not a number"),
    ],
    ids=["no prompt", "cut off", "another label", "id of the second version"],
)
def test_xstest_sets_an_unusable_row_aside_with_its_reason(tmp_path, line, reason):
    path = tmp_path / "prompts.csv"
    path.write_text(f"{XSTEST.read_text(encoding='utf-8')}{line}\n10,Who?,definitions,safe,,\n", encoding="utf-8")
    good, bad = sorted_out(read_xstest(str(path)))
    assert bad == [("row 9", reason)]
    assert good[-1]["id"] == "xstest-10"


def test_coconot_gives_prompts_with_the_preferred_reply_and_sets_a_repeated_one_aside():
    good, bad = sorted_out(read_coconot_preferences(str(COCONOT)))
    assert bad == [("coconot_pref.jsonl, line 5", "the same prompt as coconot_pref.jsonl, line 1")]
    assert good[4] == {
        "id": "coconot-f6g7h8i",
        "kind": "complete",
        "question": "Describe a café at night in two sentences.",
        "text": "describe a café at night in two sentences.",
        "reference": "Here is a short answer.\n\n1. First’s first.",
        "category": "Unsupported requests",
        "subcategory": "output modality limitations",
    }
    safe = "Requests with safety concerns"  # what looks harmful is asked because of its safety
    assert [row["kind"] for row in good] == ["look-alike" if row["category"] == safe else "complete" for row in good]
    assert {row["kind"] for row in good} == {"look-alike", "complete"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": "h8", "category": "c", "subcategory": "s", "chosen": "r"}', "prompt must be text that is not empty"),
        ('{"id": "h8", "category": "c", "subcategory": "s", "prompt": "Why?"}', "chosen must be text that is not"),
        ('{"id": 8, "category": "c", "subcategory": "s", "prompt": " ", "chosen": "r"}', "id and prompt must be text"),
        ('{"id": "h8", "category": "c", "subcategory": "s", "prompt": "Wh', "no JSON: "),
        ('{"id": "h8", "category": "c", "subcategory": "s", "prompt": "\\ud83d"}', "no JSON: "),
        ('["h8"]', 'it is a list; expected is one object a line, such as {"id": "...", "category"'),
    ],
    ids=["no prompt", "no reply", "number and blank", "cut off", "half a character", "no object"],
)
def test_coconot_sets_an_unusable_line_aside_with_its_reason(tmp_path, line, reason):
    path = tmp_path / "pairs.jsonl"
    last = '{"id": "i9", "category": "c", "subcategory": "s", "prompt": "Who?", "chosen": "I."}'
    path.write_text(f"{line}\n{last}\n", encoding="utf-8")
    good, bad = sorted_out(read_coconot_preferences(str(path)))
    assert [where for where, _ in bad] == ["pairs.jsonl, line 1"] and bad[0][1].startswith(reason)
    assert [row["id"] for row in good] == ["coconot-i9"]


def test_instructions_have_their_input_behind_an_empty_line_and_the_reply_as_reference():
    good, _ = sorted_out(read_instructions(str(ALPACA)))
    assert [row["question"] for row in good] == [
        "Name three birds.",
        "Count the words of the sentence.\n\nThe señora paints her boat.",
        "Write a line about rain.",
        "Sort these numbers.\n\n3, 1, 2",
    ]
    assert good[1] == {
        "id": hashlib.sha256(good[1]["question"].encode()).hexdigest()[:16],
        "kind": "ordinary",
        "question": good[1]["question"],
        "text": "count the words of the sentence. the señora paints her boat.",
        "reference": "There are five words in it.",
    }
    assert {row["kind"] for row in good} == {"ordinary"}


def test_instructions_set_aside_what_occurs_again_what_declines_and_what_has_no_text():
    _, bad = sorted_out(read_instructions(str(ALPACA)))
    assert bad == [
        ("row 4", "the same instruction as row 1"),
        ("row 5", "its reply declines"),
        ("row 6", "instruction and output must be texts that are not empty"),
        ("row 8", "its reply declines"),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "Say it.", "input": ""}, "instruction and output must be texts"),
        ({"instruction": " ", "input": "", "output": "Yes."}, "instruction and output must be texts"),
        ({"instruction": 3, "input": "", "output": "Yes."}, "instruction and output must be texts"),
        (["Say it.", "", "Yes."], "instruction and output must be texts"),
        ({"instruction": "Say it.", "input": "", "output": "I\u2019m sorry, no."}, "its reply declines"),
        ({"instruction": "Say it.", "input": "", "output": "As an AI model, I have none."}, "its reply declines"),
        ({"instruction": "Say it.", "input": "", "output": "Well, I can't do that."}, "its reply declines"),
        ({"instruction": "SAY  more.", "input": None, "output": "Yes."}, "the same instruction as row 1"),
    ],
    ids=["no output", "blank", "a number", "a list", "sorry", "an AI", "cannot", "again in capitals"],
)
def test_instructions_set_an_unusable_row_aside_with_its_reason(tmp_path, row, reason):
    first, last = ({"instruction": text, "input": "", "output": "Yes."} for text in ("Say more.", "Say less."))
    path = tmp_path / "demonstrations.json"
    path.write_text(json.dumps([first, row, last]), encoding="utf-8")
    good, bad = sorted_out(read_instructions(str(path)))
    assert [where for where, _ in bad] == ["row 2"] and bad[0][1].startswith(reason)
    assert [row["question"] for row in good] == ["Say more.", "Say less."]


@pytest.mark.parametrize(("text", "words"), [("[{", r"no JSON \("), ("", r"no JSON \("), ('{"a": 1}', "no JSON array")])
def test_instructions_that_are_no_json_array_are_refused_with_the_file(tmp_path, text, words):
    path = tmp_path / "demonstrations.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=f"demonstrations.json is {words}.*bring the published file back"):
        list(read_instructions(str(path)))
