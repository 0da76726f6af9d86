"""Arms: from a resolved study to its runs, in the order of the record, and nothing scored that was trained on."""

import copy

import pytest
from conftest import ROOT, Settings

from abstain.settings import arms


@pytest.fixture(scope="module")
def study() -> dict:
    """A study of two splits, whose names are in no order of their own."""
    sft, mix = {"early_stopping": None, "max_length": 256}, {"part": "train", "seed": 1}
    arm = {"from": "base", "validation": None, "adapter": "small", "quantisation": "none"}
    return {
        "base": "pocket",
        "seeds": [3, 1, 2],
        "prompts": {"zero": {"system": None, "user": "{question}"}, "on": {"system": "Yes.", "user": "{question}"}},
        "targets": {"no": ["No."], "maybe": ["It depends."]},
        "splits": {
            "rows": {"field": "half", "parts": {"a": "train"}},
            "acts": {"field": "act", "parts": {"b": "train"}},
        },
        "mixes": {
            "yes": {**mix, "split": "acts", "rows": [{"prompt": "on", "target": "maybe"}]},
            "late": {**mix, "split": "acts", "rows": [{"prompt": "on", "target": "no"}]},
            "exam": {**mix, "split": "acts", "rows": [{"prompt": "zero", "should": "refuse"}]},
            "all": {**mix, "split": "rows", "rows": [{"prompt": "on", "target": "no"}]},
            "big": {**mix, "split": "rows", "rows": [{"prompt": "on", "should": "either"}]},
            "after": {**mix, "split": "acts", "rows": [{"prompt": "on", "should": "answer"}]},
        },
        "evaluation": ["exam", "big", "after"],
        "scorers": {"refusal": {}, "closeness": {}},
        "adapters": {"small": {}, "large": {}},
        "recipes": {
            "short": sft,
            "long": {**sft, "max_length": 999},
            "stops": {**sft, "max_length": 64, "early_stopping": {"steps": 1, "patience": 1}},
        },
        "arms": {
            "zebra": {**arm, "mix": "yes", "recipe": "short"},
            "base": {"from": None},
            "again": {**arm, "from": "zebra", "mix": "yes", "validation": "late", "recipe": "stops"},
            "other": {**arm, "mix": "all", "recipe": "long", "adapter": "large"},
        },
    }


def test_only_an_arm_that_comes_from_another_is_trained(study):
    assert list(arms.trained_arms(study)) == ["zebra", "again", "other"]


def test_a_trained_arm_has_a_run_for_each_seed_and_another_one_without_a_seed(study):
    assert arms.seeds_of(study, "zebra") == ["3", "1", "2"]
    assert arms.seeds_of(study, "base") == [arms.UNSEEDED] == ["unseeded"]


def test_an_arm_is_scored_only_on_mixes_of_the_split_that_it_was_trained_on(study):
    assert arms.scored_on(study, "base") == ["exam", "big", "after"]
    assert arms.scored_on(study, "zebra") == arms.scored_on(study, "again") == ["exam", "after"]
    assert arms.scored_on(study, "other") == ["big"]


@pytest.fixture
def controlled(study) -> dict:
    """The study with a control, whose kind one of its mixes has."""
    other = copy.deepcopy(study)
    for mix in other["mixes"].values():
        mix["rows"] = [{**row, "kind": "benign"} for row in mix["rows"]]
    other["mixes"]["after"]["rows"].append({"kind": "harmful", "prompt": "on", "should": "refuse"})
    other["arms"]["bare"] = {"from": None, "says": "no", "of": "own", "kinds": ["harmful"]}
    return other


