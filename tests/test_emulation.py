"""The same bytes on another CPU: training steps on an emulated Intel Haswell, which has AVX2 and no AVX-512."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from tuned import POCKET
from wide import write_wide

from abstain.jobs.numerics import EXACT

QEMU = shutil.which("qemu-x86_64")
EMULATORS = [[], [QEMU, "-cpu", "Haswell"]]
needs_emulator = pytest.mark.skipif(QEMU is None, reason="no emulator of CPUs (Debian: apt-get install qemu-user)")


@needs_emulator
def test_two_training_steps_give_the_same_bytes_on_an_emulated_haswell(tmp_path):
    bases = [str(POCKET), "nf4", str(write_wide(tmp_path)), "none"]
    found = [printed(emulator, "two_steps.py", *bases) for emulator in EMULATORS]
    assert found[0] == found[1] and len(set(found[0].splitlines())) == 2


@needs_emulator
def test_four_steps_with_8_bit_state_give_the_same_bytes_on_an_emulated_haswell():
    found = [printed(emulator, "eight_bit_steps.py") for emulator in EMULATORS]
    assert found[0] == found[1] and len(found[0]) == 65


def printed(emulator: list[str], program: str, *arguments: str) -> str:
    """What a program of the tests prints on a CPU, in the exact numerics."""
    environment = {**os.environ, **EXACT, "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}"}
    command = [*emulator, sys.executable, str(Path(__file__).with_name(program)), *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
