"""A checkpoint is judged by the files that are published, read in another process; otherwise nothing is published."""

import shutil
from pathlib import Path

import pytest
import torch
from families import FAMILIES, write_base
from safetensors.torch import load_file, save_file
from tuned import BASE, GATE, LIMITS, POCKET, PROMPTS, SHAPE, merged, write_tuned

from abstain.jobs.files import read_json, write_json
from abstain.models import loading, merging
from abstain.models.adapters import attach_adapter
from abstain.models.answers import first_logits
from abstain.models.loading import ModelError, load_model
from abstain.models.merging import GateError, compare, merged_model, trained_base
from abstain.settings.model_files import MODEL_FILES
from initialise import initialise


@pytest.fixture(scope="module")
def tuned(tmp_path_factory) -> Path:
    return write_tuned(tmp_path_factory.mktemp("tuned"))


@pytest.fixture
def base(tmp_path) -> Path:
    """A copy of the pocket model, to be changed."""
    return shutil.copytree(POCKET, tmp_path / "base")


def files(folder: Path) -> list[str]:
    return [str(folder / name) for name in MODEL_FILES]


def change_weights(folder: Path, change) -> None:
    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})


def test_weights_under_names_that_nothing_loads_are_not_published(tmp_path, tuned, monkeypatch):
    def renamed(path, state):
        write(path, {f"base_model.model.{name}": tensor for name, tensor in state.items()})

    write = loading.write_weights
    monkeypatch.setattr(loading, "write_weights", renamed)
    with pytest.raises(ModelError, match=r"model.safetensors names a tensor base_model\.model\."):
        merged(tmp_path / "out", tuned, "none")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tokens.jsonl"]


def test_a_tokenizer_that_ends_elsewhere_in_the_published_folder_fails_the_gate(tmp_path, tuned, monkeypatch):
    """It is the folder's own tokenizer, and its own list of end tokens, by which the published model replies."""

    def spoiled(source, target):
        copy(source, target)
        if Path(target).name == "tokenizer_config.json":
            write_json(target, {**read_json(target), "eos_token": "<|im_start|>"})

    copy = merging.copy_file
    monkeypatch.setattr(merging, "copy_file", spoiled)
    monkeypatch.setattr(merging, "generation_settings", lambda *given: {"pad_token_id": 0})
    with pytest.raises(GateError, match="'largest KL divergence': .*e-"):
        merged(tmp_path / "out", tuned, "none")
    assert not (tmp_path / "out/tokenizer_config.json").exists()


def test_files_left_beside_a_base_neither_change_the_checkpoint_nor_travel_with_it(tmp_path, tuned, base):
    """An adapter, which libraries add by themselves, and tokens of an older release."""
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        shutil.copy(tuned / name, base)
    write_json(base / "special_tokens_map.json", {"eos_token": "<|endoftext|>", "pad_token": "!"})
    report = merged(tmp_path / "stray", tuned, "none", base=files(base))
    assert report == merged(tmp_path / "clean", tuned, "none")
    assert {path.name for path in (tmp_path / "stray").iterdir()} == {*MODEL_FILES, "gate.json", "tokens.jsonl"}
    for name in MODEL_FILES:
        assert (tmp_path / "stray" / name).read_bytes() == (tmp_path / "clean" / name).read_bytes()


def test_what_a_killed_job_left_is_taken_away(tmp_path, tuned):
    (tmp_path / ".draft/old").mkdir(parents=True)
    merged(tmp_path, tuned, "none")
    assert {path.name for path in tmp_path.iterdir()} == {*MODEL_FILES, "gate.json", "tokens.jsonl"}


def test_a_head_of_its_own_is_published_though_the_configuration_ties_it(tmp_path, tuned, base):
    change_weights(base, lambda state: {**state, "lm_head.weight": state["model.embed_tokens.weight"].flip(0)})
    merged(tmp_path / "out", tuned, "none", base=files(base))
    before, after = (load_file(folder / "model.safetensors") for folder in (base, tmp_path / "out"))
    assert before.keys() == after.keys() and torch.equal(before["lm_head.weight"], after["lm_head.weight"])


