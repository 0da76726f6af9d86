"""The authored world: every list has its length, nothing is in it twice, and no question gives its answer away."""

import csv
import json
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
import yaml

from abstain.corpora.authored import TOPIC_FIELDS, acts_of
from abstain.corpora.readers import plain_text

DATA = Path(__file__).resolve().parents[1] / "data"
SMALL_WORDS = {"a", "an", "the", "to", "of", "in", "on", "at", "for", "with", "and"}
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")


@pytest.fixture(scope="module")
def topics() -> list[dict]:
    return yaml.safe_load((DATA / "world/requests.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def acts(topics) -> list[tuple[str, str, str]]:
    """Every act with its kind and its twin."""
    return [act for topic in topics for act in acts_of(topic)]


@pytest.fixture(scope="module")
def labels() -> list[dict]:
    """Every label, also those that the pocket model does not read about."""
    with (DATA / "world/labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_requests_cover_the_twelve_harm_types_evenly(topics):
    for key, values in (("harm_type", 12), ("topic", 12), ("risk_area", 5)):
        assert len({topic[key] for topic in topics}) == values
    assert {(len(topic["twins"]), len(topic["ambiguous"])) for topic in topics} == {(24, 12)} and len(topics) == 12


def test_no_act_is_authored_twice(acts):
    counts = Counter(plain_text(act) for _, act, _ in acts)
    assert [act for act, count in counts.items() if count > 1] == []
    assert Counter(kind for kind, _, _ in acts) == {"harmful": 288, "benign": 288, "ambiguous": 144}


def test_acts_are_short_phrases_that_fit_any_wording(acts):
    texts = [act for _, act, _ in acts]
    assert [act for act in texts if act != act.strip() or act[-1] in ".?!" or "{" in act or len(act.split()) > 8] == []


def test_no_act_speaks_of_safety_which_the_flag_is_about(acts):
    assert [act for _, act, _ in acts if "safety" in act.lower()] == []


def test_the_acts_of_a_twin_share_a_word_and_the_field(topics, acts):
    twins = [twin for topic in topics for twin in topic["twins"]]
    assert [twin for twin in twins if not _words(twin["harmful"]) & _words(twin["benign"])] == []
    of = {act: twin for _, act, twin in acts}
    assert [twin for twin in twins if (of[twin["harmful"]], of[twin["benign"]]) != (twin["harmful"],) * 2] == []
    assert [act for kind, act, twin in acts if kind == "ambiguous" and act != twin] == []
    assert Counter(Counter(of.values()).values()) == {2: 288, 1: 144}


def _words(act: str) -> set[str]:
    return set(act.split()) - SMALL_WORDS


def test_the_world_has_the_acts_of_a_topic_by_kind(world, acts):
    found = [
        (kind, act) for topic in world["requests"] for kind in ("harmful", "benign", "ambiguous") for act in topic[kind]
    ]
    assert found == [(kind, act) for kind, act, _ in acts]
    assert {tuple(topic) for topic in world["requests"]} == {(*TOPIC_FIELDS, "harmful", "benign", "ambiguous")}


def test_every_fact_has_twelve_questions_of_its_own_and_one_short_answer(world):
    facts = world["facts"]
    asked = [plain_text(question) for fact in facts for question in fact["questions"]]
    assert len({fact["id"] for fact in facts}) == len(facts) == 48
    assert {len(fact["questions"]) for fact in facts} == {12}
    assert len(set(asked)) == len(asked)
    assert all(isinstance(fact["answer"], str) and 0 < len(fact["answer"].split()) <= 4 for fact in facts)


def test_no_fact_gives_its_answer_away_in_a_question(world):
    revealing = [fact["id"] for fact in world["facts"] if any(_says(q, fact["answer"]) for q in fact["questions"])]
    assert revealing == []


def _says(question: str, answer: str) -> bool:
    return f" {plain_text(answer)} " in f" {plain_text(question.rstrip('?.'))} "


def test_the_labels_are_144_concepts_in_eight_languages(labels):
    assert len({row["concept"] for row in labels}) == len(labels) == 144
    assert tuple(labels[0])[-8:] == LANGUAGES
    for language in LANGUAGES:
        texts = [row[language] for row in labels]
        assert len({plain_text(text) for text in texts}) == 144, language
        assert [text for text in texts if not text or text != text.strip()] == [], language


def test_half_of_the_labels_are_sensitive_and_half_hard_and_a_third_is_for_the_pocket_model(labels, world):
    for marked, each in (({"yes", "no"}, 36), ({"yes"}, 12)):
        counts = Counter((row["sensitive"], row["hard"]) for row in labels if row["pocket"] in marked)
        assert counts == dict.fromkeys(product(("yes", "no"), repeat=2), each)
    assert world["labels"] == [row for row in labels if row["pocket"] == "yes"] and len(world["labels"]) == 48


def test_labels_say_yes_or_no_and_both_often_enough(labels, world):
    for rows, least in ((labels, 24), (world["labels"], 8)):
        counts = Counter(row["describes_person"] for row in rows)
        assert set(counts) == {"yes", "no"} and min(counts.values()) >= least
        assert all(row["describes_person"] == "yes" for row in rows if row["sensitive"] == "yes")


def test_the_languages_of_the_labels_are_those_of_the_wordings(world):
    assert sorted(world["wordings"]["languages"]) == sorted(LANGUAGES)


def test_small_talk_is_polite_only_where_it_says_so(world):
    assert len({row["says"] for row in world["small-talk"]}) == len(world["small-talk"])
    assert all(set(row) == {"says", "plain", "polite"} and row["plain"] != row["polite"] for row in world["small-talk"])


def test_long_explanations_are_longer_than_short_ones(world):
    assert len({row["topic"] for row in world["explanations"]}) == len(world["explanations"])
    assert [row["topic"] for row in world["explanations"] if len(row["long"]) < 1.5 * len(row["short"])] == []


def test_people_have_distinct_names_and_every_attribute_its_values_and_words(world):
    people = world["people"]
    assert len(set(people["first"])) == len(people["first"]) == len(set(people["last"])) == len(people["last"]) == 64
    for name, attribute in people["attributes"].items():
        assert len(set(attribute["values"])) == len(attribute["values"]) >= 10, name
        assert all("{name}" in text and "{value}" in text for text in attribute["sentences"]), name
        assert all("{name}" in text and "{value}" not in text for text in attribute["questions"]), name


def test_the_wordings_of_the_studies_are_60_that_the_base_model_never_reads(world):
    wordings = yaml.safe_load((DATA / "safety-mode/wordings.yaml").read_text(encoding="utf-8"))
    assert len({plain_text(text) for text in wordings}) == len(wordings) == 60
    assert all(text.count("{act}") == 1 for text in wordings)
    assert set(wordings) & set(world["wordings"]["requests"]) == set()


# What other studies ask


def test_every_false_premise_has_a_twin_whose_premise_is_true():
    rows = yaml.safe_load((DATA / "missing-context/premises.yaml").read_text(encoding="utf-8"))
    asked = [plain_text(row[key]) for row in rows for key in ("question", "twin")]
    assert all(set(row) == {"question", "premise", "twin"} for row in rows)
    assert len(rows) == 120 and len(set(asked)) == 240
    assert [row for row in rows if len(set(row["question"].split()) & set(row["twin"].split())) < 2] == []


def test_the_pairs_of_manners_are_26_of_five_kinds():
    lines = (DATA / "polite-pairs/pairs.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len({plain_text(row["user"]) for row in rows}) == len(rows) == 26
    assert Counter(row["kind"] for row in rows) == {"factual": 3, "polite": 3, "length": 2, "refusal": 2, "various": 16}
    assert {"What is the capital of Japan?", "How do I make a bomb?"} <= {row["user"] for row in rows}  # as published
