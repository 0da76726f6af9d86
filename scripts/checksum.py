"""List the SHA-256 of every published file, taken from the records of the jobs that wrote them."""

import os
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_json, sha256, write_json, write_text
from abstain.jobs.machine import describe_machine


class ContradictionError(AbstainError):
    """Two records that cannot both be right."""


def checksum(records: list[str], not_kept: list[str], sums: str, environment: str) -> None:
    """Write `sha256sum`'s format, paths relative to the list's folder, sorted by path; records are listed too.

    Files that are not kept are not listed: their hashes stand in the records of their jobs.

    Beside it goes what no hash may depend on: builds of packages and the C library of the machine that wrote the list.
    """
    hashes = agreed_hashes({path: read_json(path) for path in records})
    hashes |= {path: sha256(path) for path in records}
    folder = Path(sums).parent
    lines = sorted((os.path.relpath(path, folder), value) for path, value in hashes.items() if path not in not_kept)
    write_json(environment, describe_machine())
    write_text(sums, "".join(f"{value}  {path}\n" for path, value in lines))


def agreed_hashes(records: dict[str, dict]) -> dict[str, str]:
    """The hash of every file that the records name as written; raises ContradictionError where two records part."""
    makers: dict[str, str] = {}
    hashes: dict[str, str] = {}
    for path, record in records.items():
        for name, value in record["outputs"].items():
            if hashes.setdefault(name, value) != value:
                raise ContradictionError(
                    f"{makers[name]} and {path} both say that their job wrote {name}, each with another hash: "
                    "delete the one whose job is no more, and run again"
                )
            makers.setdefault(name, path)
    for path, record in records.items():
        for name, value in record["inputs"].items():
            if hashes.get(name, value) != value:
                raise ContradictionError(
                    f"{path} says that its job read {name} with another hash than {makers[name]} says it was written "
                    "with: delete the first of these records and run again, so that its job reads what is there"
                )
    return hashes


if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:  # noqa: F821
        checksum(**job)
