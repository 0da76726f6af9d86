"""DoRA: a tiny model with such an adapter trains, resumes, merges within the gate's limits and replies as taught."""

import shutil
from pathlib import Path

import pytest
from families import FAMILIES, write_base
from pipeline import GENERATION, LIMITS, NAME, RECIPE, REPLIES, adapter, rendered
from safetensors.torch import load_file

from abstain.jobs.files import read_json, read_jsonl
from initialise import initialise
from merge import merge
from predict import predict
from train_sft import train_sft

QUICK = {**RECIPE, "save_steps": 20}


@pytest.fixture(scope="module", params=["none", "nf4"])
def run(request, tmp_path_factory) -> Path:
    """Everything that the programs make of two requests with a DoRA adapter."""
    folder = tmp_path_factory.mktemp(f"dora-{request.param}")
    base = write_base(folder / "base", FAMILIES["tinyllama"])
    rendered(folder, base)
    initialise(base, NAME, shape(), 1, str(folder / "initial"), str(folder / "config"))
    trained(folder, request.param)
    (folder / "merged").mkdir()
    merged = [str(folder / "merged" / Path(path).name) for path in base]
    how = (request.param, "float32", shape(), GENERATION, LIMITS, "cpu", merged, str(folder / "gate.json"))
    merge(base, str(folder / "weights"), str(folder / "trained.ids"), *how)
    predict(str(folder / "scored.ids"), merged, GENERATION, "cpu", str(folder / "said"))
    (folder / "quantisation").write_text(request.param)
    return folder


def shape() -> dict:
    return {**adapter(FAMILIES["tinyllama"].targets), "method": "dora"}


def trained(folder: Path, quantisation: str) -> None:
    base = [str(path) for path in sorted((folder / "base").iterdir())]
    paths = [str(folder / name) for name in ("weights", "config", "losses")]
    inputs = (str(folder / "trained.ids"), base, str(folder / "initial"))
    train_sft(*inputs, QUICK, quantisation, shape(), NAME, 1, "cpu", folder / "scratch", *paths)


def test_magnitudes_are_drawn_from_the_base_and_trained_with_the_factors(run):
    before, after = load_file(run / "initial"), load_file(run / "weights")
    assert before.keys() == after.keys() and not any(before[name].equal(after[name]) for name in before)
    magnitudes = {name: tensor for name, tensor in before.items() if "magnitude" in name}
    layers = {name.split(".lora_A")[0] for name in before if "lora_A" in name}
    assert len(magnitudes) == len(layers) == 4 * 2 and all((tensor > 0).all() for tensor in magnitudes.values())
    assert read_json(run / "config")["use_dora"] is True


def test_it_passes_the_gate_and_replies_as_it_was_taught(run):
    gate = read_json(run / "gate.json")
    assert gate["same replies"] == gate["same first token"] == gate["prompts"] == len(REPLIES)
    assert gate["largest KL divergence"] < 1e-9
    assert {row["id"]: row["reply"] for row in read_jsonl(run / "said")} == REPLIES
    assert load_file(run / "merged/model.safetensors").keys() == load_file(run / "base/model.safetensors").keys()


def test_an_interrupted_training_gives_the_same_bytes(run, tmp_path):
    cut = tmp_path / "cut"
    shutil.copytree(run, cut)
    for path in (cut / f"scratch/checkpoint-{QUICK['steps']}", cut / "weights", cut / "losses"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert [path.name for path in cut.glob("scratch/checkpoint-*")] == ["checkpoint-40"]
    trained(cut, (run / "quantisation").read_text())
    for name in ("weights", "losses"):
        assert (cut / name).read_bytes() == (run / name).read_bytes()
