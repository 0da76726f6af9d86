"""Files that a scale does not keep: their hashes stand in the records of their jobs, and not in the list."""

import json
from pathlib import Path
from typing import NamedTuple

from abstain.jobs.agreement import read_record
from abstain.jobs.files import sha256
from abstain.verdicts.reference import Reference

CHECKSUM, RECORDS = "records/checksum.json", "records/"


class Temporary(NamedTuple):
    """What is known of a file that may be absent: the hash in the published record, and that in the one here."""

    published: str
    here: str | None


def temporary(folder: Path, reference: Reference) -> dict[str, Temporary]:
    """The files that the published run does not keep, by path below the folder of results."""
    names = published_record(folder, CHECKSUM, reference).get("params", {}).get("not_kept", [])
    if not names:
        return {}
    records = [path for path in reference.hashes if path.startswith(RECORDS)]
    published = _outputs(published_record(folder, path, reference) for path in records)
    here = _outputs(read_record(folder / path) or {} for path in records)
    return {_below(name): Temporary(published[name], here.get(name)) for name in names if name in published}


def published_record(folder: Path, path: str, reference: Reference) -> dict:
    """A record as it was published: the one here where its hash is right, else what Git has; empty without either."""
    file = folder / path
    is_here = file.is_file() and sha256(file) == reference.hashes.get(path)
    content = file.read_bytes() if is_here else reference.read(path)
    return json.loads(content) if content is not None else {}


def _outputs(records) -> dict[str, str]:
    return {name: value for record in records for name, value in record.get("outputs", {}).items()}


def _below(name: str) -> str:
    return "/".join(name.split("/")[2:])
