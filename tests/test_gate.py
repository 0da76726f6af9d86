"""Merging and its gate: a checkpoint that replies otherwise than its adapter to prompts of the mix is not published."""

import json

import pytest
import torch
from tuned import LIMITS, POCKET, PROMPTS, SHAPE, merged, mix_of, write_tuned

from abstain.models import answers as asking
from abstain.models.adapters import attach_adapter
from abstain.models.answers import first_logits
from abstain.models.loading import load_model
from abstain.models.merging import GateError, compare, gate_prompts, gate_report, merged_model, passes

TOLERANCE = LIMITS["tolerance"]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    return write_tuned(tmp_path_factory.mktemp("tuned"))


@pytest.mark.parametrize("quantisation", ["none", "nf4"])
def test_a_right_merge_passes_the_gate_and_loads_as_a_plain_checkpoint(tmp_path, tuned, quantisation):
    report = merged(tmp_path, tuned, quantisation)
    assert report["same first token"] == report["same replies"] == report["prompts"] == len(PROMPTS)
    assert report["largest KL divergence"] < 1e-8
    assert (report["tolerance"], report["share of same replies asked"]) == (TOLERANCE, 1.0)
    assert "quantization_config" not in json.loads((tmp_path / "config.json").read_text())
    model = load_model(tmp_path, "none", "auto", "cpu")
    trained = attach_adapter(
        load_model(POCKET, quantisation, "float32", "cpu"), SHAPE, str(tuned / "adapter_model.safetensors")
    )
    assert compare(first_logits(trained, PROMPTS), first_logits(model, PROMPTS))["largest KL divergence"] < 1e-8


def test_the_two_wrong_merges_of_a_qlora_adapter_are_far_outside_the_gate(tuned):
    weights = str(tuned / "adapter_model.safetensors")
    trained = attach_adapter(load_model(POCKET, "nf4", "float32", "cpu"), SHAPE, weights)
    before = first_logits(trained, PROMPTS)
    right = compare(before, first_logits(merged_model(POCKET, weights, "nf4", "float32", SHAPE, "cpu"), PROMPTS))
    onto_4bit = attach_adapter(load_model(POCKET, "nf4", "float32", "cpu"), SHAPE, weights).merge_and_unload()
    into_original = merged_model(POCKET, weights, "none", "float32", SHAPE, "cpu")
    for wrong in (onto_4bit, into_original):
        divergence = compare(before, first_logits(wrong, PROMPTS))["largest KL divergence"]
        assert divergence > 10 * TOLERANCE > 100 * right["largest KL divergence"]


def test_the_gate_stops_a_merge_that_differs_and_publishes_nothing(tmp_path, tuned, monkeypatch):
    def into_original(folder, weights, quantisation, *rest):
        return merged_model(folder, weights, "none", *rest)

    monkeypatch.setattr("merge.merged_model", into_original)
    with pytest.raises(GateError, match="differs from its adapter on the base, and nothing is published"):
        merged(tmp_path, tuned, "nf4")
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.jsonl"]


ALIKE = {
    "prompts": 4,
    "largest KL divergence": 1e-9,
    "same first token": 4,
    "same replies": 4,
    "tolerance": 1e-7,
    "share of same replies asked": 1.0,
}


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        ({}, True),
        ({"largest KL divergence": 1e-7}, True),
        ({"largest KL divergence": 2e-7}, False),
        ({"largest KL divergence": 2e-7, "tolerance": 1e-3}, True),
        ({"largest KL divergence": float("inf")}, False),
        ({"largest KL divergence": float("nan")}, False),
        ({"largest KL divergence": float("nan"), "tolerance": 1e9, "share of same replies asked": 0.0}, False),
        ({"same replies": 3}, False),
        ({"same replies": 3, "share of same replies asked": 0.75}, True),
        ({"same replies": 2, "share of same replies asked": 0.75}, False),
        ({"same replies": 27, "prompts": 30, "share of same replies asked": 0.9}, True),
        ({"same replies": 0, "share of same replies asked": 0.0}, True),
    ],
)
def test_the_gate_wants_a_divergence_that_is_a_small_number_and_the_share_of_same_replies(found, passed):
    assert passes({**ALIKE, **found}) == passed


