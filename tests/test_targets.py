"""The layers that an adapter is on: each target names some, all-linear names all, embedding and head have none."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, Settings
from damages import faults_of
from families import ATTENTION, FAMILIES, MLP, write_base
from pipeline import NAME, REPLIES, adapter, rendered, tuned
from safetensors.torch import load_file

from abstain.jobs.files import read_json, read_jsonl
from abstain.models.loading import ModelError, load_model
from abstain.studies.check import check_needed
from initialise import initialise

FUSED = replace(FAMILIES["qwen2.5"], shape={"model_type": "phi3", "tie_word_embeddings": True})


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> dict[str, list[str]]:
    kinds = {"fused": FUSED, "tied": FAMILIES["qwen2.5"], "untied": FAMILIES["tinyllama"]}
    return {kind: write_base(tmp_path_factory.mktemp(kind), family) for kind, family in kinds.items()}


def drawn(folder: Path, base: list[str], targets: tuple[str, ...]) -> set[str]:
    """The names of the layers that a fresh adapter is on."""
    initialise(base, NAME, adapter(targets, 2), 1, str(folder / "weights"), str(folder / "config"))
    return {name.split(".lora_")[0].removeprefix("base_model.model.") for name in load_file(folder / "weights")}


@pytest.mark.parametrize(
    ("kind", "targets", "words"),
    [
        ("fused", ATTENTION + MLP, "no linear layer 'q_proj'.* It has down_proj, gate_up_proj, o_proj, qkv_proj; "),
        ("tied", ("q_proj", "v_porj"), "no linear layer 'v_porj'; .*down_proj, gate_proj, .*q_proj, up_proj, v_proj"),
        ("tied", ("proj",), "no linear layer 'proj'; "),
        ("untied", ("input_layernorm",), "no linear layer 'input_layernorm'; "),
    ],
    ids=["fused", "misspelt", "a part of a name", "not linear"],
)  # fmt: skip
def test_a_target_that_names_no_linear_layer_is_an_error_that_lists_those_of_the_base(
    tmp_path, bases, kind, targets, words
):
    with pytest.raises(ModelError, match=f"model.safetensors has {words}"):
        drawn(tmp_path, bases[kind], targets)
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("kind", ["fused", "tied", "untied"])
def test_all_linear_is_every_linear_layer_but_the_head_and_published_under_this_name(tmp_path, bases, kind):
    from torch import nn

    model = load_model(Path(bases[kind][0]).parent, "none", "float32", "cpu")
    linear = {name for name, module in model.named_modules() if isinstance(module, nn.Linear)} - {"lm_head"}
    assert drawn(tmp_path, bases[kind], ("all-linear",)) == linear
    assert read_json(tmp_path / "config")["target_modules"] == "all-linear"


@pytest.mark.parametrize("quantisation", ["none", "nf4"])
def test_all_linear_is_trained_merged_and_published_for_a_base_with_fused_layers(tmp_path, bases, quantisation):
    rendered(tmp_path, bases["fused"])
    tuned(tmp_path, bases["fused"], quantisation, ("all-linear",))
    assert {row["id"]: row["reply"] for row in read_jsonl(tmp_path / "after")} == REPLIES


OUTER = [("lm_head",), ("q_proj", "embed_tokens")]


@pytest.mark.parametrize("targets", OUTER)
@pytest.mark.parametrize("kind", ["tied", "untied"])
def test_embedding_and_head_have_no_adapter_whether_tied_or_not(tmp_path, bases, kind, targets):
    with pytest.raises(
        ModelError,
        match="put an adapter on the (embedding|output layer) of|has no linear layer '(lm_head|embed_tokens)'",
    ):
        drawn(tmp_path, bases[kind], targets)
    assert not (tmp_path / "weights").exists()


def said_of(settings: Settings) -> list[str]:
    """What is said of a scale before any job."""
    return faults_of(check_needed, {}, settings.scale, settings.scale["studies"], ROOT, Path("results/pocket"))


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        *[(targets, f"{targets[-1]} cannot have an adapter: ") for targets in OUTER],
        (("all-linear", "q_proj"), "all-linear means every linear layer already; name it alone"),
    ],
)
def test_targets_that_no_base_could_have_are_refused_before_any_job(pocket, targets, words):
    changed = pocket.changed("studies/safety-mode/adapters/standard/targets", list(targets))
    (said,) = said_of(changed)
    assert said.startswith(f"studies.safety-mode.adapters.standard.targets: {words}")


def test_all_linear_alone_is_content(pocket):
    changed = pocket.changed("studies/safety-mode/adapters/standard/targets", ["all-linear"])
    assert said_of(changed) == []
