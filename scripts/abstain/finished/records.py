"""What the records of finished jobs say of the files: whether they are whole, and which time each may have."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from abstain.jobs.agreement import read_record
from abstain.jobs.files import sha256
from abstain.jobs.paths import found, named
from abstain.jobs.stamps import OLD

SECOND = 1_000_000_000  # nanoseconds


def records(folder: Path) -> dict[Path, dict]:
    """Every readable record below a scale's results, by its path."""
    read = {path: read_record(path) for path in sorted((folder / "records").rglob("*.json"))}
    return {path: record for path, record in read.items() if record}


def written(path: Path, record: dict) -> list[Path]:
    """Every file that a job wrote, its record too."""
    return [*map(found, record["outputs"]), path]


def not_kept(folder: Path) -> set[str]:
    """The files that a scale does not keep: what the job that lists the hashes leaves out."""
    record = read_record(folder / "records/checksum.json") or {"params": {}}
    return set(record["params"].get("not_kept", []))


def damage(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file of a record that is not as the job wrote it, and what is wrong."""
    temporary = not_kept(folder)
    for path, record in records(folder).items():
        for name, value in record["outputs"].items():
            if not found(name).is_file():
                if name not in temporary:
                    yield name, "is missing"
            elif sha256(found(name)) != value:
                yield name, f"is not what {path} says"


def stamp_of(record: Path) -> Path:
    """The stamp of the job that wrote a record: results/<scale>/records/<job>.json."""
    scale, _, *job = record.parts[record.parts.index("results") + 1 :]
    return Path(".scratch/stamps", scale, *job).with_suffix("") / "stamp"


def reasons(record: Path) -> list[str] | None:
    """Why a job is to be done again, as its stamp says; [] when its record agrees, None when nobody has compared it."""
    stamp = stamp_of(record)
    return stamp.read_text(encoding="utf-8").splitlines()[:-1] if stamp.is_file() else None


def forget_stamps(folder: Path) -> None:
    """Remove the stamps of a scale, so that those of the next plan are new."""
    for path in Path(".scratch/stamps", folder.name).rglob("*"):
        if path.is_file():
            path.unlink()


def set_times(folder: Path) -> tuple[int, int]:
    """Make the files of all jobs whose stamps agree newer than their inputs, and the files of other jobs old.

    All newer files get the same time, because Snakemake only asks whether an input is newer than an output. Returns the
    number of jobs that agree, and of the others.
    """
    jobs = records(folder)
    agreeing = [path for path in jobs if reasons(path) == []]
    outputs = {named(file) for path, record in jobs.items() for file in written(path, record)}
    read = {name for path in agreeing for key in ("inputs", "code") for name in jobs[path][key]} - outputs
    newest = max((found(name).stat().st_mtime_ns for name in read if found(name).is_file()), default=0)
    now = max(time.time_ns(), (newest // SECOND + 1) * SECOND)  # on a disk that keeps whole seconds too
    benchmarks = Path("benchmarks", folder.name)  # Snakemake counts a job's benchmark among its outputs
    keep_time([file for place in (folder, benchmarks) for file in place.rglob("*")], now)
    for path in jobs.keys() - set(agreeing):
        for file in written(path, jobs[path]):
            if file.is_file():
                os.utime(file, OLD)
    return len(agreeing), len(jobs) - len(agreeing)


def earliest_reader(folder: Path, files: list[Path]) -> int:
    """The time of the oldest file that was made from any of these, in nanoseconds; now where nothing was."""
    names = {named(file) for file in files}
    jobs = records(folder).items()
    derived = [file for path, record in jobs if names & record["inputs"].keys() for file in written(path, record)]
    return min((file.stat().st_mtime_ns for file in derived if file.is_file()), default=time.time_ns())


def keep_time(files: list[Path], time_ns: int) -> None:
    """Give a time to those files that are there."""
    for file in files:
        if file.is_file():
            os.utime(file, ns=(time_ns, time_ns))
