"""Record the large folders of finished results with DVC, and send them to a remote.

    ABSTAIN_REMOTE=<folder or address> python scripts/push.py

The remote is the one in ABSTAIN_REMOTE (a folder, ssh://..., s3://...), else DVC's default. Called by `make push`.
"""

import os
import sys
from pathlib import Path

from abstain.finished.leftovers import counted
from abstain.finished.plan import check_idle, plan, scales
from abstain.finished.remote import RemoteError, address_of, check_cache, record, repository, send
from abstain.jobs.errors import AbstainError
from abstain.jobs.paths import HOME


def push() -> None:
    """Send what is finished and whole; RemoteError, and nothing sent, when something is not."""
    repo = repository()
    check_idle()
    for scale, config in scales().items():
        check_finished(Path("results", scale), config)
    has_changed = record(repo)
    check_cache(repo)
    print(f"{send(repo)} objects were sent to {address_of(repo)}, which now holds all that dvc.lock names.")
    if has_changed:
        print("dvc.lock has changed: commit it together with SHA256SUMS.")


def check_finished(folder: Path, config: str) -> None:
    """Raise RemoteError when something is still to be done for a scale, or is left over."""
    found = plan([config])
    if found.jobs:
        raise RemoteError(f"{folder} is not finished ({found.line()}), so nothing was sent; run `make reproduce` first")
    if found.leftovers:
        files = counted(found.leftovers)
        raise RemoteError(f"{folder}: {files} that no job makes any more, so nothing was sent; run `make tidy` first")


if __name__ == "__main__":
    os.chdir(HOME)
    try:
        push()
    except AbstainError as error:
        sys.exit(str(error))
