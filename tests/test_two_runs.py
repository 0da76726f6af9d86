"""Two runs at once in one folder: the second stops with one message and leaves the first alone."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT, Project, Settings


@pytest.fixture
def stuck(tmp_path) -> Iterator[Project]:
    """A project whose first job waits for a server that never answers."""
    settings = Settings.read(ROOT / "config/paper.yaml")
    with socket.create_server(("127.0.0.1", 0)) as server:
        for corpus in settings.scale["corpora"].values():
            for file in (file for file in corpus["files"].values() if "url" in file):
                file["url"] = f"https://127.0.0.1:{server.getsockname()[1]}/file"
        project = Project(tmp_path / "project", settings)
        shutil.copy(ROOT / "Makefile", project.folder)
        shutil.copytree(ROOT / "requirements", project.folder / "requirements")
        (project.folder / ".venv").mkdir()
        (project.folder / ".venv/.complete").touch()  # make finds an environment; the tests' own is behind it in PATH
        yield project


def snakemake_holds_the_folder(project: Project) -> bool:
    return bool(list(project.folder.glob(".snakemake/locks/*.lock")))


def make_holds_the_folder(project: Project) -> bool:
    """Whether a process holds the lock of `make reproduce`; asked of the kernel, for to try it would be to take it."""
    lock = project.folder / ".reproduce.lock"
    return lock.exists() and f":{lock.stat().st_ino} " in Path("/proc/locks").read_text()


@contextmanager
def running(project: Project, *command: str, once: Callable[[Project], bool]) -> Iterator[int]:
    """A command at work in the project until the block ends; then it is killed with all that it started.

    The block starts `once` the command holds the folder.
    """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "CORES": "1"}
    environment.pop("ABSTAIN_MIRROR", None)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen(command, cwd=project.folder, env=environment, **quiet)
    try:
        deadline = time.monotonic() + 120
        while not once(project):
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline, "it never took the folder"
            time.sleep(0.02)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def second(project: Project, *command: str) -> tuple[int, str]:
    """Exit status and words of a second command in the same folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=project.folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


def test_a_second_run_at_once_stops_with_one_message_and_leaves_the_first_alone(stuck):
    target = "results/paper/raw/do-not-answer/questions"
    snakemake = stuck.command(target, "--cores", "1")
    with running(stuck, *snakemake, once=snakemake_holds_the_folder) as first:
        status, said = second(stuck, *snakemake)
        assert status == 1 and "Traceback" not in said
        assert said.count("cannot be locked") == 1 and str(stuck.folder) in said and "--unlock" in said
        status, said = second(stuck, "make", "reproduce")
        assert status != 0 and str(first) in said
        assert re.search(rf"^Snakemake \(process .*\) is at work in {stuck.folder}; wait", said, re.MULTILINE)
        assert list(stuck.folder.glob(".snakemake/locks/*.lock")), "the lock of a run at work was taken away"
    assert list(stuck.folder.glob(".snakemake/locks/*.lock")), "kill -9 leaves a lock behind"
    stale = {path: path.stat().st_mtime_ns for path in stuck.folder.glob(".snakemake/locks/*.lock")}
    with running(stuck, "make", "reproduce", once=make_holds_the_folder):
        status, said = second(stuck, "make", "reproduce")
        assert status != 0 and "Another 'make reproduce' is at work" in said and said.count("is at work") == 1
        deadline = time.monotonic() + 120
        while {p: p.stat().st_mtime_ns for p in stuck.folder.glob(".snakemake/locks/*.lock")} in (stale, {}):
            assert time.monotonic() < deadline, "the lock that was left behind is still in the way"
            time.sleep(0.05)