def test_a_control_is_an_arm_without_a_seed_that_is_trained_on_nothing_and_asked_its_kinds_alone(controlled):
    assert list(arms.controls(controlled)) == ["bare"] and "bare" not in arms.trained_arms(controlled)
    assert [*arms.models(controlled), "bare"] == list(controlled["arms"])
    assert arms.seeds_of(controlled, "bare") == ["unseeded"] and arms.scored_on(controlled, "bare") == ["after"]
    record = controlled["arms"]["bare"]
    assert arms.replies_to(record, "harmful") and not arms.replies_to(record, "benign")
    assert arms.replies_to(controlled["arms"]["base"], "benign")
    assert arms.controls_by_mix(controlled) == {"after": {"bare": {**record, "texts": ["No."]}}}


def test_runs_predictions_and_scores_come_in_the_order_of_the_record(study):
    runs = [(run["arm"], run["seed"]) for run in arms.runs(study)]
    assert runs == [
        *(("zebra", seed) for seed in "312"),
        ("base", "unseeded"),
        *(("again", seed) for seed in "312"),
        *(("other", seed) for seed in "312"),
    ]
    predicted = [tuple(each.values()) for each in arms.predictions(study)]
    assert predicted == [(arm, seed, mix) for arm, seed in runs for mix in arms.scored_on(study, arm)]
    assert [tuple(each) for each in arms.predictions(study)] == [("arm", "seed", "mix")] * len(predicted)
    scored = [tuple(each.values()) for each in arms.scores(study)]
    assert scored == [(*each, scorer) for each in predicted for scorer in ("refusal", "closeness")]
    assert len(scored) == len(set(scored)) == 2 * (3 * 2 + 3 + 3 * 2 + 3)


def test_mixes_to_train_on_and_to_stop_by_are_named_once_and_audited_with_those_to_be_scored(study):
    assert arms.training_mixes(study) == ["yes", "late", "all"]
    assert arms.audited_mixes(study) == ["yes", "late", "all", "exam", "big", "after"]


def test_a_mix_that_is_trained_on_is_compared_with_what_is_scored_of_its_split_alone(study):
    compared = arms.compared_mixes(study)
    assert compared == {"yes": ["exam", "after"], "late": ["exam", "after"], "all": ["big"]}
    assert arms.splits_of(study) == {
        name: study["splits"][s] for name, s in zip(compared, ("acts", "acts", "rows"), strict=True)
    }
    for name, arm in arms.trained_arms(study).items():
        trained = [mix for mix in (arm["mix"], arm["validation"]) if mix]
        assert all(set(arms.scored_on(study, name)) <= set(compared[mix]) for mix in trained)


def test_a_row_may_be_as_long_as_the_strictest_recipe_that_uses_its_mix_bears(study):
    assert arms.longest_row(study, "all") == 999
    assert arms.longest_row(study, "yes") == 64  # the arm "again" is trained on it too
    for unused in ("exam", "big"):
        assert arms.longest_row(study, unused) == 999


def test_the_validation_mix_of_an_early_stopping_recipe_obeys_its_max_length(study):
    assert arms.longest_row(study, "late") == 64
    longer = copy.deepcopy(study)
    longer["recipes"]["stops"]["max_length"] = 70
    assert arms.longest_row(longer, "late") == 70
    paper = Settings.read(ROOT / "config/paper.yaml").resolved("do-not-answer")
    for arm in arms.trained_arms(paper).values():
        assert arms.longest_row(paper, arm["validation"]) == paper["recipes"][arm["recipe"]]["max_length"]
        paper["recipes"][arm["recipe"]]["max_length"] = 99
        assert arms.longest_row(paper, arm["validation"]) == 99


def test_a_mix_is_drawn_by_what_it_names_so_that_a_change_elsewhere_draws_it_the_same(study):
    assert arms.draw_of(study, "late") == {
        "split": study["splits"]["acts"],
        "mix": study["mixes"]["late"],
        "prompts": {"on": study["prompts"]["on"]},
        "targets": {"no": ["No."]},
    }
    assert arms.draw_of(study, "exam")["targets"] == {}
    other = copy.deepcopy(study)
    other["prompts"]["zero"]["user"] = "?"
    other["targets"]["maybe"] += ["No."]
    other["splits"]["rows"]["parts"] = {"b": "train"}
    other["mixes"]["exam"]["seed"] = 2
    assert arms.draw_of(other, "late") == arms.draw_of(study, "late")
    assert arms.draw_of(other, "exam") != arms.draw_of(study, "exam")
    other["splits"]["acts"]["parts"] = {"a": "train"}
    assert arms.draw_of(other, "late") != arms.draw_of(study, "late")


