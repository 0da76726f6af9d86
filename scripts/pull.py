"""Fetch the large folders of a scale's published results, check every byte, and let Snakemake know what is finished.

    ABSTAIN_REMOTE=<folder or address> python scripts/pull.py [SCALE]

The remote is the one in ABSTAIN_REMOTE, else DVC's default. Called by `make pull`.
"""

import argparse
import os
import sys
from pathlib import Path

from abstain.finished.plan import file_of, plan
from abstain.finished.records import records
from abstain.finished.remote import (
    RemoteError,
    address_of,
    check_cache,
    fetch,
    objects,
    put_in_place,
    repository,
    stages_of,
)
from abstain.finished.restore import check_bytes, restore
from abstain.jobs.errors import AbstainError
from abstain.jobs.paths import HOME, found

# Whose files may not be in a remote: what comes from outside, and what is read from that.
NOT_SENT = ("fetch", "fetch_base", "fetch_package", "unpack_base", "normalise")


def pull(scale: str) -> None:
    """Fetch and put in place what dvc.lock names; every file must be what its job's record says it is."""
    folder, configfiles, repo = Path("results", scale), [file_of(scale)], repository()
    stages = stages_of(repo, scale)
    check_cache(repo, stages)
    print(f"{fetch(repo, stages)} objects were fetched from {address_of(repo)}.")
    put_in_place(repo, stages)
    check_fetched(folder, configfiles[0])
    check_recorded(folder, {each.file for each in objects(repo, stages) if not each.md5.endswith(".dir")})
    check_bytes(folder)
    restore(folder, configfiles)
    print(plan(configfiles).line())


def check_fetched(folder: Path, configfile: str) -> None:
    """Raise RemoteError with the command that brings or makes what is not sent, where it is not here."""
    jobs = [record["outputs"] for record in records(folder).values() if record["rule"] in NOT_SENT]
    absent = [next((name for name in outputs if not found(name).is_file()), None) for outputs in jobs]
    if files := [name for name in absent if name]:
        command = f"snakemake {' '.join(files)} --cores 1 --configfile {configfile}"
        raise RemoteError(f"corpora and models from outside are not sent; bring them, and run this again:\n{command}")


def check_recorded(folder: Path, fetched: set[str]) -> None:
    """Raise RemoteError with every fetched file that no record names."""
    known = {name for record in records(folder).values() for name in record["outputs"]}
    if fetched - known:
        listed = "\n".join(f"{name}: no job's record names it" for name in sorted(fetched - known))
        raise RemoteError(f"{listed}\ndvc.lock and the records are of different runs; bring them back from one commit")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scale", nargs="?", default="pocket", help="whose results, a scale of dvc.yaml")
    os.chdir(HOME)
    try:
        pull(parser.parse_args().scale)
    except AbstainError as error:
        sys.exit(str(error))
