"""The plan: every job of a scale once, in the order of the flow, with the wildcards that its rule's files have."""

import re

import pytest
from conftest import ROOT, Settings
from described import SCHEMAS

from abstain.settings.arms import UNSEEDED, controls, predictions, scores
from abstain.studies import plan

SCALES = ["config.yaml", "config/paper.yaml", "config/small.yaml"]
FLOW = "audit calibrate render pair initialise train_sft merge train_dpo predict recite classify score"
FLOW += " check_replies summarise present plot"
each_scale = pytest.mark.parametrize("settings", [Settings.read(ROOT / path) for path in SCALES], ids=SCALES)


def rules() -> dict[str, set[str]]:
    """The wildcards of every rule, by the rule's name: those in the path of the record that its jobs write."""
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    found = re.findall(
        r"^(?:rule|checkpoint) (\w+):\n(?:\s*\n|    .*\n)*?        record=\"(.+)\",\n", text, re.MULTILINE
    )
    return {name: set(re.findall(r"{(\w+)}", record)) for name, record in found}


def jobs_of(settings: Settings) -> list[plan.Job]:
    studies = {name: settings.resolved(name) for name in settings.scale["studies"]}
    return [
        *plan.jobs_of_scale(settings.scale),
        *(job for name, study in studies.items() for job in plan.jobs_of_study(name, study)),
    ]


def steps(settings: Settings, study: str) -> list[tuple]:
    """The jobs of one study, as (rule, values of its wildcards but the study)."""
    jobs = list(plan.jobs_of_study(study, settings.resolved(study)))
    assert {wildcards["study"] for _, wildcards in jobs} == {study}
    return [(rule, *(value for key, value in wildcards.items() if key != "study")) for rule, wildcards in jobs]


@each_scale
def test_every_job_is_planned_once_with_the_wildcards_of_its_rule(settings):
    jobs, known = jobs_of(settings), rules()
    assert {rule for rule, _ in jobs} <= set(known) and len(known) >= 20
    assert [(rule, wildcards) for rule, wildcards in jobs if set(wildcards) != known[rule]] == []
    assert len({(rule, *sorted(wildcards.items())) for rule, wildcards in jobs}) == len(jobs) > 30
    assert all(isinstance(value, str) for _, wildcards in jobs for value in wildcards.values())


@each_scale
def test_a_study_is_planned_in_the_order_of_the_flow_and_of_its_record(settings):
    for name in settings.scale["studies"]:
        study, planned = settings.resolved(name), steps(settings, name)
        order = list(dict.fromkeys(re.sub("^score_.*", "score", step[0]) for step in planned))  # scorers in any order
        assert order == [rule for rule in FLOW.split() if rule in order]
        replies = [step[1:] for step in planned if step[0] in ("predict", "recite", "classify")]
        assert replies == [tuple(p.values()) for p in predictions(study)]
        scored = [step[1:] for step in planned if step[0].startswith("score_")]
        asked = [each for each in scores(study) if each["scorer"] in plan.scorers_of(study, each["arm"])]
        assert scored == [tuple(each.values()) for each in asked]
        assert [step[1] for step in planned if step[0] == "calibrate"] == list(study["mixes"])
        assert [step[1] for step in planned if step[0] == "plot"] == list(study["figures"])
        for once in ("audit", "summarise", "present"):
            assert planned.count((once,)) == 1


def both(pocket: Settings) -> Settings:
    """The pocket scale with two trained arms of safety-mode."""
    return pocket.changed("studies/safety-mode/compared", ["base", "lora", "qlora"])


def test_an_arm_is_trained_and_merged_for_each_seed_and_the_base_never(pocket):
    planned = steps(both(pocket), "safety-mode")
    for rule in ("train_sft", "merge"):
        found = [step[1:] for step in planned if step[0] == rule]
        assert found == [(arm, seed) for arm in ("lora", "qlora") for seed in "123"]
    assert ("predict", "base", UNSEEDED, "test") in planned


def test_a_control_recites_where_a_model_predicts_and_nothing_asks_the_checkpoint_that_it_has_not(pocket):
    study = pocket.resolved("do-not-answer")
    said = list(controls(study))
    planned = steps(pocket, "do-not-answer")
    assert [step[1:] for step in planned if step[0] == "recite"] == [(arm, UNSEEDED, "test") for arm in said]
    assert said and not {step[1] for step in planned if step[0] in ("predict", "train_sft", "merge")} & {*said}
    asked = pocket.changed("asks/do-not-answer/scorers/abstention", {"refusals": ["refusal"], "chosen_on": None})
    asked = asked.changed("studies/do-not-answer/scored/abstention", {})
    found = [step[1:] for step in steps(asked, "do-not-answer") if step[0] == "score_checkpoint"]
    assert [arm for arm, *_ in found] == ["base", *["qlora"] * 3]
    assert {step[1] for step in steps(asked, "do-not-answer") if step[0] == "score_embedding"} == {*study["arms"]}


