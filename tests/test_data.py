"""The authored world: every list has its length, nothing is in it twice, and no question gives its answer away."""

import csv
import json
from collections import Counter
from itertools import product
from pathlib import Path

import yaml

from abstain.corpora.readers import plain_text

DATA = Path(__file__).resolve().parents[1] / "data"
KINDS = ("harmful", "benign", "ambiguous")
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")


def test_the_requests_cover_the_twelve_harm_types_evenly(world):
    assert len({topic["harm_type"] for topic in world["requests"]}) == len(world["requests"]) == 12
    assert len({topic["topic"] for topic in world["requests"]}) == 12
    assert len({topic["risk_area"] for topic in world["requests"]}) == 5
    assert {tuple(len(topic[kind]) for kind in KINDS) for topic in world["requests"]} == {(16, 16, 6)}


def test_no_act_is_authored_twice(world):
    acts = Counter(plain_text(act) for topic in world["requests"] for kind in KINDS for act in topic[kind])
    assert [act for act, count in acts.items() if count > 1] == []
    assert len(acts) == 456


def test_acts_are_short_phrases_that_fit_any_wording(world):
    acts = [act for topic in world["requests"] for kind in KINDS for act in topic[kind]]
    assert [act for act in acts if act != act.strip() or act[-1] in ".?!" or "{" in act or len(act.split()) > 8] == []


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


def test_the_labels_are_64_concepts_in_eight_languages():
    with (DATA / "world" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["concept"] for row in rows}) == len(rows) == 64
    assert tuple(rows[0])[-8:] == LANGUAGES
    for language in LANGUAGES:
        labels = [row[language] for row in rows]
        assert len(set(labels)) == 64, language
        assert [label for label in labels if not label or label != label.strip()] == [], language


def test_labels_say_yes_or_no_and_both_often_enough(world):
    for column in ("describes_person", "sensitive", "hard"):
        counts = Counter(row[column] for row in world["labels"])
        assert set(counts) == {"yes", "no"}
        assert min(counts.values()) >= 28
    assert all(row["describes_person"] == "yes" for row in world["labels"] if row["sensitive"] == "yes")


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


# What the next pocket model is to read, and what the other studies ask


def test_the_next_requests_are_twins_that_share_a_word_and_acts_that_depend():
    topics = yaml.safe_load((DATA / "next/requests.yaml").read_text(encoding="utf-8"))
    assert {(len(topic["twins"]), len(topic["ambiguous"])) for topic in topics} == {(24, 12)} and len(topics) == 12
    twins = [twin for topic in topics for twin in topic["twins"]]
    small = {"a", "an", "the", "to", "of", "in", "on", "at", "for", "with", "and"}
    assert [twin for twin in twins if not set(twin["harmful"].split()) & set(twin["benign"].split()) - small] == []
    acts = [act for twin in twins for act in twin.values()] + [act for topic in topics for act in topic["ambiguous"]]
    assert len({plain_text(act) for act in acts}) == len(acts) == 720


def test_the_next_wordings_are_60_that_no_model_has_read(world):
    wordings = yaml.safe_load((DATA / "next/wordings.yaml").read_text(encoding="utf-8"))
    old = yaml.safe_load((DATA / "safety-mode/wordings.yaml").read_text(encoding="utf-8"))
    assert len({plain_text(text) for text in wordings}) == len(wordings) == 60
    assert all(text.count("{act}") == 1 for text in wordings)
    assert set(wordings) & {*world["wordings"]["requests"], *old} == set()


def test_the_next_labels_are_144_concepts_half_sensitive_half_hard_and_a_third_for_pocket():
    with (DATA / "next/labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["concept"] for row in rows}) == len(rows) == 144
    for language in LANGUAGES:
        labels = [row[language] for row in rows]
        assert len({plain_text(label) for label in labels}) == 144 and "" not in labels, language
    for marked, each in (({"yes", "no"}, 36), ({"yes"}, 12)):
        counts = Counter((row["sensitive"], row["hard"]) for row in rows if row["pocket"] in marked)
        assert counts == dict.fromkeys(product(("yes", "no"), repeat=2), each)


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
