"""After a pull: everything that works in the checkout where the results were made works in a fresh clone."""

import os
import re
from pathlib import Path

import pytest
from conftest import Project
from plans import rules
from repositories import call, cloned, pull, pushed

RESULTS = "results/pocket"
NO_TORCH = 'raise ImportError("there is no torch here")\n'


@pytest.fixture(scope="module")
def pulled(miniature, tmp_path_factory) -> Project:
    """A fresh clone after a pull; a test leaves it finished."""
    folder = tmp_path_factory.mktemp("restored")
    clone = cloned(pushed(miniature, folder), folder / "clone")
    pull(clone, folder / "remote")
    (clone.folder / ".venv").symlink_to(Path(os.environ.get("VIRTUAL_ENV", os.sys.prefix)))
    return clone


def run(output: str) -> set[str]:
    """The rules whose jobs were run."""
    return set(re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", output, re.MULTILINE))


def test_a_figure_is_drawn_again_without_torch_and_nothing_is_trained(pulled, tmp_path):
    (tmp_path / "torch.py").write_text(NO_TORCH)
    before = pulled.files()
    (pulled.folder / f"{RESULTS}/figures/safety-mode/gap.svg").unlink()
    output = pulled.snakemake("--cores", "1", PYTHONPATH=str(tmp_path))
    assert rules(output) == {"plot", "describe", "checksum", "all"}
    assert pulled.files() == before


def test_dvc_repro_runs_nothing_and_the_lock_is_the_same(pulled):
    output = call(pulled.folder, "dvc repro experiment@pocket")
    assert "Nothing to be done" in output and run(output) == set()
    assert call(pulled.folder, "git status --short") == ""


def test_an_experiment_runs_nothing_where_nothing_is_changed(pulled):
    before = pulled.files()
    output = call(pulled.folder, "dvc exp run experiment@pocket")
    assert "Nothing to be done" in output and run(output) == set()
    assert pulled.files() == before


def test_a_report_is_written(pulled):
    assert "Written: " in call(pulled.folder, "scripts/report")
