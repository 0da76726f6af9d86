"""A base of an architecture outside the table of tensors: what transformers misses in it is said before any job."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tuned import POCKET

from abstain.settings import loads
from abstain.settings.bases import folder_faults
from abstain.settings.tensor_names import is_listed

NORM = "model.norm.weight"


@pytest.fixture
def base(tmp_path, monkeypatch) -> Path:
    """A small OLMo 2 with the pocket model's tokenizer."""
    from transformers import AutoModelForCausalLM, Olmo2Config

    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "olmo"
    shutil.copytree(POCKET, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json", "README.md"))
    shape = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = Olmo2Config(**shape, vocab_size=4096, architectures=["Olmo2ForCausalLM"])
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    assert not is_listed(config.to_dict())
    return folder


def rewritten(folder: Path, change) -> list[str]:
    """What is said of the base once its weights have been changed."""
    weights = folder / "model.safetensors"
    save_file(change(load_file(weights)), weights, metadata={"format": "pt"})
    return list(folder_faults(folder))


def test_a_whole_base_passes_and_is_asked_once(base, monkeypatch):
    assert list(folder_faults(base)) == []
    monkeypatch.setattr(loads, "_run_check", None)  # would be called
    assert list(folder_faults(base)) == []


def test_a_question_that_was_broken_off_is_said_in_one_line_and_asked_again(base, monkeypatch):
    killed = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    with monkeypatch.context() as patch:
        patch.setattr(loads, "_run_check", lambda folder: subprocess.run(killed, capture_output=True, text=True))
        assert list(folder_faults(base)) == ["config.json: transformers cannot load the model: exit status -9"]
    assert list(folder_faults(base)) == []


def test_an_answer_says_nothing_of_the_folder_in_which_the_base_was(base):
    (said,) = rewritten(base, lambda state: {name: state[name] for name in state if name != NORM})
    assert list(folder_faults(base.rename(base.with_name("moved")))) == [said]


def test_a_tensor_that_is_missing_too_many_or_of_another_shape_is_named(base):
    whole = load_file(base / "model.safetensors")
    (said,) = rewritten(base, lambda state: {name: state[name] for name in state if name != NORM})
    assert said.startswith(f"model.safetensors lacks {NORM}, so the model would not be the one that was saved")
    (said,) = rewritten(base, lambda _: {**whole, "model.extra.weight": torch.ones(3)})
    assert "model.extra.weight, so the model" in said and said.endswith("that belong together")
    (said,) = rewritten(base, lambda _: {**whole, NORM: torch.ones(3)})
    assert f"has in another shape {NORM} (3,) for (64,)" in said


def test_what_transformers_stumbles_over_is_said_in_one_line(base):
    (base / "config.json").write_text(
        '{"model_type": "olmo2", "architectures": ["Olmo2ForCausalLM"], "vocab_size": "x"}'
    )
    (said,) = folder_faults(base)
    assert said.startswith("config.json ") and "Traceback" not in said and "\n" not in said


def test_without_the_libraries_nothing_is_said_before_the_base_is_loaded(base, monkeypatch):
    monkeypatch.setattr(loads, "find_spec", lambda name: None)
    assert rewritten(base, lambda state: {name: state[name] for name in state if name != NORM}) == []
