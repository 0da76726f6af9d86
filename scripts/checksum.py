"""List the SHA-256 of every published file, taken from the records of the jobs that wrote them."""

import os
from pathlib import Path

from abstain.files import read_json, sha256, write_text


def checksum(records: list[str], sums: str) -> None:
    """Write `sha256sum`'s format, paths relative to the list's folder, sorted by path; records are listed too."""
    folder = Path(sums).parent
    hashes = {path: value for record in records for path, value in read_json(record)["outputs"].items()}
    hashes |= {path: sha256(path) for path in records}
    lines = sorted((os.path.relpath(path, folder), value) for path, value in hashes.items())
    write_text(sums, "".join(f"{value}  {path}\n" for path, value in lines))


if __name__ == "__main__":
    from abstain.job import recorded

    with recorded(snakemake) as job:  # noqa: F821
        checksum(**job)
