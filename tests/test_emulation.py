"""The same bytes on another CPU: training steps on an emulated Intel Haswell, which has AVX2 and no AVX-512."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from tuned import POCKET

from abstain.jobs.numerics import EXACT
from abstain.settings.model_files import CONFIG, WEIGHTS

QEMU = shutil.which("qemu-x86_64")


@pytest.fixture
def smollm2(tmp_path) -> Path:
    """A base with the shapes of SmolLM2-135M, one of its thirty blocks, and weights drawn at random."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from abstain.models.loading import write_weights

    torch.manual_seed(1)
    config = LlamaConfig(
        architectures=["LlamaForCausalLM"], vocab_size=49152, hidden_size=576, intermediate_size=1536,
        num_hidden_layers=1, num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True, dtype="float32",
    )  # fmt: skip
    state = LlamaForCausalLM(config).state_dict()
    (tmp_path / CONFIG).write_text(config.to_json_string(use_diff=False), encoding="utf-8")
    write_weights(tmp_path / WEIGHTS, {name: state[name] for name in state if name != "lm_head.weight"})
    return tmp_path


@pytest.mark.skipif(QEMU is None, reason="no emulator of CPUs (Debian: apt-get install qemu-user)")
def test_two_training_steps_give_the_same_bytes_on_an_emulated_haswell(smollm2):
    bases = [str(POCKET), "nf4", str(smollm2), "none"]
    program = [sys.executable, str(Path(__file__).with_name("two_steps.py")), *bases]
    environment = {**os.environ, **EXACT, "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}"}
    found = [
        subprocess.run([*emulator, *program], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        for emulator in ([], [QEMU, "-cpu", "Haswell"])
    ]
    assert found[0] == found[1] and len(set(found[0].splitlines())) == 2
