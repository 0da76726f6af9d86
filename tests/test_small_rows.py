"""The rows of the public corpora at the scales small and paper: read, set aside, divided and drawn, all of them."""

from collections import Counter
from itertools import product

import pytest
from drawn import PAPER, SMALL, STUDY, Drawn, needs_mirror

from abstain.corpora.neighbours import shared_templates
from abstain.jobs.files import read_json, read_jsonl
from abstain.settings.arms import training_mixes

PUBLISHED = [402, 627, 567, 803, 849, 525, 425, 58, 106, 226]  # row numbers of the ten test questions
LABELLED = ("english", "german", "french", "spanish", "italian", "portuguese", "dutch", "polish")
LISTED = dict(zip(LABELLED[:6], (284, 275, 277, 281, 278, 280), strict=True))
XSTEST = {"benign": 250, "unsafe": 200}
UNANSWERED = {"unanswerable", "false-premise"}  # kinds of request whose rows have no reference


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Drawn:
    return Drawn(tmp_path_factory.mktemp("drawn"))


@needs_mirror
def test_every_row_of_the_public_corpora_is_read_or_set_aside_with_its_reason(drawn):
    cards = drawn.cards()
    counts = {name: (card["rows"], card["quarantined"]) for name, card in cards.items()}
    assert counts == {
        "do-not-answer": (939, 0),
        "xstest": (450, 0),
        "coconot-preferences": (927, 65),
        "alpaca-demonstrations": (999, 122),
        "advbench": (520, 0),
        "harmbench": (200, 0),
        "simple-safety-tests": (100, 0),
        "polite-pairs": (26, 0),
        "published-prompts": (5, 0),
        "world-facts": (565, 1),
        "self-instruct": (175, 36),
        "labels": (1152, 0),
        "public-labels": (1704, 29),
        "squad-rebuilt": (11873, 8652),
        "nq-open": (3610, 0),
        "falseqa": (3356, 115),
    }
    assert all(card["kept"] == card["rows"] - card["quarantined"] for card in cards.values())
    reasons = {
        name: Counter(
            " ".join(row["reason"].split()[:3]) for row in read_jsonl(drawn.corpus(name) / "quarantine.jsonl")
        )
        for name in ("coconot-preferences", "alpaca-demonstrations")
    }
    assert reasons == {
        "coconot-preferences": {"the same prompt": 8, "its reply declines": 20, "no sentence of": 37},
        "alpaca-demonstrations": {
            "the same instruction": 13, "its reply declines": 34, "no sentence of": 63, "its question has": 12,
        },
    }  # fmt: skip
    kinds = {name: Counter(row["kind"] for row in read_jsonl(drawn.corpus(name) / "examples.jsonl")) for name in cards}
    assert kinds == {
        "do-not-answer": {"harmful": 939},
        "xstest": XSTEST,
        "coconot-preferences": {"look-alike": 439, "complete": 423},
        "alpaca-demonstrations": {"ordinary": 877},
        "advbench": {"unsafe-advbench": 520},
        "harmbench": {"unsafe-harmbench": 200},
        "simple-safety-tests": {"unsafe-simple": 100},
        "polite-pairs": {"pair": 26},
        "published-prompts": {"published-seen": 2, "published-unseen": 3},
        "world-facts": {"fact": 564},
        "self-instruct": {"seed-task": 139},
        "labels": dict.fromkeys(LABELLED, 144),
        "public-labels": {f"public-{language}": rows for language, rows in LISTED.items()},
        "squad-rebuilt": {"answerable": 1600, "unanswerable": 1621},
        "nq-open": {"open": 3610},
        "falseqa": {"false-premise": 1672, "true-premise": 1569},
    }


@needs_mirror
def test_questions_and_references_of_the_public_corpora_are_as_short_as_the_scale_says(drawn):
    for name, settings in SMALL.scale["corpora"].items():
        if settings["longest"]:
            rows = list(read_jsonl(drawn.corpus(name) / "examples.jsonl"))
            texts = {key: [row[key] for row in rows if key in row] for key in settings["longest"]}
            assert {row["kind"] for row in rows if "reference" not in row} <= UNANSWERED, name
            assert all(len(texts[key]) == len(rows) for key in texts if key != "reference"), name
            for key, most in settings["longest"].items():
                assert min(map(len, texts[key])) > 0 and max(map(len, texts[key])) <= most, (name, key)
            assert max(map(len, texts["reference"])) > 0.9 * settings["longest"]["reference"], name


