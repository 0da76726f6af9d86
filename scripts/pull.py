"""Fetch the large folders of published results, check every byte, and let Snakemake know what is finished.

    ABSTAIN_REMOTE=<folder or address> python scripts/pull.py

The remote is the one in ABSTAIN_REMOTE, else DVC's default. Called by `make pull`.
"""

import os
import sys
from pathlib import Path

from abstain.finished.plan import plan, scales
from abstain.finished.records import records
from abstain.finished.remote import RemoteError, address_of, check_cache, fetch, objects, put_in_place, repository
from abstain.finished.restore import check_bytes, restore
from abstain.jobs.errors import AbstainError
from abstain.jobs.paths import HOME


def pull() -> None:
    """Fetch and put in place what dvc.lock names; every file must be what its job's record says it is."""
    folders = {Path("results", scale): config for scale, config in scales().items()}
    repo = repository()
    check_cache(repo)
    print(f"{fetch(repo)} objects were fetched from {address_of(repo)}.")
    put_in_place(repo)
    check_recorded(folders, {each.file for each in objects(repo) if not each.md5.endswith(".dir")})
    for folder, config in folders.items():
        check_bytes(folder)
        restore(folder, [config])
        print(plan([config]).line())


def check_recorded(folders: dict[Path, str], fetched: set[str]) -> None:
    """Raise RemoteError with every fetched file that no record names."""
    known = {name for folder in folders for record in records(folder).values() for name in record["outputs"]}
    if fetched - known:
        listed = "\n".join(f"{name}: no job's record names it" for name in sorted(fetched - known))
        raise RemoteError(f"{listed}\ndvc.lock and the records are of different runs; bring them back from one commit")


if __name__ == "__main__":
    os.chdir(HOME)
    try:
        pull()
    except AbstainError as error:
        sys.exit(str(error))
