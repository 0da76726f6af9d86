"""Calls of programs: from which folder and with which paths they work, and what is refused in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Project

from abstain.finished.folder import CallError, enter, enter_for, results_of


def test_a_call_from_elsewhere_works_in_the_projects_folder_with_paths_as_seen_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("scale: mine\n")
    mine = os.path.relpath(tmp_path / "mine.yaml", ROOT)
    given = f"{ROOT}/config.yaml", "mine.yaml", "results/pocket/README.md"
    assert enter(*given) == ["config.yaml", mine, "results/pocket/README.md"]
    assert Path.cwd() == ROOT and results_of([mine]) == Path("results/mine")
    monkeypatch.chdir(ROOT / "config")
    assert enter("paper.yaml") == ["config/paper.yaml"]


def test_a_folder_that_has_results_of_its_own_is_the_one_that_is_meant(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    assert enter(f"{tmp_path}/results/pocket/README.md") == ["results/pocket/README.md"]
    assert Path.cwd() == tmp_path


def test_files_that_name_no_scale_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("device: cpu\n")
    with pytest.raises(CallError, match="mine.yaml: no scale is named; an overlay comes after its scale"):
        results_of(enter_for(["mine.yaml"]))


@pytest.mark.parametrize("program", ["tidy.py", "restore.py", "report"])
def test_a_file_of_a_scale_that_is_not_there_is_named_in_one_sentence(planned: Project, program):
    (planned.folder / ".venv").symlink_to(sys.prefix)
    command = [planned.folder / f"scripts/{program}", "--configfile", "none.yaml"]
    shown = [sys.executable, *command] if program.endswith(".py") else command
    done = subprocess.run(shown, cwd=planned.folder, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("none.yaml: ") and len(done.stderr.splitlines()) == 1
