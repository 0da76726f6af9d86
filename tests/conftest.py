"""Fixtures of more than one file; the real workflow is run on copies of the project, never in the project itself."""

import copy
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
import yaml

from abstain.numerics import EXACT
from abstain.world import load_world

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("rules", "scripts", "envs", "profiles", "schemas", "data", "models", "report", "config")
PARTS = ("Snakefile", "matplotlibrc", "config.yaml", "dvc.yaml", *FOLDERS)


def pytest_configure(config):
    """Put the exact numerics in force for the tests too; native libraries read them when they are first loaded."""
    os.environ.update(EXACT)


class Project:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder: Path, config: dict):
        folder.mkdir(parents=True)
        for part in PARTS:
            source = ROOT / part
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / part, ignore=ignored) if source.is_dir() else shutil.copy(
                source, folder / part
            )
        self.folder = folder
        self.write(config)

    @classmethod
    def copied(cls, source: Path, folder: Path) -> "Project":
        """A copy of a project with all that it has made; times are kept, so Snakemake finds it as finished."""
        project = cls.__new__(cls)
        project.folder = Path(shutil.copytree(source, folder))
        return project

    def write(self, config: dict) -> None:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", *arguments]

    def snakemake(self, *arguments: str, check: bool = True, **environment: str) -> str:
        """Run Snakemake here and give everything it printed; fails the test when Snakemake fails and `check` is set."""
        scripts = str(Path(sys.executable).parent)
        variables = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", **environment}
        done = subprocess.run(self.command(*arguments), cwd=self.folder, env=variables, capture_output=True, text=True)
        output = done.stdout + done.stderr
        assert not check or done.returncode == 0, output[-6000:]
        return output if check else f"exit {done.returncode}\n{output}"

    def files(self) -> dict[str, bytes]:
        """Every file below results/, by relative path."""
        found = sorted(path for path in (self.folder / "results").rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}


@cache
def is_published() -> bool:
    """Whether results/pocket holds every file that the committed list of hashes names, with that hash."""
    judge = [sys.executable, "scripts/verify.py", "results/pocket"]
    return subprocess.run(judge, cwd=ROOT, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="session")
def pocket_config() -> dict:
    """The pocket scale as it stands."""
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def miniature_config(pocket_config) -> dict:
    """Every study of the pocket scale with few rows, few steps and one seed, through every rule."""
    config = copy.deepcopy(pocket_config)
    for study in config["studies"].values():
        study["seeds"] = study["seeds"][:1]
        study["generation"]["max_new_tokens"] = 12
        for recipe in study["recipes"].values():
            recipe.update(steps=6, warmup_steps=1, save_steps=2, batch_size=4)
        for name, mix in study["mixes"].items():
            most = 6 if name == study["evaluation"] else 12
            for row in mix["rows"]:
                row["rows"] = min(row["rows"], most)
    return config


@pytest.fixture(scope="session")
def miniature(tmp_path_factory, miniature_config) -> Project:
    """A finished run of the miniature with one core: run once, and copied for each of pytest's workers.

    Tests read it and never change it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with open(shared / "miniature.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "miniature").exists():
            first = Project(Path(tempfile.mkdtemp(dir=shared)) / "project", miniature_config)
            first.snakemake("--cores", "1")
            first.folder.rename(shared / "miniature")
    return Project.copied(shared / "miniature", tmp_path_factory.mktemp("one") / "project")


@pytest.fixture
def planned(tmp_path, miniature_config) -> Project:
    """A copy in which nothing has run yet, free to be changed."""
    return Project(tmp_path / "project", miniature_config)


@pytest.fixture(scope="module")
def world() -> dict:
    """Everything that we authored for the pocket model, by file."""
    return load_world(ROOT / "data" / "world")


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory) -> Path:
    """The folder of a small tokenizer with a ChatML template."""
    from families import FAMILIES, write_tokenizer

    path = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(path, FAMILIES["qwen2.5"])
    return path
