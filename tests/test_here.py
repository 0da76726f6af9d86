"""What of a study a scale runs: faults of what it compares and takes, and what is left out."""

from pathlib import Path

import pytest
from conftest import ROOT, Settings, studies_of
from damages import faults

from abstain.settings.arms import controls, run_here, scored_on, training_mixes
from abstain.studies.plan import jobs_of_study, scorings

SMALL, PAPER = (Settings.read(ROOT / f"config/{name}.yaml") for name in ("small", "paper"))
STUDY = "do-not-answer"
VALUES, ASKS = f"studies/{STUDY}", f"asks/{STUDY}"
SIZE = {"rows": 1, "per": {}}
ASKED = {  # what the paper scale scores, without harmful requests
    mix: {kind: size for kind, size in PAPER.values(STUDY)["sizes"][mix].items() if kind != "harmful"}
    for mix in PAPER.asks(STUDY)["evaluation"]
}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Tests write settings into the working directory."""
    monkeypatch.chdir(tmp_path)


def chained(settings: Settings) -> Settings:
    """A copy in which the arm mixed starts from the arm lora."""
    return settings.changed(f"{ASKS}/arms/mixed/from", "lora")


FAULTS = {
    "an unknown arm": (
        SMALL, "compared/1", "lorra", "compared.1: there is no arm 'lorra'; did you mean 'lora'?",
    ),
    "no base": (
        SMALL, "compared", ["lora", "qlora"], "compared: the arm 'base' is what the others are compared with; add it",
    ),
    "a start that is not compared": (
        chained(SMALL), "compared", ["base", "mixed"],
        "compared.1: 'mixed' starts from the arm 'lora', which is not compared; add it",
    ),
    "a size of no mix": (
        SMALL, "sizes/tests", {"harmful": SIZE}, "sizes.tests: there is no mix 'tests'; did you mean 'test'?",
    ),
    "a size of no kind of its mix": (
        SMALL, "sizes/standard/benign", SIZE,
        "sizes.standard.benign: the mix has no rows of kind 'benign'; it has: harmful",
    ),
    "rows of a prompt that the mix does not put the kind into": (
        SMALL, "sizes/test/benign/rows", {"plain": 5, "plian": 5},
        "sizes.test.benign.rows.plian: the mix puts no 'benign' rows into it; it has: plain",
    ),
    "an arm whose mix has no size": (
        SMALL, "sizes/mixed", ...,
        "sizes: the arm 'mixed' is trained on the mix 'mixed', of which nothing is taken; add its sizes",
    ),
    "an arm that would stop by a mix without a size": (
        SMALL, "recipes/standard/early_stopping", {"steps": 4, "patience": 1},
        "sizes: the arm 'lora' stops by the mix 'validation', of which nothing is taken; add its sizes",
    ),
    "a control without a row": (
        PAPER.changed(f"{VALUES}/compared", ["base", "qlora", "random-category"]), "sizes",
        {**PAPER.values(STUDY)["sizes"], **ASKED},
        "sizes: the arm 'random-category' is compared, and nothing is taken of a mix that it would be scored on; add "
        "its sizes",
    ),
    "nothing to score": (
        PAPER, "sizes/published-test", ...,
        "sizes: the arm 'published' is compared, and nothing is taken of a mix that it would be scored on; add its "
        "sizes",
    ),
    "a split that a mix with a size names": (
        SMALL, "sizes/published-test", {"harmful": SIZE}, "mixes.published-test.split: there is no split 'published'",
    ),
    "a recipe of an arm that is compared": (
        SMALL, "compared", ["base", "published"], "arms.published.recipe: there is no recipe 'published'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "where", "value", "words"), FAULTS.values(), ids=FAULTS)
def test_what_a_scale_cannot_run_is_refused_once_with_its_place(settings, where, value, words):
    (said,) = faults(settings.changed(f"{VALUES}/{where}", value))
    assert words in said
    file, place = said.split(", line ")[0], words.split(": ")[0]
    if place.startswith(("mixes", "arms")):
        assert file == SMALL.values(STUDY)["file"]
    else:
        assert file == "config.yaml" and f"{STUDY}.{place}: " in said


def test_a_fault_of_what_a_scale_does_not_run_shows_there_too():
    (said,) = faults(SMALL.changed(f"{ASKS}/claims/12/metric", "closenes"))  # of the arm published, which it lacks
    assert "claims.12.metric: " in said and "did you mean 'closeness'?" in said
    (said,) = faults(SMALL.changed(f"{ASKS}/figures/published-refusal/kinds/0", "harmfull"))
    assert "figures.published-refusal: " in said and "did you mean 'harmful'?" in said


# What is left out


def test_arms_that_are_not_compared_and_mixes_and_kinds_without_sizes_are_left_out(pocket):
    whole = pocket.whole(STUDY)
    study = run_here(whole)
    assert list(study["arms"]) == ["base", "qlora", *controls(whole)] and list(study["mixes"]) == ["standard", "test"]
    assert study["evaluation"] == ["test"]
    assert [(row["kind"], row["rows"], row["per"]) for row in study["mixes"]["test"]["rows"]] == [
        ("harmful", 120, {"twin": 1}),
        ("benign", 120, {"twin": 1}),
    ]
    assert study["claims"] == whole["claims"] and whole == pocket.whole(STUDY)


def test_rows_may_be_named_by_prompt_and_under_another_prompt_nothing_is_taken(pocket):
    by_prompt = {"flag-on": 30, "absent": "all"}
    study = run_here(pocket.changed("studies/safety-mode/sizes/test/benign/rows", by_prompt).whole("safety-mode"))
    taken = {
        kind: {row["prompt"]: row["rows"] for row in study["mixes"]["test"]["rows"] if row["kind"] == kind}
        for kind in ("benign", "ambiguous")
    }
    assert taken == {"benign": by_prompt, "ambiguous": {"flag-on": 100, "flag-off": 100}}


def test_every_prompt_of_a_kind_gets_its_size_and_keeps_what_the_study_says_of_it(pocket):
    study, whole = run_here(pocket.whole("safety-mode")), pocket.whole("safety-mode")
    for mix, record in study["mixes"].items():
        asked, sizes = whole["mixes"][mix]["rows"], whole["sizes"][mix]
        assert record["rows"] == [{**row, **sizes[row["kind"]]} for row in asked if row["kind"] in sizes]
        assert {key: value for key, value in record.items() if key != "rows"} == {
            key: value for key, value in whole["mixes"][mix].items() if key != "rows"
        }


def test_an_arm_whose_recipe_does_not_stop_early_reads_no_mix_to_stop_by():
    here, there = run_here(SMALL.whole(STUDY)), run_here(PAPER.whole(STUDY))
    trained = ["lora", "qlora", "mixed", "contrast"]
    assert [here["arms"][arm]["validation"] for arm in trained] == [None] * 4
    mixes = ["validation", "validation", "mixed-validation", "contrast-validation"]
    assert [there["arms"][arm]["validation"] for arm in trained] == mixes
    assert training_mixes(here) == ["standard", "mixed", "contrast"]
    for name, arm in here["arms"].items():
        assert {**arm, "validation": None} == {**SMALL.asks(STUDY)["arms"][name], "validation": None}


def test_what_is_left_out_is_in_no_job_and_the_rest_is_in_the_order_of_the_study():
    scale = SMALL.changed(f"{VALUES}/compared", ["contrast", "base", "lora"])  # in another order
    study = studies_of(scale, Path())[STUDY]
    assert list(study["arms"]) == ["base", "lora", "contrast"]
    jobs = list(jobs_of_study(STUDY, study))
    assert {w["arm"] for _, w in jobs if "arm" in w} == {"base", "lora", "contrast"}
    assert [w["mix"] for rule, w in jobs if rule == "calibrate"] == list(study["mixes"])
    assert [w["figure"] for rule, w in jobs if rule == "plot"] == ["similarity", "refusal", "kinds"]
    for arm in study["arms"]:
        assert scored_on(study, arm) == ["test"]


def test_a_figure_of_a_kind_or_a_mix_that_is_not_asked_here_is_left_out():
    def drawn(settings: Settings) -> list[str]:
        return list(studies_of(settings, Path())[STUDY]["figures"])

    assert drawn(SMALL) == ["similarity", "refusal", "kinds"]
    assert drawn(SMALL.changed(f"{VALUES}/sizes/test/ordinary", ...)) == ["similarity", "refusal"]
    assert drawn(SMALL.changed(f"{VALUES}/sizes/test/benign", ...)) == ["similarity"]
    assert drawn(PAPER) == list(PAPER.asks(STUDY)["figures"])
    fewer = PAPER.changed(f"{VALUES}/compared", ["base", "lora"]).changed(f"{VALUES}/sizes/published-test", ...)
    assert drawn(fewer) == ["similarity", "refusal", "kinds"]


# Scorers


def test_a_scorer_that_a_scale_does_not_run_is_left_out_and_the_others_have_what_study_and_scale_say(pocket):
    asks, study = pocket.asks("safety-mode")["scorers"], pocket.resolved("safety-mode")
    assert list(asks) == ["refusal", "answer", "relevance", "likelihood"]
    assert study["scorers"] == {"refusal": {"targets": ["refusal"], "detector": "exact"}, "answer": asks["answer"]}
    assert {wildcards["scorer"] for _, wildcards in scorings(study)} == {"refusal", "answer"}
    turned = pocket.changed("studies/safety-mode/scored", {"answer": {}, "refusal": {"detector": "learned"}})
    found = turned.resolved("safety-mode")["scorers"]
    assert list(found) == ["refusal", "answer"] and found["refusal"]["detector"] == "learned"


def test_without_the_detector_claims_on_refusals_are_not_refused_and_figures_of_them_are_not_drawn(pocket):
    study = studies_of(pocket.changed("studies/safety-mode/scored", {"answer": {}}), Path())["safety-mode"]
    assert study["claims"] == pocket.asks("safety-mode")["claims"] and study["figures"] == {}


def test_a_claim_on_a_metric_of_no_scorer_of_the_study_is_refused_whatever_the_scale_runs(pocket):
    (said,) = faults(pocket.changed("asks/safety-mode/claims/0/metric", "closeness"))
    assert "claims.0.metric: " in said
