"""Record the large folders of a scale's finished results with DVC, and send them to a remote.

    ABSTAIN_REMOTE=<folder or address> python scripts/push.py [SCALE]

The remote is the one in ABSTAIN_REMOTE (a folder, ssh://..., s3://...), else DVC's default. Called by `make push`.
"""

import argparse
import os
import sys
from pathlib import Path

from abstain.finished.leftovers import counted
from abstain.finished.plan import check_idle, file_of, plan
from abstain.finished.remote import RemoteError, address_of, check_cache, record, repository, send, stages_of
from abstain.jobs.errors import AbstainError
from abstain.jobs.paths import HOME


def push(scale: str) -> None:
    """Send what is finished and whole; RemoteError, and nothing sent, when something is not."""
    folder, configfile, repo = Path("results", scale), file_of(scale), repository()
    stages = stages_of(repo, scale)
    check_idle()
    check_finished(folder, configfile)
    has_changed = record(repo, stages)
    check_cache(repo, stages)
    print(
        f"{send(repo, stages)} objects were sent to {address_of(repo)}, which now holds all that {folder} has of DVC."
    )
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scale", nargs="?", default="pocket", help="whose results, a scale of dvc.yaml")
    os.chdir(HOME)
    try:
        push(parser.parse_args().scale)
    except AbstainError as error:
        sys.exit(str(error))
