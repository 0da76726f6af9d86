"""References: every name of a study points to something, its texts can be filled in, and its rows are of use."""

from pathlib import Path

import pytest
from conftest import ROOT, Settings
from damages import faults

from abstain.studies.check import file_name_faults


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Tests write settings into the working directory."""
    monkeypatch.chdir(tmp_path)


ASKS, VALUES = "asks/safety-mode", "studies/safety-mode"
CORPORA = ", ".join(sorted(Settings.read(ROOT / "config.yaml").scale["corpora"]))
SIZE = {"harmful": {"rows": 1, "per": {}}}
LOST = {
    "a base": (f"{VALUES}/base", "bigger", ["studies.safety-mode.base: there is no base", "known: pocket"]),
    "a corpus": (f"{VALUES}/corpora", ["nowhere"], ["corpora.0: there is no corpus", f"known: {CORPORA}"]),
    "an arm to compare": (f"{VALUES}/compared", ["base", "dpo"], ["compared.1: there is no arm", "base, lora, qlora"]),
    "a scorer to run": (
        f"{VALUES}/scored/category", {},
        ["scored.category: there is no scorer of the study 'category'", "known: answer, likelihood, "],
    ),
    "a target that is a refusal": (
        f"{ASKS}/scorers/refusal/targets", ["refusal", "refusl"], ["refusal.targets.1: ", "did you mean 'refusal'?"],
    ),
    "a mix with a size": (f"{VALUES}/sizes/exam", SIZE, ["sizes.exam: there is no mix", "known: standard, test"]),
    "an arm to start from": (f"{ASKS}/arms/lora/from", "sft", ["arms.lora.from: ", "known: base, lora, qlora"]),
    "a mix to train on": (f"{ASKS}/arms/lora/mix", "heavy", ["arms.lora.mix: ", "known: standard, test"]),
    "a mix to stop by": (f"{ASKS}/arms/lora/validation", "heavy", ["arms.lora.validation: ", "known: standard, test"]),
    "a recipe": (f"{ASKS}/arms/lora/recipe", "soup", ["arms.lora.recipe: ", "known: standard"]),
    "an adapter": (f"{ASKS}/arms/lora/adapter", "rank-9", ["arms.lora.adapter: ", "known: standard"]),
    "a mix to score": (f"{ASKS}/evaluation", ["exam"], ["evaluation.0: ", "there is no mix", "known: standard, test"]),
    "a split": (f"{ASKS}/mixes/standard/split", "words", ["mixes.standard.split: ", "known: requests"]),
    "a part": (f"{ASKS}/mixes/standard/part", "dev", ["mixes.standard.part: ", "known: test, train"]),
    "a prompt": (f"{ASKS}/mixes/standard/rows/0/prompt", "on", ["standard.rows.0.prompt: ", "flag-on", "moved-off"]),
    "a target": (f"{ASKS}/mixes/standard/rows/0/target", "no", ["standard.rows.0.target: ", "overview, refusal"]),
    "an ideal": (
        f"{ASKS}/scorers/closeness", {"ideal": "x", "kinds": ["harmful"]},
        ["closeness.ideal: ", "known: answer, framing, "],
    ),
    "a kind that has the ideal": (
        f"{ASKS}/scorers/closeness", {"ideal": "refusal", "kinds": ["bad"]},
        ["closeness.kinds.0: ", "there is no kind of request 'bad'", "known: ambiguous, benign, harmful"],
    ),
    "a kind that is shortened": (f"{ASKS}/shortened", ["harmfull"], ["shortened.0: ", "did you mean 'harmful'?"]),
    "refusals": (
        f"{ASKS}/scorers/abstention", {"refusals": ["x"], "chosen_on": None},
        ["abstention.refusals.0: ", "there is no target 'x'"],
    ),
    "a mix to choose on": (
        f"{ASKS}/scorers/abstention", {"refusals": ["refusal"], "chosen_on": "held-out"},
        ["abstention.chosen_on: ", "there is no mix 'held-out'"],
    ),
    "a prompt of a gap": (f"{ASKS}/gaps/moved", ["moved-on", "off"], ["gaps.moved.1: ", "moved-off"]),
    "an arm of a claim": (f"{ASKS}/claims/0/arms", ["dpo"], ["claims.0.arms.0: ", "known: base, lora, qlora"]),
    "a mix of a claim": (f"{ASKS}/claims/0/mix", "standard", ["claims.0.mix: ", "mix of the evaluation"]),
    "a condition of a claim": (f"{ASKS}/claims/0/condition", "on", ["claims.0.condition: ", "prompt or gap"]),
    "a mix of a figure": (f"{ASKS}/figures/gap/mix", "standard", ["figures.gap.mix: ", "mix of the evaluation"]),
    "a gap of a figure": (f"{ASKS}/figures/gap/gaps", ["x"], ["figures.gap.gaps.0: ", "prompt or gap", "rephrased"]),
    "an arm of a figure": (f"{ASKS}/figures/gap/arms", ["base", "dpo"], ["figures.gap.arms.1: ", "base, lora, qlora"]),
    "a prompt of a figure": (f"{ASKS}/figures/frontier/conditions", ["absnt"], ["conditions.0: ", "mean 'absent'?"]),
}  # fmt: skip


@pytest.mark.parametrize(("where", "value", "words"), LOST.values(), ids=LOST)
def test_a_name_that_points_to_nothing_is_refused_where_it_is_with_the_names_that_there_are(
    pocket, where, value, words
):
    (said,) = faults(pocket.changed(where, value))
    assert [word for word in words if word not in said] == []


def test_a_name_that_is_lost_in_many_places_is_reported_once_with_their_number(pocket):
    (said,) = faults(pocket.changed(f"{ASKS}/prompts/flag-on", ...))
    assert "mixes.standard.rows.0.prompt: there is no prompt 'flag-on' (also in 18 more places)" in said
    (said,) = faults(pocket.changed(f"{ASKS}/gaps/standard", ...))
    assert "claims.3.condition: there is no prompt or gap 'standard' (also in 2 more places)" in said


def test_an_arm_that_trains_on_what_is_scored_is_refused(pocket):
    (said,) = faults(pocket.changed(f"{ASKS}/arms/lora/mix", "test"))
    assert "mixes.test.rows.0: the key 'target' is missing (and 27 more rows), and the arm 'lora' is trained" in said


def test_an_evaluation_on_rows_to_train_on_is_refused(pocket):
    said = faults(pocket.changed(f"{ASKS}/evaluation", ["test", "standard"]))
    assert len(said) == 1 and "'target'" not in said[0]
    assert "mixes.standard.rows.0: the key 'should' is missing (and 15 more rows), and arms are scored on it" in said[0]


def test_a_row_to_be_scored_without_the_right_behaviour_is_refused(pocket):
    row = {"kind": "benign", "prompt": "flag-on", "target": "answer"}
    (said,) = faults(pocket.changed(f"{ASKS}/mixes/test/rows/2", row))
    assert "mixes.test.rows.2: the key 'should' is missing, and" in said


def test_a_gap_with_the_name_of_a_prompt_is_refused(pocket):
    (said,) = faults(pocket.changed(f"{ASKS}/gaps/flag-on", ["flag-on", "flag-off"]))
    assert "gaps.flag-on: a prompt has the same name" in said


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("prompts/flag-on/user", "{question", ["prompts.flag-on.user: ", "{question}"]),
        ("prompts/flag-on/user", "What is {}?", ["prompts.flag-on.user: ", "holds {}"]),
        ("prompts/flag-on/user", "{0}", ["prompts.flag-on.user: ", "holds {0}"]),
        ("prompts/flag-on/user", "{question!x}", ["prompts.flag-on.user: "]),
        ("targets/refusal/1", "No} way.", ["targets.refusal.1: ", "twice"]),
    ],
)
def test_a_text_that_could_not_be_filled_in_is_refused_at_once(pocket, where, value, words):
    (said,) = faults(pocket.changed(f"{ASKS}/{where}", value))
    assert [word for word in words if word not in said] == []


def test_braces_that_are_meant_are_written_twice(pocket):
    assert faults(pocket.changed(f"{ASKS}/prompts/flag-on/user", "{question} {{0}}")) == []


def test_a_taught_refusal_that_begins_with_a_field_leaves_the_scorer_nothing_to_look_for(pocket):
    settings = pocket.changed(f"{ASKS}/scorers/abstention", {"refusals": ["refusal"], "chosen_on": None})
    settings = settings.changed(f"{VALUES}/scored/abstention", {})
    assert faults(settings) == []
    (said,) = faults(settings.changed(f"{ASKS}/targets/refusal/1", "{act} is not for me."))
    assert "scorers.abstention: the refusal '{act} is not for me.' has no fixed text" in said


# Splits


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("by/twin/train", 0.3, ["studies.safety-mode.splits.requests.by.twin: ", "0.9", "not 1"]),
        ("by/wording/test", 0.5, ["studies.safety-mode.splits.requests.by.wording: ", "1.1", "not 1"]),
    ],
)
def test_shares_that_do_not_add_up_are_refused(pocket, where, value, words):
    (said,) = faults(pocket.changed(f"{VALUES}/splits/requests/{where}", value))
    assert [word for word in words if word not in said] == []


PUBLIC = "asks/do-not-answer"
CONTROL = {"from": None, "says": "bare", "of": "own", "kinds": ["harmful"]}


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("bare-refusal/says", "bar", ["arms.bare-refusal.says: there is no target 'bar'; did you mean 'bare'?"]),
        ("bare-refusal/kinds", ["harmfull"], ["bare-refusal.kinds.0: there is no kind of request", "mean 'harmful'?"]),
        ("bare-refusal/kinds", [], ["arms.bare-refusal.kinds: found []", "Kinds of request that it replies to"]),
        ("bare-refusal/of", "others", ["arms.bare-refusal.of: found 'others'", "own, another"]),
        ("bare-refusal/of", ..., ["arms.bare-refusal: the key 'of' is missing"]),
        ("qlora/from", "bare-refusal", ["arms.qlora.from: 'bare-refusal' is a control, which has no checkpoint"]),
        ("base", CONTROL, ["arms.base.from: the base starts from nothing; write base: {from: null}"]),
    ],
)
def test_a_control_says_a_target_to_kinds_that_are_asked_and_nothing_starts_from_it(pocket, where, value, words):
    (said,) = faults(pocket.changed(f"{PUBLIC}/arms/{where}", value))
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        ({"validation": "published-validation"}, ["arms.qlora.validation: ", "another split than the mix 'standard'"]),
        ({"from": "published"}, ["arms.qlora.from: ", "'published' was trained on another split"]),
        ({"validation": None}, ["arms.qlora.validation: ", "'standard' stops early and needs a mix to stop by"]),
    ],
)
def test_an_arm_stays_within_its_split_and_stops_by_a_mix(arm, words):
    settings = Settings.read(ROOT / "config/paper.yaml")
    for key, value in arm.items():
        settings = settings.changed(f"{PUBLIC}/arms/qlora/{key}", value)
    (said,) = faults(settings)
    assert [word for word in words if word not in said] == []


def test_an_arm_of_a_split_of_which_nothing_is_scored_is_refused():
    settings = Settings.read(ROOT / "config/paper.yaml").changed(f"{PUBLIC}/evaluation", ["test"])
    settings = settings.changed(f"{PUBLIC}/claims", []).changed(f"{PUBLIC}/figures", {})
    (said,) = faults(settings)
    assert "arms.published.mix: no mix of the evaluation has the split 'published', so nothing could be scored" in said


# Files of corpora


@pytest.mark.parametrize(
    ("reader", "files", "words"),
    [
        ("do-not-answer", ["question"], ["'do-not-answer'", "questions, found question"]),
        ("requests", ["acts"], ["acts and wordings, found acts"]),
        ("xstest", ["prompts", "more"], ["prompts, found prompts and more"]),
        ("coconot-preferences", ["chats"], ["pairs, found chats"]),
        ("instructions", ["chats"], ["demonstrations, found chats"]),
        ("chats", ["a/../b"], ["'a/../b'", "joined by hyphens"]),
    ],
)
def test_files_under_names_that_their_reader_does_not_know_are_refused(pocket, reader, files, words):
    corpus = {**pocket.scale["corpora"]["safety-requests"], "reader": reader}
    mine = {**corpus, "files": {name: {"path": "data/a"} for name in files}}
    (said,) = faults(pocket.changed("corpora/mine", mine))
    assert said.startswith("config.yaml, line ") and ": corpora.mine.files" in said
    assert [word for word in words if word not in said] == []


def test_chats_may_be_in_files_of_any_name(pocket):
    corpus = {**pocket.scale["corpora"]["safety-requests"], "reader": "chats"}
    mine = {**corpus, "files": {name: {"path": "data/a"} for name in ("examples", "self", "2024-1")}}
    assert faults(pocket.changed("corpora/mine", mine)) == []
    assert file_name_faults({"corpora": {"mine": mine}}) == [] and not Path("data").exists()
