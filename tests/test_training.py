"""Training parts on the real pocket model: 4-bit layers, loss masks, merging, resuming."""

import json
import re
import shutil
import unicodedata
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from safetensors.torch import load_file

from abstain.chat import render_chat
from abstain.files import read_csv, write_jsonl
from abstain.models import MODEL_FILES, attach_adapter, exact_torch, load_model, save_adapter
from initialise import initialise
from merge import GateError, compare, first_logits, merge, merged_model, passes, spread

POCKET = ROOT / "models/pocket"
BASE = [str(POCKET / name) for name in ("model.safetensors", "config.json")]
TOLERANCE = float(re.search(r"tolerance=(\S+),", (ROOT / "rules/checkpoints.smk").read_text())[1])
PROMPTS = [[1, 5 + i, 40, 300, 700 + 3 * i, 2] for i in range(16)]


@pytest.fixture(scope="module")
def shape(pocket_config):
    return pocket_config["adapters"]["rank-16"]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, shape):
    """An adapter with weights that do something: both factors drawn at random."""
    folder = tmp_path_factory.mktemp("tuned")
    initialise(BASE, "pocket", shape, 1, str(folder / "initial.safetensors"), str(folder / "adapter_config.json"))
    model = attach_adapter(load_model(POCKET, "none", "float32", "cpu"), shape, str(folder / "initial.safetensors"))
    exact_torch(3, "cpu")
    for name, parameter in sorted(model.named_parameters()):
        if "lora_B" in name:
            parameter.data.normal_(0, 0.02)
    save_adapter(model, shape, "pocket", str(folder / "adapter_model.safetensors"), str(folder / "adapter_config.json"))
    return folder


def four_bit(model):
    import bitsandbytes as bnb

    return [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]


def test_nf4_quantises_every_linear_layer_of_the_blocks():
    model = load_model(POCKET, "nf4", "float32", "cpu")
    assert len(four_bit(model)) == 7 * model.config.num_hidden_layers
    assert not any(layer.support_avx512bf16_for_cpu for layer in four_bit(model))


def test_a_4bit_model_gives_the_same_bits_in_training_and_in_evaluation():
    model = load_model(POCKET, "nf4", "float32", "cpu")
    ids = torch.tensor(PROMPTS)
    with torch.no_grad():
        first, second, third = model.train()(ids).logits, model.eval()(ids).logits, model.train()(ids).logits
    assert torch.equal(first, second) and torch.equal(first, third)


def test_gradients_of_a_qlora_adapter_survive_an_evaluation(shape, tuned):
    weights = str(tuned / "adapter_model.safetensors")
    model = attach_adapter(load_model(POCKET, "nf4", "float32", "cpu"), shape, weights)
    with torch.no_grad():
        model.eval()(torch.tensor(PROMPTS))
    model.train()
    model(input_ids=torch.tensor(PROMPTS), labels=torch.tensor(PROMPTS)).loss.backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    assert trained and all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained)


def test_the_step_zero_adapter_depends_on_the_seed_alone_and_changes_nothing(tmp_path, shape):
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        initialise(BASE, "pocket", shape, seed, str(path), str(tmp_path / "config.json"))
    first, again, other = (path.read_bytes() for path in paths)
    assert first == again != other
    base = load_model(POCKET, "none", "float32", "cpu")
    before = first_logits(base, PROMPTS)
    assert torch.equal(before, first_logits(attach_adapter(base, shape, str(paths[0])), PROMPTS))


def test_the_adapter_configuration_has_sorted_targets_and_no_path(tuned, shape):
    config = json.loads((tuned / "adapter_config.json").read_text())
    assert config["target_modules"] == sorted(shape["targets"])
    assert config["base_model_name_or_path"] == "pocket"
    assert str(ROOT) not in (tuned / "adapter_config.json").read_text()


