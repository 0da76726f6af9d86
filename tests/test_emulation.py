"""The same bytes on another CPU: training steps on an emulated Intel Haswell, which has AVX2 and no AVX-512."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from abstain.jobs.numerics import EXACT

QEMU = shutil.which("qemu-x86_64")


@pytest.mark.skipif(QEMU is None, reason="no emulator of CPUs (Debian: apt-get install qemu-user)")
def test_two_training_steps_give_the_same_bytes_on_an_emulated_haswell():
    program = [sys.executable, str(Path(__file__).with_name("two_steps.py")), "pocket"]
    environment = {**os.environ, **EXACT, "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}"}
    found = [
        subprocess.run([*emulator, *program], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        for emulator in ([], [QEMU, "-cpu", "Haswell"])
    ]
    assert found[0] == found[1] and [line.split()[0] for line in found[0].splitlines()] == ["pocket"]
