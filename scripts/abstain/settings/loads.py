"""What transformers finds in a base whose architecture is not in the table of tensors, asked before any job."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from abstain.jobs.files import digest, write_text
from abstain.jobs.paths import HOME
from abstain.settings.model_files import CONFIG, WEIGHTS, tensors

CACHE = Path(".scratch/fits")  # an answer for each question, because asking means to import torch and transformers
LIBRARIES = ("torch", "transformers")


def load_faults(folder: Path) -> Iterator[str]:
    """What does not fit, in one sentence that is led by a file's name; nothing where the libraries are not installed,
    as in an environment for planning alone: the tensors are then compared when the base is loaded.
    """
    if any(find_spec(library) is None for library in LIBRARIES):
        return
    cache_key = [(folder / CONFIG).read_text(encoding="utf-8"), tensors(folder / WEIGHTS), [*map(version, LIBRARIES)]]
    answer = CACHE / f"{digest(cache_key)}.txt"
    if not answer.is_file():
        done = _run_check(folder)
        if done.returncode:  # not kept: another time it may be otherwise
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            yield f"{CONFIG}: transformers cannot load the model: {lines[-1]}"
            return
        write_text(answer, done.stdout.strip().removeprefix(f"{folder}/"))
    if words := answer.read_text(encoding="utf-8"):
        yield words if words.startswith((CONFIG, WEIGHTS)) else f"{CONFIG}: {words}"


def _run_check(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-P", "-m", "abstain.models.fits", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(HOME / "scripts")}
    return subprocess.run(command, env=environment, capture_output=True, text=True)
