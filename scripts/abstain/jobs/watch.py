"""Study files are read when a run begins and by every job that parses the Snakefile again: they must not part."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import canonical, sha256

VARIABLE = "ABSTAIN_STUDY_FILES"  # what the study files held when the run began; jobs inherit it, on SLURM too


class ChangedError(AbstainError):
    """A study file that is no longer what it was when the run began."""


def remember(paths: Iterable[str | Path]) -> None:
    """Note the hashes of the study files for every job of this run."""
    os.environ[VARIABLE] = canonical({str(Path(path).resolve()): sha256(path) for path in paths})


def check_unchanged() -> None:
    """Raise ChangedError when a study file has changed, or has gone, since the run began."""
    for path, value in json.loads(os.environ.get(VARIABLE, "{}")).items():
        if not Path(path).is_file() or sha256(path) != value:
            raise ChangedError(
                f"{os.path.relpath(path)} has changed since this run began, so its jobs would mix two studies. "
                "The run stops; what is finished is kept. Run again to use the file as it is now."
            )
