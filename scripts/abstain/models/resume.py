"""Training that survives kill -9: checkpoints sealed by a list of hashes, and a start from the newest sealed one.

Trainer writes checkpoints in place, so a half-written one would break every retry. A seal is written last and synced;
a checkpoint without a valid seal is moved aside. Checkpoints live in a scratch folder that Snakemake does not know.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from abstain.jobs.files import sha256
from abstain.jobs.progress import Progress

SEAL = "SEAL.json"


def train_resumable(trainer, scratch: Path) -> None:
    """Train from the newest sealed checkpoint in `scratch` or from the start; exits with 143 after SIGTERM.

    The caller removes `scratch` once the results are published.
    """
    guard = sealing()
    trainer.add_callback(guard)
    trainer.add_callback(reporting())
    trainer.train(resume_from_checkpoint=newest_sealed(scratch))
    if guard.terminated:
        sys.exit(143)


def sealing():
    """A callback that seals each checkpoint after it is saved; after SIGTERM it saves once more and ends training."""
    from transformers import TrainerCallback

    class Sealed(TrainerCallback):
        """Trainer calls its methods by their names."""

        terminated = False

        def terminate(self, number, frame):
            """Remember that the job is to end; the step under way is finished first."""
            self.terminated = True

        def on_step_end(self, args, state, control, **kwargs):
            """Ask for a last checkpoint when the job is to end."""
            if self.terminated:
                control.should_save = control.should_training_stop = True
            return control

        def on_save(self, args, state, control, **kwargs):
            """Seal the new checkpoint."""
            seal(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    guard = Sealed()
    signal.signal(signal.SIGTERM, guard.terminate)
    return guard


def reporting():
    """A callback for Trainer that reports each optimiser step; those of a run that was broken off count as done."""
    from transformers import TrainerCallback

    class Reporting(TrainerCallback):
        """Trainer calls its methods by their names."""

        def on_train_begin(self, args, state, control, **kwargs):
            """Start the clock."""
            self.progress = Progress("step", [1] * state.max_steps, state.global_step)

        def on_step_end(self, args, state, control, **kwargs):
            """Report the step."""
            self.progress.reached(state.global_step)

    return Reporting()


def seal(folder: Path) -> None:
    """Write the hashes of all files of a checkpoint, last and synced."""
    sums = {str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    with (folder / SEAL).open("w") as file:
        json.dump(sums, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())


def newest_sealed(scratch: Path) -> str | None:
    """The newest checkpoint whose seal is valid; one without a valid seal is renamed to `broken-...`."""
    found = None
    for folder in sorted(scratch.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]), reverse=True):
        if found is None and _is_sealed(folder):
            found = str(folder)
        elif not _is_sealed(folder):
            shutil.rmtree(scratch / f"broken-{folder.name}", ignore_errors=True)
            folder.rename(scratch / f"broken-{folder.name}")
    return found


def _is_sealed(folder: Path) -> bool:
    try:
        sums = json.loads((folder / SEAL).read_text())
        return bool(sums) and all(sha256(folder / name) == value for name, value in sums.items())
    except (OSError, ValueError):
        return False
