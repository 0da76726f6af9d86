"""How the tree differs from the records of the results here, which are then old."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from abstain.jobs.agreement import read_record
from abstain.jobs.errors import AbstainError
from abstain.jobs.files import sha256
from abstain.jobs.packages import others
from abstain.jobs.paths import HOME, MADE, found
from abstain.settings.files import Document, file_faults
from abstain.settings.studies import read_scale
from abstain.studies.check import resolved_studies
from abstain.verdicts.contents import differences, short


def old_since(folder: Path) -> dict[str, int]:
    """What has changed since the results here were made, in one sentence each, and the number of jobs that it concerns.

    Code, inputs that no job makes, packages that are installed, settings; Snakemake runs these jobs again.
    """
    records = {path: read_record(path) for path in sorted((folder / "records").rglob("*.json"))}
    kept = [record for record in records.values() if record is not None]
    changes = Counter(sentence for record in kept for sentence in _files(record))
    environments = Counter(name for record in kept for name in record["code"] if name.startswith("envs/"))
    for name, jobs in environments.items():
        changes.update(dict.fromkeys(_packages(found(name)), jobs))
    settled = records.get(folder / "records/resolve.json")
    return dict(changes) | dict.fromkeys(_settings(folder, settled) if settled else [], 1)


def _files(record: dict) -> Iterator[str]:
    for kind, key in (("code", "code"), ("input", "inputs")):
        for name, value in record[key].items():
            if not name.startswith(tuple(f"{place}/" for place in MADE)):
                path = found(name)
                if not path.is_file():
                    yield f"{kind} {name} is gone"
                elif _hash(path) != value:
                    yield f"{kind} {name} has changed"


@cache
def _hash(path: Path) -> str:
    return sha256(path)


def _packages(environment: Path) -> Iterator[str]:
    if environment.is_file():
        for name, version, wanted in others(environment):
            yield f"package {name}: {wanted} in the lock, {version or 'nothing'} installed"


def _settings(folder: Path, record: dict) -> Iterator[str]:
    """The settings of the scale that its files now give differently from the record of the job `resolve`."""
    for path in (HOME / "config.yaml", *sorted((HOME / "config").glob("*.yaml"))):
        path = Path(os.path.relpath(path))
        if faults := file_faults(path):
            yield f"settings: {faults[0]}"
            continue
        config = Document(path).value
        if config.get("scale") != folder.resolve().name:
            continue
        try:
            studies = resolved_studies(config, read_scale(config, [path], HOME), [path], HOME)
        except AbstainError as error:
            yield f"settings: {error}"
            continue
        scale = {key: config.get(key) for key in record["params"]["scale"]}
        now = json.loads(json.dumps({"scale": scale, "studies": studies}))
        for each in differences("", record["params"], now):
            yield f"setting {each.place}: {short(each.before)} in the results, {short(each.now)} now"
