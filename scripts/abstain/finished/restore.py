"""Bytes from elsewhere: checked against the records, and given times by which Snakemake plans what is right."""

import sys
from pathlib import Path

from abstain.finished.plan import check_idle, plan
from abstain.finished.records import damage, forget_stamps, set_times
from abstain.jobs.errors import AbstainError


class DamagedError(AbstainError):
    """Files that are not what their jobs wrote; the message names each."""


def check_bytes(folder: Path) -> None:
    """Raise DamagedError with every file that is missing, or is not what the record of its job says."""
    found = [f"{name} {what}" for name, what in damage(folder)]
    if found:
        raise DamagedError(
            "\n".join([*found, f"{folder}: no time was set; bring these files back, or delete them and run again"])
        )


def restore(folder: Path, configfiles: list[str]) -> None:
    """Compare every record with the tree, set the times of what agrees, and print what differs."""
    check_idle()
    forget_stamps(folder)
    found = plan(configfiles)
    agreeing, others = set_times(folder)
    for line in found.why():
        print(line, file=sys.stderr)
    print(f"{folder}: {agreeing} of {agreeing + others} jobs agree with their records.", flush=True)
