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
from typing import NamedTuple

import yaml

from abstain.finished.folder import enter
from abstain.finished.plan import Plan, SnakemakeError, check_idle, configfile_options, plan, run_snakemake
from abstain.finished.records import earliest_reader, keep_time, not_kept, reasons, records, written
from abstain.jobs.agreement import read_record
from abstain.jobs.errors import AbstainError
from abstain.jobs.files import sha256
from abstain.jobs.paths import HOME
from abstain.verdicts.causes import MACHINE
from abstain.verdicts.reference import ListError, find_reference

SAME = "with the same bytes as before"


class RepairError(AbstainError):
    """A file that cannot be made again alone, or that comes out otherwise than before."""


class Job(NamedTuple):
    """A job by what it wrote."""

    files: list[Path]  # all that it writes
    before: dict[Path, str]  # the hashes that files must have again, as far as they are known


def repair(file: str) -> None:
    """Make a file again; RepairError when its job would do something else now, or has written other bytes."""
    if not file:
        raise RepairError("FILE is missing: make repair FILE=results/...")
    (file,) = enter(file)
    check_idle()
    folder, configfiles = scale_of(file)
    is_lost = (folder / "records") in Path(file).parents and read_record(file) is None
    job = job_of_record(configfiles, file) if is_lost else job_of(folder, configfiles, file)
    time = earliest_reader(folder, job.files)
    unrequested = [path for path in job.files if str(path) in not_kept(folder) - {file} and not path.is_file()]
    make_again(configfiles, file, job)
    for path in unrequested:
        path.unlink(missing_ok=True)
    keep_time(job.files, time)
    how = judged(folder, Path(file)) if is_lost or Path(file) not in job.before else SAME
    print(f"{file}: made again, {how}. {plan(configfiles).line()}")


def make_again(configfiles: list[str], file: str, job: Job) -> None:
    """Run the job; when it fails, or its files are not as before, put the files as they were back, and raise."""
    Path(".scratch").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=".scratch") as safe:
        kept = [(path, Path(shutil.move(path, f"{safe}/{n}"))) for n, path in enumerate(job.files) if path.is_file()]
        try:
            run_snakemake("--force", file, "--cores", "1", "--resources", "gpu=1", *configfile_options(configfiles))
            check_same(job.before)
        except BaseException:
            for path in job.files:
                path.unlink(missing_ok=True)
            for path, copy in kept:
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(copy, path)
            raise


def scale_of(file: str) -> tuple[Path, list[str]]:
    """The folder of results that a file is in, and the file of its scale."""
    parts = Path(file).parts
    if len(parts) > 2 and parts[0] == "results":
        for path in [HOME / "config.yaml", *sorted(HOME.glob("config/*.yaml"))]:
            if yaml.safe_load(path.read_text(encoding="utf-8")).get("scale") == parts[1]:
                return Path(*parts[:2]), [str(path)]
    raise RepairError(f"{file} is in the results of no scale: give a path that begins with results/<scale>/")


def job_of(folder: Path, configfiles: list[str], file: str) -> Job:
    """The job whose record names a file; RepairError unless it would do what it did before, and alone.

    The description of the machine, which no record names, is of the job that lists the hashes.
    """
    for path, record in records(folder).items():
        files = written(path, record)
        if record["rule"] == "checksum":
            files.append(folder / MACHINE)
        if Path(file) in files:
            found = plan(configfiles, file, "--force")
            changed = [reason for reason in reasons(path) or [] if not reason.startswith("outputs: ")]
            if changed:
                listed = "\n".join(changed)
                words = "its job would do something else than before; run Snakemake instead"
                raise RepairError(f"{listed}\n{file}: {words}")
            check_alone(file, found)
            hashes = dict(zip(files, record["outputs"].values(), strict=False))
            return Job(files, {path: sha256(path)} | hashes)
    raise RepairError(f"{file} is named by no job's record: run Snakemake, which makes what is missing")


def job_of_record(configfiles: list[str], file: str) -> Job:
    """The job that Snakemake would do for a record that is lost; its files must come out as those that are there."""
    try:
        found = plan(configfiles, file, "--force")
    except SnakemakeError as error:
        if "MissingRuleException" in str(error):
            raise RepairError(f"{file} is the record of no job: give the path of a file that a job writes") from None
        raise
    check_alone(file, found)
    files = [Path(name) for name in found.outputs]
    kept = [path for path in files if path.is_file() and path.name != MACHINE and path != Path(file)]
    return Job(files, {path: sha256(path) for path in kept})


def check_alone(file: str, found: Plan) -> None:
    """Raise RepairError unless a file is made by one job."""
    if sum(found.jobs.values()) != 1:
        raise RepairError(f"{file} cannot be made alone ({found.line()}); repair what it is made from first")


def check_same(before: dict[Path, str]) -> None:
    """Raise RepairError with both hashes of every file that differs from before; one that is not kept may be gone."""
    now = {path: sha256(path) for path in before if path.is_file()}
    differing = [f"{path}: {before[path]} before, {value} now" for path, value in now.items() if value != before[path]]
    if differing:
        listed = "\n".join(differing)
        raise RepairError(f"{listed}\nnot the same bytes as before, so the files as they were are put back")


def judged(folder: Path, file: Path) -> str:
    """How a file that no record names compares with the published list, in words."""
    try:
        reference = find_reference(folder)
    except ListError:
        return "with nothing to compare it with"
    value = reference.hashes.get(str(file.relative_to(folder)))
    if value is None:
        return "with nothing to compare it with"
    return f"{'as' if value == sha256(file) else 'not as'} in the published list ({reference.source})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", metavar="FILE")
    try:
        repair(parser.parse_args().file)
    except AbstainError as error:
        sys.exit(str(error))