def test_arms_of_one_shape_start_from_the_same_bytes_and_a_shape_without_an_arm_is_not_made(pocket):
    assert [step for step in steps(pocket, "safety-mode") if step[0] == "initialise"] == [
        ("initialise", "standard", seed) for seed in "123"
    ]
    shape = pocket.values("safety-mode")["adapters"]["standard"]
    more = both(pocket).changed("studies/safety-mode/adapters/wide", shape)
    assert steps(more, "safety-mode") == steps(both(pocket), "safety-mode")
    wide = more.changed("asks/safety-mode/arms/qlora/adapter", "wide")
    assert [step[1] for step in steps(wide, "safety-mode") if step[0] == "initialise"] == ["standard"] * 3 + [
        "wide"
    ] * 3


def test_an_arm_is_planned_only_on_the_mixes_of_its_split():
    paper = Settings.read(ROOT / "config/paper.yaml")
    predicted = [step[1:] for step in steps(paper, "do-not-answer") if step[0] == "predict"]
    mixes = {arm: [mix for a, _, mix in predicted if a == arm] for arm, _, _ in predicted}
    assert mixes["base"] == ["test", "published-test"]
    assert mixes["qlora"] == ["test"] * 3 and mixes["published"] == ["published-test"] * 3


@each_scale
def test_a_file_is_fetched_only_where_it_is_not_our_own(settings):
    jobs, corpora = list(plan.jobs_of_scale(settings.scale)), settings.scale["corpora"]
    elsewhere = [
        (name, file) for name, each in corpora.items() for file in each["files"] if "path" not in each["files"][file]
    ]
    assert [tuple(wildcards.values()) for rule, wildcards in jobs if rule == "fetch"] == elsewhere
    assert [wildcards["corpus"] for rule, wildcards in jobs if rule == "normalise"] == list(corpora)


def test_the_pocket_scale_needs_nothing_from_outside_and_the_paper_scale_a_base_and_corpora(pocket):
    rules_of_pocket = [rule for rule, _ in plan.jobs_of_scale(pocket.scale)]
    assert list(dict.fromkeys(rules_of_pocket)) == ["resolve", "check_detector", "normalise"]
    paper = list(plan.jobs_of_scale(Settings.read(ROOT / "config/paper.yaml").scale))
    assert ("fetch_base", {"base": "qwen3-0-6b"}) in paper
    fetched = [wildcards["corpus"] for rule, wildcards in paper if rule == "fetch"]
    assert fetched.count("harmbench") == 2 and "polite-pairs" not in fetched  # in two files; our own


def test_every_method_of_training_has_a_rule(pocket):
    study = pocket.copy().resolved("safety-mode")
    for method in SCHEMAS["scale"]["$defs"]["recipe"]["properties"]["method"]["enum"]:
        study["recipes"]["standard"]["method"] = method
        assert plan.train_rule(study, "lora") in rules()


def test_every_scorer_has_a_rule_by_what_it_costs(pocket):
    records = {
        "refusal": {"targets": ["refusal"], "detector": "abstain-rules"},
        "closeness": {"ideal": "refusal", "kinds": ["harmful"]},
        "abstention": {"refusals": ["refusal"], "chosen_on": None},
        "category": {"target": "refusal", "area": "topic", "harm": "act", "kinds": ["harmful"]},
        "answer": {"refusals": "refusal", "right": []},
        "relevance": {"below": 0.05, "kinds": ["benign"]},
        "likelihood": {"kinds": ["benign"]},
        "manners": {"kinds": ["benign"]},
        "length": {"limits": {"absent": {"words": 9}}},
        "factual": {"kinds": ["benign"]},
        "label": {"truth": "kind", "words": ["a", "b"], "hard": "act", "exchanged": [], "kinds": ["benign"]},
        "squad": {"abstentions": ["refusal"], "detector": "abstain-rules"},
    }
    study = {**pocket.resolved("safety-mode"), "scorers": records}
    assert [name for name in records if plan.asks_checkpoint(name)] == ["abstention", "likelihood"]
    assert sorted(records) == sorted(SCHEMAS["study"]["properties"]["scorers"]["propertyNames"]["enum"])
    costs = {name: plan.score_rule(study, name) for name in records}
    assert costs == {
        "refusal": "score_text",
        "closeness": "score_embedding",
        "abstention": "score_checkpoint",
        "category": "score_text",
        "answer": "score_text",
        "relevance": "score_embedding",
        "likelihood": "score_checkpoint",
        **dict.fromkeys(("manners", "length", "factual", "squad"), "score_text"),
        "label": "score_text",
    }
    assert set(costs.values()) <= set(rules())
