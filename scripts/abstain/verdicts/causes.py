"""Causes: how the record of a job here differs from the published one, apart from inputs that other jobs made."""

import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

from abstain.jobs.packages import locked
from abstain.jobs.paths import found
from abstain.verdicts.contents import NOTHING, differences, short
from abstain.verdicts.reference import Reference

MACHINE = "environment.json"


class Cause(NamedTuple):
    """What parted: its kind, its name, and both values (hashes, of files)."""

    kind: str
    name: str
    before: object = None
    now: object = None

    def __str__(self) -> str:
        if self.kind in ("input", "code"):
            how = {(True, False): "is new", (False, True): "is no longer read"}
            change = how.get((self.before == NOTHING, self.now == NOTHING), "has changed")
            return f"{self.kind} {self.name} {change}"
        if self.kind in ("setting", "package", "numerics"):
            return f"{self.kind} {self.name}: {self.before} published, {self.now} here"
        return self.name


ABSENT = Cause("missing", "not here, neither made nor brought: a run of the scale makes what is missing")
NEW = Cause("job", "made by jobs that the published run does not have")
WITHOUT_RECORD = Cause("job", "its published record is in git alone, which cannot be asked")


def causes(before: dict, now: dict, files_of_jobs: set[str], reference: Reference) -> Iterator[Cause]:
    """Every difference of two records of a job, but what it read of other jobs and what it wrote."""
    for each in differences("", before["params"], now["params"]):
        yield Cause("setting", each.place, short(each.before), short(each.now))
    yield from packages(before, now, reference)
    for kind, key in (("code", "code"), ("input", "inputs")):
        for name in sorted(before[key].keys() | now[key].keys()):
            old, new = before[key].get(name, NOTHING), now[key].get(name, NOTHING)
            if old != new and name not in files_of_jobs and not _are_pins(name, old, new, reference):
                yield Cause(kind, name, old, new)
    for each in differences("", before["numerics"], now["numerics"]):
        yield Cause("numerics", each.place, short(each.before), short(each.now))
    for each in differences("", before.get("device"), now.get("device")):
        yield Cause("device", f"device: {each}")


def packages(before: dict, now: dict, reference: Reference) -> Iterator[Cause]:
    """The packages whose versions part: in the lock of the environment, or in what was declared otherwise."""
    old, new = versions(before, reference), versions(now, reference)
    otherwise = NOTHING
    if old is None or new is None:  # the text of a lock is gone: what was declared can still be compared
        old, new, otherwise = _declared(before), _declared(now), "as locked"
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield Cause("package", name, old.get(name, otherwise), new.get(name, otherwise))


def versions(record: dict, reference: Reference) -> dict[str, str] | None:
    """The version of each package that a job had, as far as its lock can still be read."""
    name = next((name for name in record["code"] if name.startswith("envs/")), "")
    pins = _pins(name, record["code"].get(name, ""), reference)
    return None if pins is None else pins | _declared(record)


def _declared(record: dict) -> dict[str, str]:
    match = record.get("packages", {}).get("match", True)
    return {} if match is True else dict(pin.split("==", 1) for pin in match)


def _pins(name: str, value: str, reference: Reference) -> dict[str, str] | None:
    """What an environment with this hash locks: as committed, or as it is here."""
    here = found(name) if name else None
    for content in (reference.of_project(name), here.read_bytes() if here and here.is_file() else None):
        if content is not None and hashlib.sha256(content).hexdigest() == value:
            return locked(content.decode())
    return None


def _are_pins(name: str, old: str, new: str, reference: Reference) -> bool:
    """Whether a file is an environment whose change the packages have named."""
    if not name.startswith("envs/"):
        return False
    one, other = (_pins(name, value, reference) for value in (old, new))
    return one is not None and other is not None and one != other


def machines(reference: Reference, here: dict | None) -> Cause:
    """The cause of other bytes from equal records: what differs between two machines, as far as they are described."""
    words = "other bytes from the same inputs, code, settings, packages and numerics"
    content = reference.committed(MACHINE)
    if content is None or here is None:
        return Cause("machine", f"{words}; there are no two descriptions of machines ({MACHINE}) to compare")
    parts = [str(each) for each in differences("", json.loads(content), here)]
    same = "Python, the C library and package builds are the same on both machines; compare the logs of both runs"
    return Cause(
        "machine", f"{words}; between the machines differ: {'; '.join(parts)}" if parts else f"{words}; {same}"
    )