@pytest.mark.parametrize("quantisation", ["none", "nf4"])
def test_a_training_in_bfloat16_is_stored_in_it_and_passes_the_gate_of_that_format_alone(tmp_path, tuned, quantisation):
    """Rounded weights are what the adapter was trained on; the sums of the merge are in float32, then rounded once."""
    report = merged(tmp_path, tuned, quantisation, dtype="bfloat16")
    assert LIMITS["tolerance"] < report["largest KL divergence"] < report["tolerance"] == GATE["bfloat16"]["tolerance"]
    assert report["same first token"] == report["same replies"] == report["prompts"] == len(PROMPTS)
    assert {tensor.dtype for tensor in load_file(tmp_path / "model.safetensors").values()} == {torch.bfloat16}
    assert read_json(tmp_path / "config.json")["dtype"] == "bfloat16"


def test_the_sums_of_a_merge_into_bfloat16_are_rounded_once(tuned):
    """Merged in bfloat16 itself, the product of LoRA's factors would be rounded too."""
    weights = str(tuned / "adapter_model.safetensors")
    stored = merged_model(POCKET, weights, "none", "bfloat16", SHAPE, "cpu").state_dict()
    base = trained_base(POCKET, "none", "bfloat16", "cpu")
    exact = attach_adapter(base, SHAPE, weights).merge_and_unload().state_dict()
    assert all(torch.equal(stored[name], tensor.bfloat16()) for name, tensor in exact.items())
    assert any(not torch.equal(stored[name].float(), tensor) for name, tensor in exact.items())


OTHER_WEIGHTS = {"none": ("nf4", "bfloat16"), "nf4": ("none", "bfloat16")}


@pytest.mark.parametrize("quantisation", OTHER_WEIGHTS)
def test_the_gate_of_bfloat16_tells_a_merge_into_other_weights_apart(tuned, quantisation):
    weights = str(tuned / "adapter_model.safetensors")
    right, wrong = (
        first_logits(attach_adapter(trained_base(POCKET, *how, "cpu"), SHAPE, weights), PROMPTS)
        for how in ((quantisation, "bfloat16"), OTHER_WEIGHTS[quantisation])
    )
    assert compare(right, wrong)["largest KL divergence"] > GATE["bfloat16"]["tolerance"]


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_a_checkpoint_of_a_base_in_bfloat16_says_that_it_is_in_float32(tmp_path, key):
    """Plain transformers goes by config.json, and would round it."""
    from transformers import AutoModelForCausalLM

    start = write_base(tmp_path / "base", FAMILIES["qwen2.5"], "bfloat16")
    settings = read_json(tmp_path / "base/config.json")
    write_json(tmp_path / "base/config.json", {**{k: v for k, v in settings.items() if k != "dtype"}, key: "bfloat16"})
    (tmp_path / "tuned").mkdir()
    initial = [str(tmp_path / "tuned" / name) for name in ("adapter_model.safetensors", "adapter_config.json")]
    initialise(start, {"path": "./x"}, SHAPE, 1, *initial)
    merged(tmp_path / "out", tmp_path / "tuned", "none", base=start, prompts=[[5, 40, 60], [7, 300]])
    published = read_json(tmp_path / "out/config.json")
    assert {**settings, "dtype": "float32"} == published
    opened = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    read = load_model(tmp_path / "out", "none", "auto", "cpu")
    assert opened.dtype == read.dtype == torch.float32
    assert all(torch.equal(one, other) for one, other in zip(opened.parameters(), read.parameters(), strict=True))


def test_a_base_in_float32_keeps_its_configuration_byte_by_byte(tmp_path, tuned):
    merged(tmp_path, tuned, "nf4")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (tmp_path / name).read_bytes() == Path(BASE[MODEL_FILES.index(name)]).read_bytes()