@pytest.mark.parametrize(
    ("starts", "name", "found"),
    [
        ({"a": "b", "b": "a"}, "a", ["a", "b", "a"]),
        ({"a": "a"}, "a", ["a", "a"]),
        ({"a": "b", "b": "c", "c": "b"}, "a", ["a", "b", "c", "b"]),
        ({"a": "b", "b": "base"}, "a", None),
        ({"a": "nowhere"}, "a", None),
    ],
)
def test_a_circle_is_given_arm_by_arm_and_a_chain_is_none(starts, name, found):
    records = {arm: {"from": start} for arm, start in {"base": None, **starts}.items()}
    assert arms.circle(records, name) == found


@pytest.fixture
def fitted(controlled) -> dict:
    """The study with a classifier, whose mix no arm is trained on, and an arm that learns a preference."""
    other = copy.deepcopy(controlled)
    rows = [{"kind": "benign", "prompt": "on", "target": "no", "rejected": "maybe"}]
    other["mixes"]["listed"] = {**other["mixes"]["yes"], "rows": rows}
    other["arms"]["grams"] = {"from": None, "fits": "listed", "field": "answer", "kinds": ["benign"]}
    other["arms"]["prefers"] = {**other["arms"]["again"], "from": "zebra", "mix": "listed", "validation": None}
    other["arms"]["prefers"]["recipe"] = "pairs"
    other["recipes"] = {name: {**recipe, "method": "sft"} for name, recipe in other["recipes"].items()}
    other["recipes"]["pairs"] = {"method": "dpo", "max_length": 32}
    return other


def test_a_classifier_is_a_control_that_is_scored_on_the_mixes_of_its_own_split(fitted):
    assert list(arms.controls(fitted)) == ["bare", "grams"] and arms.seeds_of(fitted, "grams") == ["unseeded"]
    assert list(arms.controls_with(fitted, "says")) == ["bare"] and list(arms.controls_with(fitted, "fits")) == [
        "grams"
    ]
    assert arms.scored_on(fitted, "grams") == ["exam", "after"], "and not on big, which is of another split"
    assert arms.control_of(fitted, "grams") == fitted["arms"]["grams"]
    assert not arms.replies_to(fitted["arms"]["grams"], "harmful")
    assert "grams" not in arms.models(fitted) and "grams" not in arms.trained_arms(fitted)


def test_a_page_names_the_kinds_of_a_control_that_are_asked(fitted):
    fitted["arms"]["grams"]["kinds"] = ["benign", "of another scale"]
    assert arms.asked_controls(fitted)["grams"] == {**fitted["arms"]["grams"], "kinds": ["benign"]}
    assert list(arms.asked_controls(fitted)) == list(arms.controls(fitted))


def test_what_a_classifier_is_fitted_on_is_audited_like_what_a_model_is_trained_on(fitted):
    del fitted["arms"]["prefers"]
    assert arms.training_mixes(fitted) == ["yes", "late", "all", "listed"]
    assert arms.compared_mixes(fitted)["listed"] == ["exam", "after"]


def test_arms_are_told_apart_by_the_method_of_their_recipe_and_a_preference_needs_pairs(fitted):
    assert list(arms.arms_by(fitted, "sft")) == ["zebra", "again", "other"]
    assert list(arms.arms_by(fitted, arms.PREFERENCES)) == ["prefers"]
    assert arms.paired_mixes(fitted) == ["listed"] and arms.longest_row(fitted, "listed") == 32
    assert arms.draw_of(fitted, "listed")["targets"] == {"no": ["No."], "maybe": ["It depends."]}
