"""The same bytes on another CPU: training steps on an emulated Intel Haswell, which has AVX2 and no AVX-512."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from tuned import POCKET
from wide import write_wide

from abstain.jobs.numerics import EXACT

QEMU = shutil.which("qemu-x86_64")
EMULATORS = [[], [QEMU, "-cpu", "Haswell"]]
needs_emulator = pytest.mark.skipif(QEMU is None, reason="no emulator of CPUs (Debian: apt-get install qemu-user)")


@needs_emulator
def test_two_training_steps_and_one_by_a_preference_give_the_same_bytes_on_an_emulated_haswell(tmp_path):
    bases = [str(POCKET), "nf4", str(write_wide(tmp_path)), "none"]
    found = [printed(emulator, "two_steps.py", *bases) for emulator in EMULATORS]
    assert found[0] == found[1] and len(set(found[0].splitlines())) == 2


@needs_emulator
def test_four_steps_with_8_bit_state_differ_on_an_emulated_haswell_in_the_last_places_at_most():
    """bitsandbytes takes square roots by torch.sqrt, whose last place depends on the CPU (CONTRIBUTING, Numerics)."""
    found = [json.loads(printed(emulator, "eight_bit_steps.py")) for emulator in EMULATORS]
    weights, state = ([[np.array(each) for each in one[key]] for one in found] for key in ("weights", "state"))
    for here, there in zip(*weights, strict=True):
        assert np.abs(here - there).max() < 1e-6
    for here, there in zip(*state, strict=True):
        assert np.abs(here - there).max() <= (1 if here.max() > 1 else 1e-6) and (here != there).mean() < 0.01


def printed(emulator: list[str], program: str, *arguments: str) -> str:
    """What a program of the tests prints on a CPU, in the exact numerics."""
    environment = {**os.environ, **EXACT, "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}"}
    command = [*emulator, sys.executable, str(Path(__file__).with_name(program)), *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
