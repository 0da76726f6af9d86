"""The study missing-context: what its rows are at the small scale, and what is measured and claimed at both."""

from collections import Counter
from pathlib import Path

import pytest
from conftest import NEXT, ROOT, Settings
from drawn import Drawn, needs_mirror

from abstain.jobs.files import read_json, read_jsonl
from abstain.settings.arms import scored_on, trained_arms
from abstain.settings.claims import parts_of_all
from abstain.studies.metrics import measures_of
from audit import audit

NAME = "missing-context"
SMALL, PAPER = Settings.read(ROOT / "config/small.yaml", NEXT), Settings.read(ROOT / "config/paper.yaml")
MIXES = ("standard", "validation", "test")
CONTROLS = ["always-abstain", "another-answer"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Drawn:
    return Drawn(tmp_path_factory.mktemp("drawn"), NAME)


@pytest.mark.parametrize("scale", [SMALL, PAPER], ids=["small", "paper"])
def test_everything_that_is_claimed_and_drawn_is_measured(scale):
    study = scale.resolved(NAME)
    assert list(study["figures"]) == ["risk-coverage", "groups"]
    for _, claim in parts_of_all(study["claims"]):
        wanted = claim["condition"], claim["kind"], claim["metric"]
        assert all(wanted in measures_of(study, arm, claim["mix"]) for arm in claim["arms"]), claim["sentence"]


def test_a_threshold_is_chosen_on_the_validation_part_and_counts_on_the_test_part_alone():
    study = SMALL.resolved(NAME)
    chosen = study["mixes"][study["scorers"]["abstention"]["chosen_on"]]
    assert chosen["part"] == "validation" and study["mixes"]["test"]["part"] == "test"
    by_threshold = {"coverage", "selective-risk", "threshold-f1"}
    found = {mix: {m for _, _, m in measures_of(study, "lora", mix)} & by_threshold for mix in scored_on(study, "lora")}
    assert found == {"validation": set(), "test": by_threshold}
    of_base = measures_of(study, "base", "test")
    assert {condition for condition, _, metric in of_base if metric in by_threshold} == {"passage", "premise"}
    without = SMALL.changed(f"asks/{NAME}/scorers/abstention/chosen_on", None).resolved(NAME)
    assert not {metric for _, _, metric in measures_of(without, "lora", "test")} & by_threshold


def test_what_needs_rows_to_refuse_and_rows_to_answer_is_not_measured_where_all_should_be_refused():
    study = SMALL.resolved(NAME)
    both = {"auroc", "aurc", "abstention-precision", "abstention-f1"}
    measured = measures_of(study, "lora", "test")
    for condition in study["prompts"]:
        found = {metric for at, _, metric in measured if at == condition}
        assert found & both == (both if condition in ("passage", "premise") else set()), condition
    assert not {metric for _, _, metric in measures_of(study, "always-abstain", "test")} & {"auroc", "abstention"}


def test_both_scales_train_one_epoch_of_the_same_kinds():
    for scale in (SMALL, PAPER):
        study = scale.resolved(NAME)
        recipe = study["recipes"]["standard"]
        rows = {row["kind"]: row["rows"] for row in study["mixes"]["standard"]["rows"]}
        assert recipe["steps"] * recipe["batch_size"] * recipe["gradient_accumulation"] == sum(rows.values())
        assert rows["answerable"] == rows["unanswerable"] and rows["false-premise"] == rows["true-premise"]
        assert {arm["mix"] for arm in trained_arms(study).values()} == {"standard"}
        assert len(study["seeds"]) >= 3 and [arm for arm in study["arms"] if arm in CONTROLS] == CONTROLS


def test_at_least_two_hundred_rows_of_each_main_kind_are_asked():
    asked = {(row["kind"], row["prompt"]): row["rows"] for row in SMALL.resolved(NAME)["mixes"]["test"]["rows"]}
    main = [("answerable", "passage"), ("unanswerable", "passage"), ("open", "no-passage")]
    main += [("false-premise", "premise"), ("true-premise", "premise")]
    assert all(asked[each] >= 200 for each in main) and min(asked.values()) >= 100


def test_the_paper_scale_has_the_stated_settings():
    base = PAPER.scale["bases"][PAPER.values(NAME)["base"]]
    assert base == {"hub": "Qwen/Qwen2.5-1.5B-Instruct", "revision": "989aa7980e4cf806f80c7fef2b1adb7bc71aa306"}
    study = PAPER.resolved(NAME)
    adapter = study["adapters"]["standard"]
    assert (adapter["rank"], adapter["alpha"], len(adapter["targets"])) == (16, 32, 7)
    assert study["arms"]["qlora"]["quantisation"] == "nf4"


@needs_mirror
def test_the_mixes_of_the_small_scale_hold_what_its_record_asks_and_share_no_article_pair_or_template(drawn):
    study = SMALL.resolved(NAME)
    rows = {mix: drawn.rows("small", mix) for mix in MIXES}
    for mix in MIXES:
        wanted = {(row["kind"], row["prompt"]): row["rows"] for row in study["mixes"][mix]["rows"]}
        assert Counter((row["kind"], row["condition"]) for row in rows[mix]) == wanted
    for field in ("article", "pair", "template", "text"):
        values = [{row[field] for row in rows[mix] if field in row} for mix in MIXES]
        assert values[0] and values[2], field  # nothing is asked without a passage to choose a threshold
        assert not (values[0] & values[1] or values[0] & values[2] or values[1] & values[2]), field
    passages = {row["passage"] for row in rows["test"] if row["condition"] == "passage"}
    assert len(passages) > 60 and len({row["article"] for row in rows["test"] if "article" in row}) >= 14


@needs_mirror
def test_over_long_rows_are_set_aside_and_counted(drawn):
    card, quarantine = (drawn.corpus("squad-rebuilt") / name for name in ("card.json", "quarantine.jsonl"))
    reasons = Counter(" ".join(row["reason"].split()[:3]) for row in read_jsonl(quarantine))
    assert reasons["its context has"] == 8619 and read_json(card)["quarantined"] == sum(reasons.values())


@needs_mirror
def test_rows_are_composed_as_their_prompts_say(drawn):
    rows = {row["id"]: row for row in drawn.rows("small", "test")}
    prompts = SMALL.asks(NAME)["prompts"]
    of = {prompt: [row for row in rows.values() if row["condition"] == prompt] for prompt in prompts}
    for row in of["passage"]:
        assert row["messages"][1]["content"] == f"{row['context']}\n\n{row['question']}"
        if row["kind"] == "answerable":
            assert all(each in row["context"] for each in row["references"]) and row["should"] == "answer"
    for row in of["other-passage"]:
        own, shown = rows[f"{row['request']}/passage"], row["messages"][1]["content"]
        assert own["messages"][0] == row["messages"][0] and row["should"] == "refuse"
        assert row["other_context"] in shown and row["context"] not in shown
    assert {row["messages"][1]["content"] == row["question"] for row in of["no-passage"] + of["premise"]} == {True}
    taught = SMALL.asks(NAME)["targets"]
    targets = {kind: {r["target"] for r in drawn.rows("small", "standard") if r["kind"] == kind} for kind in KINDS}
    assert targets["unanswerable"] == targets["open"] == set(taught["abstain"])
    assert targets["false-premise"] == set(taught["deny"]) and not targets["answerable"] & set(taught["abstain"])


KINDS = ("answerable", "unanswerable", "open", "false-premise", "true-premise")
BASE = ROOT / "results/small/bases/smollm2"


@needs_mirror
@pytest.mark.skipif(not (BASE / "tokenizer.json").is_file(), reason="the small scale's base is not here")
def test_the_audit_passes_and_no_row_is_too_long(drawn, tmp_path):
    study = SMALL.resolved(NAME)
    examples = [str(drawn.mix("small", mix) / "examples.jsonl") for mix in MIXES]
    lengths = {mix: {"max_length": study["recipes"]["standard"]["max_length"], "new_tokens": 20} for mix in MIXES}
    licences = {name: SMALL.scale["corpora"][name]["licence"] for name in study["corpora"]}
    compared, splits = {"standard": ["validation", "test"]}, {"standard": study["splits"]["questions"]}
    card = str(tmp_path / "card.json")
    audit(examples, [str(BASE / "tokenizer.json")], compared, splits, licences, lengths, {}, card)
    assert read_json(Path(card))["leaks"] == 0
