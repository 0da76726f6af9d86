"""What Snakemake would still do, asked with a dry run of the project's Snakefile in this folder."""

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from abstain.finished.leftovers import VARIABLE
from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_json
from abstain.jobs.paths import HOME

OUTPUT = re.compile(r"^ {4}output: (.*)$", re.MULTILINE)
STATISTICS = re.compile(r"^(\w+) +(\d+)$", re.MULTILINE)
REASON = re.compile(r"^results/[^/]+/records/(\S+)\.json: (.*)$", re.MULTILINE)


class SnakemakeError(AbstainError):
    """Snakemake failed; the message is what it printed."""


@dataclass(frozen=True)
class Plan:
    """What is still to be done for a scale."""

    jobs: dict[str, int]  # how many of each rule
    reasons: dict[str, list[str]]  # jobs whose records contradict the tree, by what differs
    leftovers: list[str]  # files that no job makes any more
    outputs: list[str] = field(default_factory=list)  # what the jobs would write

    def line(self) -> str:
        """The plan in one line."""
        listed = ", ".join(f"{number} {rule}" for rule, number in self.jobs.items())
        number = sum(self.jobs.values())
        counted = "1 job is" if number == 1 else f"{number} jobs are"
        return f"{counted} planned: {listed}" if self.jobs else "Nothing to be done"

    def why(self) -> list[str]:
        """What differs, a line each, with the jobs that it concerns."""
        return [
            f"{reason} ({jobs[0]}{f' and {len(jobs) - 1} more' * (len(jobs) > 1)})"
            for reason, jobs in self.reasons.items()
        ]


def plan(configfiles: list[str], *targets: str) -> Plan:
    """Ask for a plan of everything, or of targets; the stamps of its jobs are written anew."""
    output, found = _ask_for_leftovers("--dry-run", "--cores", "1", *targets, *configfile_options(configfiles))
    reasons = defaultdict(list)
    for job, reason in REASON.findall(output):
        reasons[reason].append(job)
    numbers = {} if "Nothing to be done" in output else dict(STATISTICS.findall(output))
    jobs = {rule: int(number) for rule, number in numbers.items() if rule not in ("all", "total")}
    outputs = [file for listed in OUTPUT.findall(output) for file in listed.split(", ")]
    return Plan(jobs, dict(reasons), found["files"], outputs)


def leftovers_of(configfiles: list[str]) -> tuple[str, list[str]]:
    """A scale's results, and the files in them that no job makes any more; nothing is planned or hashed for it."""
    found = _ask_for_leftovers("--list-rules", *configfile_options(configfiles))[1]
    return found["folder"], found["files"]


def _ask_for_leftovers(*arguments: str) -> tuple[str, dict]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "leftovers.json")
        return run_snakemake(*arguments, **{VARIABLE: str(place)}), read_json(place)


def configfile_options(configfiles: list[str]) -> list[str]:
    """Snakemake's option for the files of a scale, when it is not the default."""
    return ["--configfile", *configfiles] if configfiles else []


def run_snakemake(*arguments: str, **variables: str) -> str:
    """Run Snakemake with the project's Snakefile, and give all that it printed; SnakemakeError when it fails."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(HOME / "Snakefile"), *arguments]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(command, env={**os.environ, "PATH": path, **variables}, capture_output=True, text=True)
    if done.returncode:
        raise SnakemakeError((done.stdout + done.stderr).strip())
    return done.stdout + done.stderr


def check_idle() -> None:
    """Raise SnakemakeError while a Snakemake is at work in this folder."""
    if any(Path(".snakemake/locks").glob("*")):
        raise SnakemakeError("Snakemake is at work in this folder, or was killed: wait, or run `snakemake --unlock`")


def file_of(scale: str) -> str:
    """The file of a scale whose results are published, as dvc.yaml lists them; SnakemakeError for any other."""
    stages = yaml.safe_load((HOME / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    named = dict.fromkeys(item["config"] for stage in stages.values() for item in stage["foreach"].values())
    files = {yaml.safe_load((HOME / file).read_text(encoding="utf-8"))["scale"]: file for file in named}
    if scale not in files:
        raise SnakemakeError(f"no results of a scale {scale!r} are published; dvc.yaml lists {', '.join(files)}")
    return files[scale]
