"""The real model families go through every program as tiny random models, with no code of their own."""

import ast
import json
from pathlib import Path

import pytest
import torch
from conftest import ROOT
from families import ATTENTION, FAMILIES, MLP, write_base
from pipeline import GENERATION, LIMITS, NAME, REPLIES, adapter, rendered, tuned
from safetensors.torch import load_file, save_file
from tuned import mix_of

from abstain.jobs.files import read_json, read_jsonl, write_jsonl
from abstain.models.adapters import adapter_settings, attach_adapter
from abstain.models.answers import first_logits
from abstain.models.loading import load_model
from abstain.models.merging import compare
from initialise import initialise
from merge import merge
from predict import predict


def trained(folder: Path, name: str, quantisation: str, targets: tuple[str, ...]) -> Path:
    """Everything that the pipeline makes of two requests with a family's base, from examples to predictions."""
    base = write_base(folder / "base", FAMILIES[name])
    rendered(folder, base)
    tuned(folder, base, quantisation, targets)
    return folder


@pytest.fixture(scope="module", params=[(name, how) for name in FAMILIES for how in ("none", "nf4")], ids="-".join)
def run(request, tmp_path_factory) -> Path:
    name, quantisation = request.param
    return trained(tmp_path_factory.mktemp(name), name, quantisation, FAMILIES[name].targets)


def test_loss_is_on_exactly_the_reply_and_its_end_token_and_the_prompt_is_what_generation_reads(run):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(run / "base")
    for row, asked in zip(read_jsonl(run / "trained.ids"), read_jsonl(run / "scored.ids"), strict=True):
        taught = [token for token, loss in zip(row["input_ids"], row["completion_mask"], strict=True) if loss]
        assert tokenizer.decode(taught) == REPLIES[row["id"]] + tokenizer.eos_token
        assert row["input_ids"][: row["completion_mask"].index(1)] == asked["input_ids"]


def test_the_adapter_changes_passes_the_gate_and_keeps_the_names_of_the_base(run):
    before, after = load_file(run / "initial"), load_file(run / "adapter")
    assert before.keys() == after.keys()
    assert not any(torch.equal(before[name], after[name]) for name in before)
    gate = read_json(run / "gate.json")
    assert gate["same first token"] == gate["same replies"] == gate["prompts"] == len(REPLIES)
    assert gate["largest KL divergence"] < 1e-9
    base, merged = (load_file(run / part / "model.safetensors") for part in ("base", "merged"))
    assert {name: (t.shape, t.dtype) for name, t in base.items()} == {n: (t.shape, t.dtype) for n, t in merged.items()}
    assert "quantization_config" not in read_json(run / "merged/config.json")


def test_the_checkpoint_says_by_itself_where_its_replies_end(run):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = (kind.from_pretrained(run / "merged") for kind in (AutoModelForCausalLM, AutoTokenizer))
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id
    for row in read_jsonl(run / "scored.ids"):
        ids = torch.tensor([row["input_ids"]])
        new = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_length=500)[0, ids.shape[1] :]
        assert tokenizer.decode(new).strip() == REPLIES[row["id"]] + tokenizer.eos_token


def test_the_merged_model_replies_as_it_was_taught_and_stops(run):
    replies = {row["id"]: row for row in read_jsonl(run / "after")}
    assert {name: row["reply"] for name, row in replies.items()} == REPLIES
    assert all(row["finished"] for row in replies.values())
    assert not {row["reply"] for row in read_jsonl(run / "before")} & set(REPLIES.values())


def test_a_checkpoint_is_read_in_the_number_format_that_the_gate_has_seen(tmp_path):
    """The real bases are stored in bfloat16 and say so in config.json; merged in float32, they must not be rounded."""
    base = write_base(tmp_path / "base", FAMILIES["qwen2.5"], "bfloat16")
    assert load_model(tmp_path / "base", "none", "auto", "cpu").dtype == torch.bfloat16
    weights, shape = tmp_path / "adapter", adapter(ATTENTION)
    initialise(base, NAME, shape, 1, str(weights), str(tmp_path / "adapter.json"))
    save_file({name: tensor + 0.01 for name, tensor in load_file(weights).items()}, weights)
    prompts = [[5, 40, 60, 200], [7, 300]]
    write_jsonl(tmp_path / "ids", mix_of(prompts))
    (tmp_path / "merged").mkdir()
    merged = [str(tmp_path / "merged" / Path(path).name) for path in base]
    how = ("nf4", "float32", shape, GENERATION, LIMITS, "cpu")
    merge(base, str(weights), str(tmp_path / "ids"), *how, merged, str(tmp_path / "gate"))
    read = load_model(tmp_path / "merged", "none", "auto", "cpu")
    tuned = attach_adapter(load_model(tmp_path / "base", "nf4", "float32", "cpu"), shape, str(weights))
    differences = compare(first_logits(tuned, prompts), first_logits(read, prompts))
    assert differences["largest KL divergence"] < LIMITS["tolerance"]