@pytest.mark.parametrize("quantisation", ["none", "nf4"])
def test_a_right_merge_passes_the_gate_and_loads_as_a_plain_checkpoint(tmp_path, tuned, shape, quantisation):
    report = _merge(tmp_path, tuned, shape, quantisation)
    assert report["same first token"] == report["same behaviour"] == report["prompts"] == len(PROMPTS)
    assert report["largest KL divergence"] < 1e-8
    config = json.loads((tmp_path / "config.json").read_text())
    assert "quantization_config" not in config
    model = load_model(tmp_path, "none", "auto", "cpu")
    trained = attach_adapter(
        load_model(POCKET, quantisation, "float32", "cpu"), shape, str(tuned / "adapter_model.safetensors")
    )
    assert compare(first_logits(trained, PROMPTS), first_logits(model, PROMPTS))["largest KL divergence"] < 1e-8


def test_the_two_wrong_merges_of_a_qlora_adapter_are_far_outside_the_gate(tuned, shape):
    weights = str(tuned / "adapter_model.safetensors")
    trained = attach_adapter(load_model(POCKET, "nf4", "float32", "cpu"), shape, weights)
    before = first_logits(trained, PROMPTS)
    recipe = {"quantisation": "nf4", "dtype": "float32"}
    right = compare(before, first_logits(merged_model(POCKET, weights, recipe, shape, "cpu"), PROMPTS))
    onto_4bit = attach_adapter(load_model(POCKET, "nf4", "float32", "cpu"), shape, weights).merge_and_unload()
    original = {"quantisation": "none", "dtype": "float32"}
    into_original = merged_model(POCKET, weights, original, shape, "cpu")
    for wrong in (onto_4bit, into_original):
        divergence = compare(before, first_logits(wrong, PROMPTS))["largest KL divergence"]
        assert divergence > 10 * TOLERANCE > 100 * right["largest KL divergence"]


def test_the_gate_stops_a_merge_that_differs_and_publishes_nothing(tmp_path, tuned, shape, monkeypatch):
    def wrong(folder, weights, recipe, adapter, device):
        return merged_model(folder, weights, {**recipe, "quantisation": "none"}, adapter, device)

    monkeypatch.setattr("merge.merged_model", wrong)
    with pytest.raises(GateError, match="differs from its adapter"):
        _merge(tmp_path, tuned, shape, "nf4")
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        ({}, True),
        ({"largest KL divergence": 2e-7}, False),
        ({"largest KL divergence": float("nan")}, False),
        ({"same first token": 3}, False),
        ({"same behaviour": 3}, False),
    ],
)
def test_the_gate_wants_every_prompt_alike_and_a_divergence_that_is_a_small_number(found, passed):
    alike = {"prompts": 4, "largest KL divergence": 1e-9, "same first token": 4, "same behaviour": 4}
    assert passes({**alike, **found}, 1e-7) == passed


@pytest.mark.parametrize(("counts", "most", "taken"), [
    ({"a": 1000, "b": 20}, 20, {"a": range(0, 1000, 100), "b": range(0, 20, 2)}),
    ({"a": 3, "b": 200}, 32, {"a": range(3), "b": range(0, 200, 13)}),
    ({"a": 9, "b": 9, "c": 9}, 2, {"a": [0], "b": [0], "c": [0]}),
])  # fmt: skip
def test_the_prompts_of_the_gate_are_spread_over_every_condition(counts, most, taken):
    rows = [{"condition": name, "place": place} for name, count in counts.items() for place in range(count)]
    expected = [{"condition": name, "place": place} for name, places in taken.items() for place in places]
    assert spread(rows, most) == expected


def _merge(folder, tuned, shape, quantisation) -> dict:
    rendered = folder / "tokens.jsonl"
    rendered.write_text(
        "".join(
            json.dumps({"id": str(i), "condition": str(i % 3), "input_ids": ids}) + "\n"
            for i, ids in enumerate(PROMPTS)
        )
    )
    merge(
        [str(POCKET / name) for name in MODEL_FILES],
        str(tuned / "adapter_model.safetensors"),
        str(rendered),
        {"quantisation": quantisation, "dtype": "float32"},
        shape,
        {"max_new_tokens": 16, "batch_rows": 8},
        "abstain-rules",
        "cpu",
        TOLERANCE,
        [str(folder / name) for name in MODEL_FILES],
        str(folder / "gate.json"),
    )
    return json.loads((folder / "gate.json").read_text())


