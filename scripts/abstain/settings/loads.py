"""What transformers finds in a base whose architecture is not in the table of tensors, asked before any job."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from abstain.jobs.files import digest, write_text
from abstain.jobs.paths import HOME
from abstain.settings.model_files import CONFIG, WEIGHTS, tensors

ANSWERS = Path(".scratch/fits")  # one for each configuration and header of weights: the question takes ten seconds
LIBRARIES = ("torch", "transformers")


def load_faults(folder: Path) -> Iterator[str]:
    """What does not fit, in one sentence that is led by a file's name; nothing where the libraries are not installed,
    as in an environment for planning alone: the tensors are then compared when the base is loaded.
    """
    if any(find_spec(library) is None for library in LIBRARIES):
        return
    answer = ANSWERS / f"{digest([(folder / CONFIG).read_text(encoding='utf-8'), tensors(folder / WEIGHTS)])}.txt"
    if not answer.is_file():
        write_text(answer, _asked(folder))
    if words := answer.read_text(encoding="utf-8").strip():
        yield words.removeprefix(f"{folder}/") if words.startswith(f"{folder}/") else f"{CONFIG}: {words}"


def _asked(folder: Path) -> str:
    command = [sys.executable, "-P", "-m", "abstain.models.fits", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(HOME / "scripts")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return (
        done.stdout if done.returncode == 0 else f"transformers cannot load it: {done.stderr.strip().splitlines()[-1]}"
    )
