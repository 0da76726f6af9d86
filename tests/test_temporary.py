"""Checkpoints that are not kept, really run: weights go once nothing reads them, and come back when wanted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Project, Settings
from plans import jobs, plan
from repositories import call, cloned, commit, committed, git, pull

from abstain.jobs.files import read_json, sha256

STUDY, RESULTS = "do-not-answer", "results/pocket"
ARMS = ("qlora", "again")  # the second starts from the first's checkpoint
FOLDERS = {arm: f"{RESULTS}/checkpoints/{STUDY}/{arm}/1" for arm in ARMS}
WEIGHTS = {arm: f"{folder}/model.safetensors" for arm, folder in FOLDERS.items()}
OTHERS = {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}


@pytest.fixture(scope="module")
def settings(small) -> Settings:
    """One study, in which an arm starts from another arm, at a scale that does not keep checkpoints."""
    changed = small.changed("checkpoints", "temporary").changed("studies/safety-mode", ...)
    arms = changed.asks(STUDY)["arms"]
    arms["again"] = {**arms["qlora"], "from": "qlora", "quantisation": "none"}
    changed.values(STUDY).update(compared=["base", *ARMS], scored={"refusal": {"detector": "exact"}})
    return changed


@pytest.fixture(scope="module")
def finished(tmp_path_factory, settings) -> Project:
    """Its finished run; tests change copies."""
    project = Project(tmp_path_factory.mktemp("temporary") / "project", settings)
    project.snakemake("--cores", "2")
    return project


@pytest.fixture
def copy(finished, tmp_path) -> Project:
    return Project.copied(finished.folder, tmp_path / "project")


def recorded(project: Project, arm: str) -> str:
    """The hash of an arm's weights, as their record says."""
    return read_json(project.folder / RESULTS / f"records/merge/{STUDY}/{arm}/1.json")["outputs"][WEIGHTS[arm]]


def verify(project: Project) -> tuple[int, str]:
    """Exit status and output of `make verify`."""
    command = [sys.executable, "scripts/verify.py", RESULTS]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_weights_are_gone_and_the_rest_of_the_run_is_there_and_listed(finished):
    for folder in FOLDERS.values():
        assert {path.name for path in (finished.folder / folder).iterdir()} == {*OTHERS, "gate.json"}
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=finished.folder / RESULTS, check=True)
    listed = {line[66:] for line in (finished.folder / RESULTS / "SHA256SUMS").read_text().splitlines()}
    there = {name.removeprefix(f"{RESULTS}/") for name in finished.files()}
    assert there - listed == {"SHA256SUMS", "environment.json", "records/checksum.json"} and listed < there
    assert len(recorded(finished, "qlora")) == 64


def test_a_second_run_has_nothing_to_do_and_nothing_is_left_over(finished):
    output = finished.snakemake("--cores", "1")
    assert "Nothing to be done" in output and "no job makes any more" not in output


def test_weights_that_are_asked_for_come_back_with_the_hash_of_the_record_and_those_of_the_last_stay(copy):
    before = copy.files()
    for arm in ARMS:
        assert jobs(copy.snakemake(WEIGHTS[arm], "--cores", "1")) == {f"merge {STUDY}/{arm}/1"}
        assert sha256(copy.folder / WEIGHTS[arm]) == recorded(copy, arm)
        assert "Nothing to be done" in plan(copy)
    files = copy.files()
    assert files.keys() - before.keys() == {WEIGHTS["again"]} and {name: files[name] for name in before} == before


def test_verify_lets_absent_weights_be_and_compares_those_that_are_there(copy):
    commit(copy.folder)
    status, output = verify(copy)
    assert status == 0 and output.rstrip().endswith(" identical, 2 not kept")
    call(copy.folder, ["python", "scripts/repair.py", WEIGHTS["qlora"]])
    status, output = verify(copy)
    assert status == 0 and output.rstrip().endswith(" identical, 1 not kept")
    weights = copy.folder / WEIGHTS["qlora"]
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    status, output = verify(copy)
    below = WEIGHTS["qlora"].removeprefix(f"{RESULTS}/")
    assert status == 1 and f"different  {below}" in output and f"{below} was changed after merge wrote it" in output


def test_another_file_of_the_checkpoint_is_repaired_without_its_weights(copy):
    gate = f"{FOLDERS['qlora']}/gate.json"
    (copy.folder / gate).unlink()
    output = call(copy.folder, ["python", "scripts/repair.py", gate])
    assert output == f"{gate}: made again, with the same bytes as before. Nothing to be done\n"
    assert not (copy.folder / WEIGHTS["qlora"]).exists()


def test_weights_that_somebody_asked_for_are_not_sent_and_pull_asks_for_none(finished, tmp_path):
    origin, remote = committed(finished, tmp_path / "origin"), tmp_path / "remote"
    with (origin.folder / ".dvcignore").open("a") as ignored:
        ignored.write(f"/{RESULTS}/checkpoints/**/model.safetensors\n")
    origin.snakemake(WEIGHTS["qlora"], "--cores", "1")
    call(origin.folder, "python scripts/push.py", ABSTAIN_REMOTE=str(remote))
    git(origin.folder, "add", "--all")
    git(origin.folder, "commit", "--quiet", "--message", "pushed")
    assert (origin.folder / WEIGHTS["qlora"]).exists()
    clone = cloned(origin, tmp_path / "clone")
    assert "jobs agree with their records.\nNothing to be done\n" in pull(clone, remote)
    assert clone.files() == finished.files() and "Nothing to be done" in plan(clone)


def test_a_run_that_is_killed_while_the_weights_are_there_goes_on_to_the_same_bytes(copy):
    before = copy.files()
    for name in before:
        if name.startswith(tuple(f"{RESULTS}/{place}/{STUDY}/qlora/" for place in ("predictions", "records/predict"))):
            (copy.folder / name).unlink()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    run = subprocess.Popen(copy.command("--cores", "1"), cwd=copy.folder, env=environment, **quiet)
    deadline = time.monotonic() + 1200
    while not (copy.folder / WEIGHTS["qlora"]).exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert (copy.folder / WEIGHTS["qlora"]).exists()
    copy.snakemake("--unlock")
    copy.snakemake("--cores", "1")
    assert copy.files() == before and "Nothing to be done" in plan(copy)