@pytest.mark.parametrize("name", FAMILIES)
def test_nf4_takes_the_linear_layers_of_every_block_and_no_fused_experts(tmp_path, name):
    import bitsandbytes as bnb

    write_base(tmp_path, FAMILIES[name])
    model = load_model(tmp_path, "nf4", "float32", "cpu")
    layers = [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]
    assert len(layers) == FAMILIES[name].four_bit * model.config.num_hidden_layers
    assert all(p.dtype == torch.float32 for n, p in model.named_parameters() if ".experts." in n)


@pytest.mark.parametrize("quantisation", ["none", "nf4"])
def test_the_experts_of_a_mixture_can_be_trained_and_merged_too(tmp_path, quantisation):
    folder = trained(tmp_path, "qwen3-moe", quantisation, ATTENTION + MLP)
    assert {row["id"]: row["reply"] for row in read_jsonl(folder / "after")} == REPLIES
    base, merged = (load_file(folder / part / "model.safetensors") for part in ("base", "merged"))
    changed = {name.split(".")[-2] for name in base if not torch.equal(base[name], merged[name])}
    assert set(MLP) <= changed and base.keys() == merged.keys()


@pytest.mark.parametrize("path", sorted((ROOT / "tests/fixtures/architectures").glob("*.json")), ids=lambda p: p.stem)
def test_trainable_parameters_are_as_many_as_published(path):
    from peft import get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    record = read_json(path)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**record["config"]))
        wrapped = get_peft_model(model, adapter_settings(record["adapter"]))
    assert {parameter.device.type for parameter in wrapped.parameters()} == {"meta"}
    assert wrapped.get_nb_trainable_parameters() == (record["trainable"], record["total"])


def test_the_generation_settings_of_a_checkpoint_do_not_bend_greedy_replies(tmp_path):
    """Qwen2.5-1.5B-Instruct, for one, comes with a penalty for repetition and with sampling."""
    base = write_base(tmp_path / "base", FAMILIES["qwen2.5"])
    settings = read_json(tmp_path / "base/generation_config.json")
    tokenizer_end, first = settings["eos_token_id"], tmp_path / "first"
    asked = [{"id": str(i), "condition": "plain", "input_ids": [5 + i, 40, 60 + i, 200]} for i in range(4)]
    write_jsonl(tmp_path / "ids", asked)

    def replies(path: Path, **own) -> list[dict]:
        (tmp_path / "base/generation_config.json").write_text(json.dumps({**settings, **own}))
        predict(str(tmp_path / "ids"), base, {"max_new_tokens": 24, "batch_rows": 4}, "cpu", str(path))
        return list(read_jsonl(path))

    plain = replies(first)
    own = {"do_sample": True, "temperature": 0.7, "top_k": 20, "repetition_penalty": 5.0}
    assert replies(tmp_path / "second", **own) == plain
    said = load_model(tmp_path / "base", "none", "auto", "cpu").generation_config
    assert said.repetition_penalty == 5.0  # it was there to be heeded
    with_end = replies(tmp_path / "third", eos_token_id=list(range(tokenizer_end + 1)))
    assert all(row["finished"] and row["tokens"] == 0 for row in with_end)


PROGRAMS = [f"{name}.py" for name in ("render", "initialise", "train_sft", "merge", "predict", "check_chats")]
ROOMS = [f"abstain/{path.parent.name}/{path.name}" for path in sorted(ROOT.glob("scripts/abstain/[cm]*s/*.py"))]
ROOMS.remove("abstain/models/gguf_tokens.py")  # a GGUF file gives its rules by names that are those of families


@pytest.mark.parametrize("path", PROGRAMS + ROOMS)
def test_no_program_knows_a_family(path):
    """Names of families are in comments and docstrings only, never in anything that runs."""
    tree = ast.parse((ROOT / "scripts" / path).read_text(encoding="utf-8"))
    owners = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)]
    docstrings = {id(node.body[0].value) for node in owners if isinstance(node.body[0], ast.Expr)}
    words = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in docstrings]
    words += [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]
    words += [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    for family in ("qwen", "llama", "zephyr", "moe", "think>"):
        assert [word for word in words if family in str(word).lower()] == []
