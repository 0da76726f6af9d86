"""A run that is broken off: what is finished is kept, the rest goes on to the same bytes, and two studies never mix."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Project

ADAPTER = "results/pocket/adapters/safety-mode/qlora/1/adapter_model.safetensors"


@contextmanager
def at_work(project: Project, *arguments: str) -> Iterator[subprocess.Popen]:
    """Snakemake once a training is in its middle; it is killed with all that it started when the block ends.

    What it prints goes into the file `printed`.
    """
    environment = {**os.environ, "PATH": f"{Path(project.command()[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    with open(project.folder / "printed", "wb") as printed:
        run = subprocess.Popen(
            project.command(*arguments, "--cores", "1"),
            cwd=project.folder, env=environment, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + 1200
    try:
        while not list(project.folder.glob(".scratch/*/checkpoint-2/SEAL.json")):
            assert run.poll() is None, (project.folder / "printed").read_text()[-3000:]
            assert time.monotonic() < deadline, "no training has begun"
            time.sleep(0.05)
        yield run
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()


@pytest.fixture
def untrained(miniature, tmp_path) -> Project:
    """A copy of the finished run in which one training has not run yet."""
    project = Project.copied(miniature.folder, tmp_path / "project")
    shutil.rmtree((project.folder / ADAPTER).parent)
    return project


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_training_stopped_in_the_middle_resumes_to_the_same_adapter_and_losses(miniature, untrained, sent):
    with at_work(untrained, ADAPTER) as run:
        os.killpg(run.pid, sent)
        run.wait()
    assert not (untrained.folder / ADAPTER).exists()
    assert list(untrained.folder.glob(".scratch/*/checkpoint-*")), "the run was not stopped in the middle of training"
    untrained.snakemake("--unlock")
    untrained.snakemake(ADAPTER, "--cores", "1")
    for path in (ADAPTER, ADAPTER.replace("adapter_model.safetensors", "losses.csv")):
        assert (untrained.folder / path).read_bytes() == (miniature.folder / path).read_bytes(), path
    assert [path.name for path in untrained.folder.glob(".scratch/*")] == ["stamps"]


def predictions(project: Project) -> set[Path]:
    """The predictions that are there; the base's wait for no training."""
    return set(project.folder.glob("results/pocket/predictions/**/*.jsonl"))


def test_a_study_file_that_is_edited_while_a_run_is_on_stops_it_with_one_sentence(planned, small):
    study = planned.folder / small.values("safety-mode")["file"]
    with at_work(planned, "safety-mode") as run:
        before = predictions(planned)
        study.write_text(study.read_text() + "# edited\n")
        assert run.wait(timeout=1200) == 1
    logs = planned.folder / "logs/pocket"
    printed = (planned.folder / "printed").read_text()
    (log,) = [path for path in logs.rglob("*.log") if "has changed" in path.read_text()]
    assert log.read_text() == (
        f"{log.relative_to(logs).parts[0]}: config/studies/safety-mode.yaml has changed since this run began, so its "
        "jobs would mix two studies. The run stops; what is finished is kept. Run again to use the file as it is now.\n"
    )
    assert log.read_text() in printed and "Traceback" not in printed
    finished = list(planned.folder.glob("results/pocket/adapters/safety-mode/*/1/losses.csv"))
    assert len(finished) == 1 and predictions(planned) == before