@needs_mirror
def test_the_published_split_is_reproduced_row_by_row(drawn):
    before = read_json(drawn.mix("paper", "published") / "card.json")["kinds"]["before"]
    sizes = {part: before[part][STUDY] for part in ("train", "validation", "test")}
    assert sizes == {part: {"harmful": rows} for part, rows in (("train", 751), ("validation", 178), ("test", 10))}
    assert before["in no part"]["xstest"] == {"unsafe": 200}
    assert drawn.values("paper", "published-test", "request") == {f"dna-{number}" for number in PUBLISHED}
    assert [len(drawn.rows("paper", mix)) for mix in ("published", "published-validation")] == [751, 178]


@needs_mirror
def test_four_of_the_ten_published_test_questions_share_a_template_with_a_training_question(drawn):
    train, test = (drawn.rows("paper", mix) for mix in ("published", "published-test"))
    assert shared_templates(train, test) == {"questions": 4, "of": 10}


@needs_mirror
@pytest.mark.parametrize("scale", ["small", "paper"])
def test_our_own_split_has_a_proper_test_part_and_no_text_or_template_on_both_sides(drawn, scale):
    settings = {"small": SMALL, "paper": PAPER}[scale]
    study = settings.resolved(STUDY)
    own = [mix for mix in study["mixes"] if study["mixes"][mix]["split"] == study["mixes"]["test"]["split"]]
    for kind, field in product(("harmful", "look-alike", "ordinary"), ("text", "template")):
        found = {part: set() for part in ("train", "validation", "test")}
        for mix in own:
            found[study["mixes"][mix]["part"]] |= drawn.values(scale, mix, field, kind)
        assert len(found["test"]) >= {"harmful": 280, "look-alike": 140, "ordinary": 100}[kind]
        assert not found["train"] & found["test"] and not found["validation"] & (found["train"] | found["test"])
    areas = Counter(row["risk_area"] for row in drawn.rows(scale, "test") if row["kind"] == "harmful")
    assert len(areas) == 5 and min(areas.values()) >= 20


@needs_mirror
def test_a_question_that_a_corpus_asks_twice_is_on_one_side(drawn):
    own = ("standard", "validation", "test")
    twins = [drawn.values("paper", mix, "request") & {"dna-433", "dna-434"} for mix in own]
    assert sorted(map(len, twins)) in ([0, 0, 1], [0, 0, 2])  # once where each text is asked once


@needs_mirror
def test_the_prompts_of_xstest_are_asked_and_never_trained_on(drawn):
    for scale, settings in (("small", SMALL), ("paper", PAPER)):
        study = settings.resolved(STUDY)
        for mix in study["evaluation"]:
            asked = Counter(row["kind"] for row in drawn.rows(scale, mix) if row["source"] == "xstest")
            assert asked == (XSTEST if mix == "test" else {"benign": 250}), (scale, mix)
        for mix in training_mixes(study):
            assert "xstest" not in {row["source"] for row in drawn.rows(scale, mix)}, (scale, mix)


@needs_mirror
def test_mixed_and_contrast_hold_the_same_harmful_questions_and_teach_the_replies_of_their_corpora(drawn):
    refusals = {mix: drawn.values("small", mix, "text") for mix in ("mixed", "contrast", "standard")}
    assert refusals["mixed"] == refusals["contrast"] < refusals["standard"] and len(refusals["mixed"]) == 128
    for mix, kind, corpus in (
        ("mixed", "ordinary", "alpaca-demonstrations"),
        ("contrast", "look-alike", "coconot-preferences"),
    ):
        references = {row["id"]: row["reference"] for row in read_jsonl(drawn.corpus(corpus) / "examples.jsonl")}
        helped = [row for row in drawn.rows("small", mix) if row["kind"] == kind]
        assert len(helped) == 128
        assert all(row["target"] == references[row["request"]] for row in helped)


@needs_mirror
def test_the_licences_of_the_corpora_travel_with_what_is_made_of_them(drawn):
    corpora_of_study = SMALL.values(STUDY)["corpora"]
    licences = {name: SMALL.scale["corpora"][name]["licence"] for name in corpora_of_study}
    expected = {
        "standard": ["do-not-answer"],
        "mixed": ["do-not-answer", "alpaca-demonstrations"],
        "contrast": ["do-not-answer", "coconot-preferences"],
        "test": list(licences),
    }
    for mix, corpora in expected.items():
        written = read_json(drawn.mix("small", mix) / "card.json")["licences"]
        assert written == sorted(licences[name] for name in corpora), mix
