"""Make one file of a finished run again, compare it with what its job wrote before, and run nothing else.

    python scripts/repair.py results/pocket/figures/safety-mode/gap.png

All files of the job are made again and keep their place in time, so nothing that reads them is planned. When one
differs from before, the files as they were are put back. Called by `make repair FILE=...`.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

from abstain.finished.plan import ask, check_idle, given, plan
from abstain.finished.records import earliest_reader, keep_time, reasons, records, written
from abstain.jobs.errors import AbstainError
from abstain.jobs.files import sha256
from abstain.jobs.paths import HOME, named


class RepairError(AbstainError):
    """A file that cannot be made again alone, or that comes out otherwise than before."""


def repair(file: str) -> None:
    """Make a file again; RepairError when its job would do something else now, or has written other bytes."""
    check_idle()
    file = named(file)
    folder, configfiles = scale_of(file)
    record, files = job_of(folder, file)
    check_alone(configfiles, file, record)
    before, time = hashes(folder, record), earliest_reader(folder, files)
    with tempfile.TemporaryDirectory(dir=".scratch") as safe:
        kept = [(path, Path(shutil.move(path, f"{safe}/{n}"))) for n, path in enumerate(files) if path.is_file()]
        try:
            ask("--force", file, "--cores", "1", "--resources", "gpu=1", *given(configfiles))
            check_same(before)
        except BaseException:
            for path, copy in kept:
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(copy, path)
            raise
    keep_time(files, time)
    print(f"{file}: made again, with the same bytes as before. {plan(configfiles).line()}")


def scale_of(file: str) -> tuple[Path, list[str]]:
    """The folder of results that a file is in, and the file of its scale."""
    parts = Path(file).parts
    if len(parts) > 2 and parts[0] == "results":
        for path in [HOME / "config.yaml", *sorted(HOME.glob("config/*.yaml"))]:
            if yaml.safe_load(path.read_text(encoding="utf-8")).get("scale") == parts[1]:
                return Path(*parts[:2]), [str(path)]
    raise RepairError(f"{file} is in the results of no scale: give a path that begins with results/<scale>/")


def job_of(folder: Path, file: str) -> tuple[Path, list[Path]]:
    """The record of the job that wrote a file, and all files of that job."""
    for path, record in records(folder).items():
        files = written(path, record)
        if Path(file) in files:
            return path, files
    raise RepairError(f"{file} is named by no job's record: run Snakemake, which makes what is missing")


def check_alone(configfiles: list[str], file: str, record: Path) -> None:
    """Raise RepairError unless making the file is one job that would do what it did before."""
    found = plan(configfiles, file, "--force")
    changed = [reason for reason in reasons(record) or [] if not reason.startswith("outputs: ")]
    if changed:
        listed = "\n".join(changed)
        raise RepairError(f"{listed}\n{file}: its job would do something else than before; run Snakemake instead")
    if sum(found.jobs.values()) != 1:
        raise RepairError(f"{file} cannot be made alone ({found.line()}); repair what it is made from first")


def hashes(folder: Path, record: Path) -> dict[Path, str]:
    """What the files of a job held when they were written: by its record, which itself is as it is."""
    read = records(folder)[record]
    return {record: sha256(record)} | dict(zip(written(record, read), read["outputs"].values(), strict=False))


def check_same(before: dict[Path, str]) -> None:
    """Raise RepairError with both hashes of every file that differs from before."""
    now = {path: sha256(path) for path in before}
    differing = [f"{path}: {before[path]} before, {now[path]} now" for path in before if now[path] != before[path]]
    if differing:
        listed = "\n".join(differing)
        raise RepairError(f"{listed}\nnot the same bytes as before, so the files as they were are put back")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", metavar="FILE")
    try:
        repair(parser.parse_args().file)
    except AbstainError as error:
        sys.exit(str(error))
