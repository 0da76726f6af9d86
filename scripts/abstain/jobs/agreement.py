"""Whether what a job's record says is still so: what the job read, ran, was given and wrote."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_json, sha256
from abstain.jobs.numerics import EXACT
from abstain.jobs.packages import environment_of, expected
from abstain.jobs.paths import found, named


def contradictions(record: dict, code: set[str], inputs: set[str], params: dict) -> Iterator[str]:
    """What of a record is no longer so, each in one sentence; `code` and `inputs` are files as records name them."""
    yield from _differing("params", record["params"], json.loads(json.dumps(params)))
    yield from _differing("numerics", record["numerics"], {**EXACT, **_lifted(record)})
    match = record.get("packages", {}).get("match", "nothing")  # in a record of an older version
    yield from _differing("packages.match", match, expected(found(environment_of(code)))["match"])
    for what, now in (("code", code), ("inputs", inputs)):
        yield from (f"{what}: {name} is new" for name in sorted(now - record[what].keys()))
        yield from (f"{what}: {name} is no longer read" for name in sorted(record[what].keys() - now))
        yield from (
            f"{what}: {name} has changed" for name in sorted(now & record[what].keys()) if _changed(name, record[what])
        )
    yield from (
        f"outputs: {name} is not what the job wrote" for name in record["outputs"] if _changed(name, record["outputs"])
    )


def _lifted(record: dict) -> dict:
    """What a job that fetches may set otherwise: its network."""
    return {"HF_HUB_OFFLINE": record["numerics"].get("HF_HUB_OFFLINE")} if record["rule"].startswith("fetch") else {}


def _changed(name: str, hashes: dict[str, str]) -> bool:
    """Whether a file has other bytes or, where it is not there, was last written with others."""
    path = found(name)
    now = _hash(path) if path.is_file() else _last_written(path).get(name)
    return now not in (None, hashes[name])


def _last_written(path: Path) -> dict[str, str]:
    """The hash of every file that jobs wrote in the results to which a path belongs, as their records say."""
    place = next((parent for parent in path.parents if parent.parent.name == "results"), None)
    return _outputs_of_all(place / "records") if place else {}


@cache
def _outputs_of_all(folder: Path) -> dict[str, str]:
    records = (read_record(path) for path in sorted(folder.rglob("*.json")))
    return {name: value for record in records if record for name, value in record["outputs"].items()}


@cache
def _hash(path: Path) -> str:
    return sha256(path)


def _differing(place: str, before, now) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            yield from _differing(f"{place}.{key}", before.get(key, "nothing"), now.get(key, "nothing"))
    elif before != now:
        yield f"{place}: {_short(before)} in the record, {_short(now)} now"


def _short(value) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_record(path: str | Path) -> dict | None:
    """A job's record; None where the file is missing, or is not one that a job can have written."""
    try:
        record = read_json(path)
        return (
            record
            if isinstance(record, dict) and {"params", "code", "inputs", "outputs", "numerics", "rule"} <= record.keys()
            else None
        )
    except (OSError, ValueError):
        return None


class ChangedFileError(AbstainError):
    """A file that is not what its maker's record says."""


def check_makers(read: dict[str, str], record: str | Path) -> None:
    """Raise ChangedFileError when a file that a job reads, by its hash, is not what the job wrote that made it.

    So it is too when only a record of an older version names the file. `record` is the path of the job's own record;
    those of all other jobs are in the same folder `records`. A record that names no file is passed over.
    """
    folder = next(parent for parent in Path(record).parents if parent.name == "records")
    known, older = set(), set()
    for path in sorted(folder.rglob("*.json")):
        maker = read_record(path)
        if maker is None or "packages" not in maker:
            older |= read.keys() & {named(path), *_outputs(path)}
            continue
        known |= {named(path), *maker["outputs"]}
        for name, value in maker["outputs"].items():
            if read.get(name, value) != value:
                raise ChangedFileError(
                    f"{name} has changed since {maker['rule']} made it: bring it back, or delete it and run again"
                )
    for name in sorted(older - known):
        raise ChangedFileError(f"{name}: its record is of an older version; make it again with `make reproduce`")


def _outputs(path: Path) -> set[str]:
    """The files that a record of any version names as written; none where it cannot be read."""
    try:
        return set(read_json(path)["outputs"])
    except (OSError, ValueError, LookupError, TypeError):
        return set()
