"""Readers of what we wrote for missing-context: passages about invented people, and false premises."""

from collections import Counter

import pytest
import yaml
from conftest import ROOT

from abstain.corpora.download import CorpusError
from abstain.corpora.invented import UNREAD, read_passages, read_premises
from abstain.corpora.lines import Quarantined
from abstain.corpora.people import share

PEOPLE, PREMISES = ROOT / "data/world/people.yaml", ROOT / "data/missing-context/premises.yaml"


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return list(read_passages(str(PEOPLE)))


def test_nobody_is_asked_about_of_whom_the_pocket_model_has_read(rows):
    recipe = yaml.safe_load((ROOT / "models/pocket/recipe.yaml").read_text())
    assert recipe["people"] == [0.0, UNREAD[0]]
    assert all(share(name) >= UNREAD[0] for row in rows for name in row["person"].split(", "))


def test_every_person_is_in_one_passage_alone(rows):
    people = {row["person"] for row in rows}
    assert max(Counter(name for each in people for name in each.split(", ")).values()) == 1


def test_a_passage_holds_what_is_answerable_and_nothing_of_what_is_not(rows):
    attributes = yaml.safe_load(PEOPLE.read_text())["attributes"]
    for row in rows:
        told = [value for value in attributes[row["attribute"]]["values"] if value in row.get("context", "").split(" ")]
        if row["kind"].startswith("answerable"):
            assert row["references"] == [row["reference"]] and row["reference"] in row["context"]
            assert row["reference"] not in row["other_context"] or row["person"] not in row["other_context"]
        elif row["kind"].startswith("unanswerable"):
            asked = next(name for name in (*row["person"].split(", "), row["question"]) if name in row["question"])
            assert row["references"] == [] and (asked == row["question"] or not told)
        else:
            assert row["kind"] == "open" and "context" not in row


def test_passages_about_several_people_are_kinds_of_their_own(rows):
    kinds = Counter((row["kind"], "," in row["person"]) for row in rows)
    assert set(kinds) == {
        ("answerable", False), ("unanswerable", False), ("open", False),
        ("answerable-of-several", True), ("unanswerable-of-several", True),
    }  # fmt: skip
    assert min(kinds.values()) >= 400 and len({row["id"] for row in rows}) == len(rows)


def test_passages_are_the_same_whenever_they_are_read(rows):
    assert list(read_passages(str(PEOPLE))) == rows


def test_a_premise_and_its_twin_are_one_pair():
    rows = list(read_premises(str(PREMISES)))
    assert Counter(row["kind"] for row in rows) == {"false-premise": 120, "true-premise": 120}
    assert set(Counter(row["pair"] for row in rows).values()) == {2}
    assert len({row["text"] for row in rows}) == 240


def test_a_premise_without_its_twin_is_set_aside_and_a_file_that_is_no_list_refused(tmp_path):
    path = tmp_path / "premises.yaml"
    path.write_text("- {question: Why so, premise: It is.}\n")
    assert list(read_premises(str(path))) == [Quarantined("entry 1", "twin must be text that is not empty")]
    path.write_text("question: Why?\n")
    with pytest.raises(CorpusError, match="premises.yaml is no list"):
        list(read_premises(str(path)))


def test_people_without_questions_are_refused(tmp_path):
    path = tmp_path / "people.yaml"
    path.write_text(
        "{first: [A], last: [B], attributes: {job: {values: [cook], sentences: ['{name} is a {value}.']}}}\n"
    )
    with pytest.raises(CorpusError, match="the attribute 'job' has no questions"):
        list(read_passages(str(path)))
