"""Repair: one file of a finished run is made again, compared with its record, and nothing else is run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Project
from plans import deleted, edited

from abstain.finished.plan import Plan
from abstain.jobs.files import sha256

RESULTS = "results/pocket"
EXAMPLES = f"{RESULTS}/splits/do-not-answer/test/examples.jsonl"
MACHINE = f"{RESULTS}/environment.json"
RECORD = f"{RESULTS}/records/calibrate/do-not-answer/test.json"


def repair(project: Project, file: str, folder: Path | None = None) -> tuple[int, str]:
    """Exit status and output of the program, called as `make repair` does, or from another folder."""
    command = [sys.executable, project.folder / "scripts/repair.py", file]
    done = subprocess.run(command, cwd=folder or project.folder, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(miniature, tmp_path_factory) -> Project:
    """A copy of a finished run; a test leaves it finished."""
    return Project.copied(miniature.folder, tmp_path_factory.mktemp("repair") / "project")


def times(project: Project) -> dict[str, int]:
    """The time of every log: a job that runs writes its own anew."""
    return {str(path): path.stat().st_mtime_ns for path in sorted((project.folder / "logs").rglob("*.log"))}


def ran(project: Project, before: dict[str, int]) -> list[str]:
    """The jobs that have run since, by their logs."""
    logs = [Path(path) for path, time in times(project).items() if before.get(path) != time]
    return [log.relative_to(project.folder / "logs/pocket").with_suffix("").as_posix() for log in logs]


def flip(path: Path) -> None:
    """Change one byte."""
    content = path.read_bytes()
    path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])


def test_a_lost_file_is_made_again_by_its_job_alone_and_nothing_is_planned_afterwards(project):
    before, logs = project.files(), times(project)
    (project.folder / EXAMPLES).unlink()
    status, output = repair(project, EXAMPLES)
    assert (status, output) == (0, f"{EXAMPLES}: made again, with the same bytes as before. Nothing to be done\n")
    assert ran(project, logs) == ["calibrate/do-not-answer/test"]
    assert project.files() == before
    assert "Nothing to be done" in project.snakemake("--cores", "1", "--dry-run")


def test_a_damaged_file_is_made_again(project):
    before = project.files()
    flip(project.folder / EXAMPLES)
    assert repair(project, EXAMPLES)[0] == 0
    assert project.files() == before


def test_a_file_that_comes_out_otherwise_is_refused_with_both_hashes_and_everything_is_put_back(project):
    """A record that says other bytes than the job writes: as if another machine had made them."""
    record = json.loads((project.folder / RECORD).read_text())
    written, other = record["outputs"][EXAMPLES], "0" * 64
    record["outputs"][EXAMPLES] = other
    with edited(project, RECORD, json.dumps(record)):
        before = project.files()
        status, output = repair(project, EXAMPLES)
        assert project.files() == before
    assert status == 1
    assert f"{EXAMPLES}: {other} before, {written} now\n" in output and "put back" in output


def test_a_file_whose_job_would_do_something_else_now_is_refused_with_the_reason(project):
    before, logs = project.files(), times(project)
    with edited(project, "scripts/calibrate.py"):
        status, output = repair(project, EXAMPLES)
    assert status == 1
    assert output.startswith("code: scripts/calibrate.py has changed\n") and "would do something else" in output
    assert project.files() == before and ran(project, logs) == []


def test_a_file_that_cannot_be_made_alone_is_refused_and_nothing_is_run(project):
    before, logs = project.files(), times(project)
    with deleted(project, f"{RESULTS}/corpora/safety-requests/examples.jsonl"):
        status, output = repair(project, EXAMPLES)
    assert status == 1 and "1 normalise" in output and "repair what it is made from first" in output
    assert project.files() == before and ran(project, logs) == []


def test_a_lost_record_is_made_again_by_its_job_alone_and_it_is_said_that_nothing_is_there_to_compare_it(project):
    before, logs = project.files(), times(project)
    (project.folder / RECORD).unlink()
    said = f"{RECORD}: made again, with nothing to compare it with. Nothing to be done\n"
    assert repair(project, RECORD) == (0, said)
    assert ran(project, logs) == ["calibrate/do-not-answer/test"] and project.files() == before


def test_a_lost_record_whose_files_come_out_otherwise_is_refused_and_everything_is_put_back(project):
    times = (project.folder / EXAMPLES).stat()
    with deleted(project, RECORD):
        flip(project.folder / EXAMPLES)
        before = project.files()
        status, output = repair(project, RECORD)
        assert status == 1 and f"{EXAMPLES}: " in output and "put back" in output and project.files() == before
        flip(project.folder / EXAMPLES)
        os.utime(project.folder / EXAMPLES, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_lost_record_is_compared_with_the_published_list(project):
    lists = project.folder / "published"
    lists.mkdir()
    kept = {name: sha256(project.folder / name) for name in (RECORD, EXAMPLES)}
    names = {name.removeprefix(f"{RESULTS}/"): value for name, value in kept.items()}
    for value, words in ((kept[RECORD], "as"), ("0" * 64, "not as")):
        names[RECORD.removeprefix(f"{RESULTS}/")] = value
        (lists / "pocket.sha256").write_text("".join(f"{value}  {name}\n" for name, value in names.items()))
        (project.folder / RECORD).unlink()
        status, output = repair(project, RECORD)
        assert (status, sha256(project.folder / RECORD)) == (0, kept[RECORD])
        assert f"{RECORD}: made again, {words} in the published list (published/pocket.sha256, which no" in output
    shutil.rmtree(lists)


def test_the_description_of_the_machine_is_made_again_by_the_job_that_lists_the_hashes(project):
    before, logs = project.files(), times(project)
    (project.folder / MACHINE).unlink()
    assert repair(project, MACHINE)[0] == 0
    assert ran(project, logs) == ["checksum"] and project.files() == before


@pytest.mark.parametrize("how", ["by its whole path", "from another folder", "from a folder of the project"])
def test_a_file_is_made_again_from_wherever_it_is_named(project, tmp_path, how):
    before = project.files()
    (project.folder / EXAMPLES).unlink()
    folder, file = tmp_path, EXAMPLES
    if how == "by its whole path":
        file = str(project.folder / EXAMPLES)
    if how == "from a folder of the project":
        folder, file = project.folder / "results", EXAMPLES.removeprefix("results/")
    assert repair(project, file, folder)[0] == 0
    assert project.files() == before and not list(tmp_path.iterdir())


def test_without_a_file_it_is_said_how_one_is_named(project):
    assert repair(project, "") == (1, "FILE is missing: make repair FILE=results/...\n")


def test_one_job_is_counted_as_one():
    assert Plan({"plot": 1}, {}, []).line() == "1 job is planned: 1 plot"
    assert Plan({"plot": 1, "render": 1}, {}, []).line() == "2 jobs are planned: 1 plot, 1 render"


@pytest.mark.parametrize(
    "file",
    ["config.yaml", "results/nothing/README.md", f"{RESULTS}/adapters/none.json", f"{RESULTS}/records/none.json"],
)
def test_a_file_of_no_job_is_refused_in_one_sentence(project, file):
    status, output = repair(project, file)
    assert status == 1 and len(output.splitlines()) == 1
