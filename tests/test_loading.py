"""A model is exactly its declared files, and whole: nothing beside them counts, nothing that is missing is drawn."""

import ast
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from damages import faults_of
from families import FAMILIES, write_base
from safetensors.torch import load_file, save_file

from abstain.models.answers import first_logits
from abstain.models.loading import DeviceError, ModelError, exact_torch, load_model, load_tokenizer
from abstain.settings.model_files import MODEL_FILES, architectures
from abstain.studies.check import check_needed

PROMPTS = [[5, 40, 60, 200], [7, 300]]
QUANTISED = {"quant_method": "bitsandbytes", "load_in_4bit": True}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a sound base."""
    folder = tmp_path_factory.mktemp("whole")
    write_base(folder, FAMILIES["qwen2.5"])
    return folder


@pytest.fixture
def base(tmp_path, whole) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(whole, tmp_path / "base")


def an_adapter(folder: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    settings = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(folder), settings).save_pretrained(folder)


def a_special_tokens_map(folder: Path) -> None:
    (folder / "special_tokens_map.json").write_text(json.dumps({"eos_token": "<|endoftext|>", "pad_token": "!"}))


def added_tokens(folder: Path) -> None:
    (folder / "added_tokens.json").write_text(json.dumps({"bread": 350, "<|im_start|>": 351}))


def another_template(folder: Path) -> None:
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates/default.jinja").write_text("Nothing.")


def other_weights(folder: Path) -> None:
    state = {name: torch.zeros_like(tensor) for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(state, folder / "model-00001-of-00001.safetensors", metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": dict.fromkeys(state, "model-00001-of-00001.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


STRAY = [an_adapter, a_special_tokens_map, added_tokens, another_template, other_weights]


@pytest.mark.parametrize("leave", STRAY, ids=lambda leave: leave.__name__)
def test_a_file_beside_a_model_changes_neither_the_model_nor_its_tokenizer(base, whole, leave):
    leave(base)
    assert {path.name for path in base.iterdir()} > {path.name for path in whole.iterdir()}
    before, after = (load_model(folder, "none", "auto", "cpu") for folder in (whole, base))
    assert torch.equal(first_logits(before, PROMPTS), first_logits(after, PROMPTS))
    one, other = load_tokenizer(whole), load_tokenizer(base)
    assert (one.eos_token_id, one.pad_token_id, len(one)) == (other.eos_token_id, other.pad_token_id, len(other))
    assert one.chat_template == other.chat_template
    assert one("I bake bread.<|im_end|>")["input_ids"] == other("I bake bread.<|im_end|>")["input_ids"]


def test_what_is_loaded_is_called_by_its_own_folder(whole):
    assert load_model(whole, "none", "auto", "cpu").config.name_or_path == load_tokenizer(whole).name_or_path
    assert load_tokenizer(whole).name_or_path == str(whole)


def weights(change: Callable) -> Callable:
    """A damage to the tensors of a base."""

    def damage(folder: Path) -> None:
        state = change(load_file(folder / "model.safetensors"))
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})

    return damage


def settings(**changed) -> Callable:
    """A damage to the configuration of a base: other values, or no key where the value is `...`."""

    def damage(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        kept = {key: value for key, value in {**config, **changed}.items() if value is not ...}
        (folder / "config.json").write_text(json.dumps(kept))

    return damage


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def pointer(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")


GATE, NORM = "model.layers.1.mlp.gate_proj.weight", "model.norm.weight"
EARLY = {  # seen in configuration and header, so before any job
    "saved after torch.compile": (
        weights(lambda state: {f"_orig_mod.{name}": tensor for name, tensor in state.items()}),
        "model.safetensors names a tensor _orig_mod.model.embed_tokens.weight, .*save model._orig_mod instead",
    ),
    "no head, and no embedding in its place": (
        settings(tie_word_embeddings=False), "model.safetensors has no lm_head.weight, and by config.json"),
    "stored in 4 bit": (settings(quantization_config=QUANTISED), "config.json says .* quantised already.*the original"),
    "stored in 8 bit, without a word": (
        weights(lambda state: {**state, GATE: state[GATE].to(torch.int8)}),
        f"model.safetensors stores {GATE} as I8, so it is quantised already: take the original",
    ),
    "an unknown architecture": (settings(model_type="nova"), "config.json names the architecture 'nova'"),
    "code of its own": (
        settings(model_type="nova", auto_map={"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"}),
        "'nova', which .* only with code of its own .*never run",
    ),
    "no language model": (settings(model_type="t5"), "config.json names the architecture 't5'"),
    "a file that was cut off": (cut, "model.safetensors has .* bytes, and by its header"),
    "a pointer of git-lfs": (pointer, "model.safetensors is no safetensors file.*git lfs pull"),
    "a tensor less than in the other layer": (
        weights(lambda state: {name: tensor for name, tensor in state.items() if name != GATE}),
        f"model.safetensors lacks {GATE}, and by config.json there are 2 layers",
    ),
    "a layer more in the configuration": (
        settings(num_hidden_layers=3, layer_types=["full_attention"] * 3),
        "model.safetensors lacks model.layers.2..*weight, and by config.json there are 3 layers",
    ),
    "a layer less in the configuration": (
        settings(num_hidden_layers=1, layer_types=["full_attention"]),
        "model.safetensors has model.layers.1..*weight, and by config.json there are 1 layers",
    ),
    "no head, and an architecture that has one by default": (
        settings(tie_word_embeddings=...), "model.safetensors has no lm_head.weight, and by config.json it is not"),
    "no configuration": (lambda folder: (folder / "config.json").write_text("{"), "config.json is no JSON"),
}  # fmt: skip
LATE = {  # seen when it is loaded
    "a tensor less": (
        weights(lambda state: {name: tensor for name, tensor in state.items() if name != NORM}),
        f"model.safetensors lacks {NORM}, so",
    ),
    "a configuration that no model can be built from": (
        settings(hidden_act="none-such"), "transformers cannot build the model in .*none-such"),
    "a tensor more": (
        weights(lambda state: {**state, "extra.weight": torch.ones(3)}),
        "model.safetensors has, and the architecture in config.json has not, extra.weight",
    ),
    "a tensor of another shape": (
        weights(lambda state: {**state, NORM: torch.ones(3)}),
        rf"model.safetensors has in another shape {NORM} \(3,\) for \(64,\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EARLY | LATE)
def test_a_model_that_is_not_whole_is_an_error_that_names_file_and_tensor(base, name):
    damage, words = (EARLY | LATE)[name]
    damage(base)
    with pytest.raises(ModelError, match=words) as caught:
        load_model(base, "none", "float32", "cpu")
    assert str(base) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", EARLY)
def test_what_configuration_and_header_show_is_said_before_any_job(base, name):
    damage, words = EARLY[name]
    damage(base)
    (said,) = said_of(base)
    assert said.startswith(f"bases.tiny.folder: {base}/")
    assert re.search(words, said)


def test_weights_in_several_files_are_refused_with_a_way_to_join_them(base):
    (base / "model.safetensors").rename(base / "model-00001-of-00001.safetensors")
    (base / "model.safetensors.index.json").write_text("{}")
    (said,) = said_of(base)
    assert "there is no file" in said and "save_pretrained(folder, max_shard_size='1TB') joins the pieces" in said


def said_of(base: Path) -> list[str]:
    """What is said of a base before any job."""
    config, needed = {"bases": {"tiny": {"folder": str(base)}}}, {str(base / name): "render" for name in MODEL_FILES}
    return faults_of(check_needed, needed, config, {}, ROOT, Path("results/pocket"))


def test_a_known_architecture_that_brings_code_is_loaded_without_running_it(base, whole):
    settings(auto_map={"AutoModelForCausalLM": "code.Model", "AutoConfig": "code.Config"})(base)
    (base / "code.py").write_text(f"open({str(base / 'ran')!r}, 'w')")
    model = load_model(base, "none", "auto", "cpu")
    assert torch.equal(first_logits(model, PROMPTS), first_logits(load_model(whole, "none", "auto", "cpu"), PROMPTS))
    assert not (base / "ran").exists()


def test_a_head_that_is_not_the_embedding_though_the_configuration_says_so_is_kept(base):
    """transformers keeps both when they differ."""
    weights(lambda state: {**state, "lm_head.weight": state["model.embed_tokens.weight"] + 1})(base)
    model = load_model(base, "none", "auto", "cpu")
    assert torch.equal(model.lm_head.weight, model.model.embed_tokens.weight + 1)


def test_the_architectures_are_those_of_the_installed_transformers():
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as NAMES

    assert architectures() == set(NAMES) and len(NAMES) > 100


LOADERS = {"AutoModelForCausalLM", "AutoTokenizer", "AutoModel", "PreTrainedModel", "PeftModel"}
# The last two read what other people lay out, and write the declared files.
PLACES = {"loading.py", "gguf_files.py", "layout.py"}


@pytest.mark.parametrize("path", sorted(ROOT.glob("scripts/**/*.py")), ids=lambda path: path.stem)
def test_models_and_tokenizers_are_loaded_in_one_place(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)]
    loads = {node.value.id for node in calls if node.attr == "from_pretrained" and isinstance(node.value, ast.Name)}
    if path.name not in PLACES:
        assert not loads & LOADERS


@pytest.mark.parametrize(("cuda", "words"), [(None, "built without CUDA"), ("13.0", "built for CUDA 13.0")])
def test_a_gpu_that_is_asked_for_and_not_there_is_an_error_in_one_sentence(monkeypatch, cuda, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    with pytest.raises(DeviceError, match=f"device is cuda, and torch .* {words}, sees no GPU here; .* device: cpu"):
        exact_torch(1, "cuda")


@pytest.mark.parametrize("part", ["down_proj", "gate_proj"])
def test_a_lost_expert_of_a_mixture_is_an_error_in_one_sentence(tmp_path, part):
    write_base(tmp_path, FAMILIES["qwen3-moe"])
    state = load_file(tmp_path / "model.safetensors")
    kept = {name: value for name, value in state.items() if f"experts.1.{part}" not in name}
    save_file(kept, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="has in another shape|cannot build the model"):
        load_model(tmp_path, "none", "float32", "cpu")
