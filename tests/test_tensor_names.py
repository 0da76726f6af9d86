"""The table of tensors against transformers itself: what is missing or too many is named before any job."""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest
import torch
from chat_families import PUBLISHED_BASES, gemma
from families import EXPERTS, FAMILIES, SHAPE, write_base
from safetensors.torch import load_file, save_file

from abstain.jobs.files import read_json, write_json
from abstain.models.loading import load_model
from abstain.settings.bases import folder_faults
from abstain.settings.model_files import tensors
from abstain.settings.tensor_names import BLOCKS, is_listed, name_faults

BASES = {**FAMILIES, **{name: base.family for name, base in PUBLISHED_BASES.items()}}
BASES |= {"gemma-2": gemma("gemma2", "gemma.jinja")}
EMBEDDING, HEAD, NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"
ADVICE = "; bring back the config.json and the weights that belong together"
LAYERS = range(SHAPE["num_hidden_layers"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a family's tiny model, written once."""

    @cache
    def written(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        write_base(folder, BASES[name])
        return folder

    return written


@pytest.fixture
def base(tmp_path, whole) -> Callable[[str], Path]:
    """A copy of a family's tiny model, to be changed."""
    return lambda name: shutil.copytree(whole(name), tmp_path / name)


def said_of(folder: Path, names: Iterable[str]) -> str:
    """What is said before any job of a base whose weights have these names; a header is enough for that."""
    entry = {"dtype": "F32", "shape": [500, 64], "data_offsets": [0, 0]}
    text = json.dumps(dict.fromkeys(names, entry)).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    return " | ".join(folder_faults(folder))


def deepened(folder: Path) -> set[str]:
    """Give a base's configuration a third layer like the second; returns the tensors that its weights must have."""
    settings = read_json(folder / "config.json")
    kinds = (
        {"layer_types": [*settings["layer_types"], settings["layer_types"][-1]]} if "layer_types" in settings else {}
    )
    write_json(folder / "config.json", {**settings, **kinds, "num_hidden_layers": 3})
    names = set(tensors(folder / "model.safetensors"))
    return names | {name.replace(".layers.1.", ".layers.2.") for name in names}


def kind_of(name: str) -> str:
    return f"the architecture {BASES[name].shape['model_type']!r}"


def in_all_layers(tensor: str, layers: int) -> set[str]:
    """The tensor of this place in every layer."""
    return {tensor.replace(".0.", f".{layer}.", 1) for layer in range(layers)}


@pytest.mark.parametrize("name", BASES)
def test_a_base_as_it_is_written_passes(whole, name):
    assert list(folder_faults(whole(name))) == []


@pytest.mark.parametrize("name", BASES)
def test_each_tensor_that_is_missing_or_renamed_is_named(base, name):
    folder = base(name)
    names = deepened(folder)
    assert said_of(folder, names) == "" and {EMBEDDING, NORM} < names
    for tensor in names:
        for changed in (names - {tensor}, names - {tensor} | {f"{tensor}_old"}):
            said = said_of(folder, changed)
            assert said.startswith("model.safetensors ") and f" {tensor}" in said and "bring" in said, tensor
    for tensor in (name for name in names if ".layers.0." in name):
        said = said_of(folder, names - in_all_layers(tensor, 3))
        assert said == f"model.safetensors lacks {tensor} and 2 more, which {kind_of(name)} has{ADVICE}"
    said = said_of(folder, names - {NORM} | {"model.last.weight"})
    words = f"lacks {NORM}, which {kind_of(name)} has, and has model.last.weight, which it has not"
    assert said == f"model.safetensors {words}{ADVICE}"


@pytest.mark.parametrize("name", BASES)
def test_a_tensor_that_is_too_many_is_named(base, name):
    folder = base(name)
    names = set(tensors(folder / "model.safetensors"))
    for tensor in ("extra.weight", "model.extra.weight", "score.weight", "lm_head.bias", "model.position_ids"):
        said = f"model.safetensors has {tensor}, which {kind_of(name)} has not{ADVICE}"
        assert said_of(folder, names | {tensor}) == said
    for part in ("self_attn.o_proj.bias", "self_attn.extra.weight", "mlp.shared_expert.up_proj.weight"):
        first = f"model.layers.0.{part}"
        said = f"model.safetensors has {first} and 1 more, which {kind_of(name)} has not{ADVICE}"
        assert said_of(folder, names | in_all_layers(first, 2)) == said


def test_a_tensor_that_one_layer_has_alone_is_named(base):
    folder = base("qwen2.5")
    alone = "model.layers.1.self_attn.extra.weight"
    said = (
        "has model.layers.1.self_attn.extra.weight, and most of its 3 layers have no such tensor; bring it back whole"
    )
    assert said_of(folder, deepened(folder) | {alone}) == f"model.safetensors {said}"


def test_the_weights_of_another_architecture_are_told_by_what_both_have_alone(base, whole):
    folder = base("qwen3")
    said = said_of(folder, tensors(whole("qwen2.5") / "model.safetensors"))
    lacking, beside = (f"model.layers.0.self_attn.{part}" for part in ("k_norm.weight", "k_proj.bias"))
    words = f"lacks {lacking} and 3 more, which the architecture 'qwen3' has, and has {beside} and 5 more, which it has"
    assert said == f"model.safetensors {words} not{ADVICE}"


def test_a_tensor_that_is_there_twice_is_named_since_transformers_takes_one_without_a_word(base):
    folder = base("qwen2.5")
    said = said_of(folder, {*tensors(folder / "model.safetensors"), "norm.weight"})
    assert said == f"model.safetensors has norm.weight, which the architecture 'qwen2' has not{ADVICE}"


# The table and transformers

KEYS = [{}, {"attention_bias": True}, {"mlp_bias": True}, {"tie_word_embeddings": True}, {"tie_word_embeddings": False}]
MIXTURES = [{"decoder_sparse_step": 2}, {"mlp_only_layers": [0]}, {"mlp_only_layers": [0, 1]}, {"num_experts": 0}]


def built(kind: str, keys: dict) -> tuple[set[str], dict]:
    """The tensors that a model of these keys is saved with, and its config.json; it has no numbers."""
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.core_model_loading import revert_weight_conversion

    experts = EXPERTS if BLOCKS[kind].mixture else {}
    config = AutoConfig.for_model(kind, **{**SHAPE, **experts, "vocab_size": 50, "pad_token_id": None, **keys})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    state = revert_weight_conversion(model, model.state_dict())
    return state.keys() - model.all_tied_weights_keys, json.loads(config.to_json_string())


@pytest.mark.parametrize("kind", BLOCKS)
def test_the_tensors_of_an_architecture_are_those_that_transformers_builds(kind):
    for keys in KEYS + (MIXTURES if BLOCKS[kind].mixture else []):
        names, settings = built(kind, keys)
        assert list(name_faults(dict.fromkeys(names), settings)) == [], keys
        for tensor in names:
            (said,) = name_faults(dict.fromkeys(names - {tensor}), settings)
            assert said.startswith(f"lacks {tensor}, which"), keys
        few = {key: value for key, value in settings.items() if key in {"model_type", "num_hidden_layers", *keys}}
        if not BLOCKS[kind].mixture and names == built(kind, {})[0]:
            assert list(name_faults(dict.fromkeys(names), few)) == [], "what config.json leaves out has a default"


def test_the_table_has_every_family_that_is_tested():
    assert {family.shape["model_type"] for family in BASES.values()} == set(BLOCKS)


def without_prefix(state: Mapping) -> dict:
    return {name.removeprefix("model."): tensor for name, tensor in state.items()}


def with_computed_numbers(state: Mapping) -> dict:
    return {**state, **{f"model.layers.{n}.self_attn.rotary_emb.inv_freq": torch.ones(8) for n in LAYERS}}


def with_the_head_for_the_embedding(state: Mapping) -> dict:
    return {HEAD if name == EMBEDDING else name: tensor for name, tensor in state.items()}


def with_both_ends(state: Mapping) -> dict:
    return {**state, HEAD: state[EMBEDDING].clone()}


def with_experts_stacked(state: Mapping) -> dict:
    from torch import cat, stack

    stacked = {name: tensor for name, tensor in state.items() if ".experts." not in name}
    for place in (f"model.layers.{layer}.mlp.experts" for layer in LAYERS):
        gate, up, down = (
            [state[f"{place}.{number}.{part}_proj.weight"] for number in range(EXPERTS["num_experts"])]
            for part in ("gate", "up", "down")
        )
        stacked[f"{place}.gate_up_proj"] = stack([cat(pair) for pair in zip(gate, up, strict=True)])
        stacked[f"{place}.down_proj"] = stack(down)
    return stacked


UNLOADED = ("gemma-2",)  # transformers has no attention for it that this project takes
COMPUTED = [name for name in BASES if name not in ("gemma-3", *UNLOADED)]  # where transformers passes over such numbers
LOADED = [
    *((name, without_prefix) for name in BASES if name not in UNLOADED),
    *((name, with_computed_numbers) for name in COMPUTED),
    *(
        (name, change)
        for name in ("qwen2.5", "gemma-3")
        for change in (with_the_head_for_the_embedding, with_both_ends)
    ),
    ("qwen3-moe", with_experts_stacked),
]


@pytest.mark.parametrize(("name", "change"), LOADED, ids=lambda value: getattr(value, "__name__", value))
def test_weights_that_transformers_loads_whole_under_other_names_are_not_refused(base, name, change):
    folder = base(name)
    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})
    assert list(folder_faults(folder)) == []
    load_model(folder, "none", "float32", "cpu")


def test_an_expert_that_is_missing_beside_stacked_ones_or_too_many_is_named(base):
    folder = base("qwen3-moe")
    names = set(tensors(folder / "model.safetensors"))
    down = re.compile(r"(.*)\.\d+\.(down_proj)\.weight")
    stacked = {down.sub(r"\1.\2", tensor) for tensor in names}
    assert len(stacked) < len(names) and said_of(folder, stacked) == ""
    beside = "model.layers.1.mlp.experts.0.down_proj.weight"
    assert f"has {beside}, which" in said_of(folder, stacked | {beside})
    more = {f"model.layers.1.mlp.experts.4.{part}_proj.weight" for part in ("gate", "up", "down")}
    assert "has model.layers.1.mlp.experts.4.down_proj.weight and 2 more, which" in said_of(folder, names | more)


# What the table cannot tell

UNCHECKED = [
    {"model_type": "olmo2"},
    {"num_hidden_layers": None},
    {"num_hidden_layers": "2"},
    {"num_local_experts": None},
    {"num_local_experts": "4"},
    {"decoder_sparse_step": 0},
    {"mlp_only_layers": 1},
]


@pytest.mark.parametrize("keys", UNCHECKED, ids=str)
def test_a_configuration_that_the_table_cannot_read_is_not_in_it(whole, keys):
    settings = read_json(whole("qwen3-moe") / "config.json")
    assert is_listed(settings) and not is_listed({**settings, **keys})