def test_only_the_tokens_of_replies_and_their_end_token_carry_loss(tmp_path, shape, tuned, pocket_config):
    from transformers import AutoTokenizer

    from train_sft import sft_trainer

    tokenizer = AutoTokenizer.from_pretrained(POCKET)
    chat = [{"role": "user", "content": "How do I bake bread?"}, {"role": "assistant", "content": "With care."}]
    ids, mask = render_chat(tokenizer, chat)
    model = attach_adapter(
        load_model(POCKET, "none", "float32", "cpu"), shape, str(tuned / "adapter_model.safetensors")
    )
    recipe = pocket_config["studies"]["safety-mode"]["recipes"]["lora"]
    rows = [{"input_ids": ids, "completion_mask": mask}, {"input_ids": ids[4:], "completion_mask": mask[4:]}]
    trainer = sft_trainer(model, POCKET, rows, [], recipe, 1, "cpu", tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    for row, labels in zip(batch["input_ids"], batch["labels"], strict=True):
        carried = row[labels != -100]
        assert tokenizer.decode(carried) == " With care.<|im_end|>"
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters() if p.requires_grad)


def stopped_early(folder: Path, shape, tuned, pocket_config, steps: int = 12) -> Path:
    """Train on one reply and judge by another, so that learning the first too well makes the second worse."""
    from transformers import AutoTokenizer

    from train_sft import train_sft

    folder.mkdir(exist_ok=True)
    for name, reply in (("rendered", "With care, and then with more care."), ("validation", "No, not today.")):
        chat = [{"role": "user", "content": "How do I bake bread?"}, {"role": "assistant", "content": reply}]
        ids, mask = render_chat(AutoTokenizer.from_pretrained(POCKET), chat)
        write_jsonl(folder / name, [{"input_ids": ids, "completion_mask": mask}] * 4)
    recipe = {**pocket_config["studies"]["safety-mode"]["recipes"]["lora"], "steps": steps, "save_steps": 1}
    recipe |= {"early_stopping": {"mix": "x", "steps": 1, "patience": 2}, "learning_rate": 0.01, "warmup_steps": 0}
    train_sft(
        rendered=str(folder / "rendered"), validation=str(folder / "validation"), recipe=recipe, adapter=shape,
        start=[str(POCKET / name) for name in MODEL_FILES], initial=str(tuned / "adapter_model.safetensors"),
        base_name="pocket", seed=1, device="cpu", scratch=folder / "scratch", weights=str(folder / "weights"),
        config=str(folder / "config"), losses=str(folder / "losses.csv"),
    )  # fmt: skip
    return folder


def test_early_stopping_keeps_the_adapter_with_the_least_validation_loss_and_resumes_alike(
    tmp_path, shape, tuned, pocket_config
):
    folder = stopped_early(tmp_path / "whole", shape, tuned, pocket_config)
    rows = read_csv(folder / "losses.csv")
    held_out = [float(row["validation_loss"]) for row in rows]
    best = held_out.index(min(held_out)) + 1
    assert len(rows) == best + 2 < 12, "training ends two evaluations after the best one"
    kept, saved = (
        load_file(path) for path in (folder / "weights", *folder.glob(f"scratch/checkpoint-{best}/*.safetensors"))
    )
    assert all(torch.equal(kept[name], saved[name]) for name in saved)
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut)
    for path in [*cut.glob(f"scratch/checkpoint-{len(rows)}"), cut / "weights", cut / "losses.csv"]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    stopped_early(cut, shape, tuned, pocket_config)
    for name in ("weights", "losses.csv"):
        assert (cut / name).read_bytes() == (folder / name).read_bytes()


def test_the_tokenizer_gives_back_any_text_in_its_composed_form():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(POCKET)
    for text in ("Grüße, 你好 🙂", "\x00\x7f  \n\t", "عربى עברית", "a\u0301 \ufeff zero\u200bwidth", "I\u2019m sorry"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == unicodedata.normalize("NFC", text)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_the_tokenizer_that_transformers_makes_is_the_one_in_the_file():
    from transformers import AutoTokenizer

    file = json.loads((POCKET / "tokenizer.json").read_text())
    made = json.loads(AutoTokenizer.from_pretrained(POCKET).backend_tokenizer.to_str())
    for part in ("normalizer", "pre_tokenizer", "decoder", "added_tokens"):
        assert made[part] == file[part], part
    for part in ("vocab", "merges"):
        assert made["model"][part] == file["model"][part], part