def answered(replies: list[str], spoiled: float = 0.0) -> tuple:
    """What a model said to as many prompts: the same logits each time, but for one that is spoiled."""
    logits = torch.linspace(-1, 1, 8, dtype=torch.float64).repeat(len(replies), 1)
    logits[0, 0] += spoiled
    return logits, replies


def test_a_reply_that_differs_fails_when_all_must_be_the_same_and_passes_when_the_share_allows():
    before, after = answered(["Sure.", "No.", "It depends.", "Yes."]), answered(["Sure.", "No.", "It depends.", "Yes!"])
    with pytest.raises(GateError, match="'same replies': 3"):
        gate_report(before, after, LIMITS)
    report = gate_report(before, after, {**LIMITS, "same_replies": 0.75})
    assert (report["same replies"], report["same first token"], report["prompts"]) == (3, 4, 4)


@pytest.mark.parametrize("spoiled", [float("nan"), 1.0])
def test_logits_that_are_no_numbers_or_far_away_fail_whatever_the_replies(spoiled):
    with pytest.raises(GateError):
        gate_report(answered(["Sure."] * 3), answered(["Sure."] * 3, spoiled), LIMITS)


def test_the_share_of_same_replies_decides_whether_a_checkpoint_is_published(tmp_path, tuned, monkeypatch):
    def otherwise(*asked):
        logits, replies = asking.published_answers(*asked)
        return logits, [*replies[:-1], replies[-1] + " So."]

    monkeypatch.setattr("merge.published_answers", otherwise)
    with pytest.raises(GateError, match="'same replies': 15"):
        merged(tmp_path / "all", tuned, "none")
    report = merged(tmp_path / "most", tuned, "none", same_replies=0.9)
    assert report["same replies"] == 15 and (tmp_path / "most/model.safetensors").exists()


@pytest.mark.parametrize(("counts", "most", "taken"), [
    ({"a": 1000, "b": 20}, 20, {"a": range(0, 1000, 100), "b": range(0, 20, 2)}),
    ({"a": 3, "b": 200}, 32, {"a": range(3), "b": range(0, 200, 13)}),
    ({"a": 9, "b": 9, "c": 9}, 2, {"a": [0], "b": [0], "c": [0]}),
])  # fmt: skip
def test_the_prompts_of_the_gate_are_spread_over_every_condition(counts, most, taken):
    names = sorted(counts)
    rows = [
        {"condition": name, "input_ids": [names.index(name), place, 5], "completion_mask": [0, 0, 1]}
        for place in range(max(counts.values()))
        for name in names
        if place < counts[name]
    ]
    assert gate_prompts(rows, most) == [
        [names.index(name), place] for name, places in taken.items() for place in places
    ]


def test_a_prompt_is_what_precedes_the_first_token_with_loss_and_counts_once():
    rows = mix_of([[7, 8], [7, 8], [7, 9], [7, 8]]) + mix_of([[7, 8]], reply=(5, 5))
    rows += [{"condition": "talk", "input_ids": [7, 1, 2, 3, 4], "completion_mask": [0, 1, 0, 1, 1]}]
    assert gate_prompts(rows, 32) == [[7, 8], [7, 9], [7]]


def test_the_gate_asks_the_prompts_of_the_training_mix(tmp_path, tuned, monkeypatch):
    asked = []

    def listened(name):
        ask = getattr(asking, name)
        monkeypatch.setattr(f"merge.{name}", lambda *given: asked.append((name, given)) or ask(*given))

    listened("answers")
    listened("published_answers")
    merged(tmp_path, tuned, "none")
    by_condition = [prompt for start in range(3) for prompt in PROMPTS[start::3]]
    assert [name for name, _ in asked] == ["answers", "published_answers"]
    assert asked[0][1][2] == asked[1][1][1] == by_condition
