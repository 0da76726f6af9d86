"""Fixtures of more than one file; the real workflow is run on copies of the project, never in the project itself."""

import copy
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml

from abstain.jobs.numerics import EXACT
from abstain.jobs.watch import VARIABLE
from abstain.pocket.world import load_world
from abstain.settings.arms import run_here
from abstain.settings.schema import ConfigError
from abstain.studies.check import check_files, read_studies
from abstain.studies.here import with_figures

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("rules", "scripts", "envs", "profiles", "schemas", "data", "models", "report", "config")
NEXT = ROOT / "config/small/next.yaml"  # what joins the small scale with its next run
SHOWN = ("params", "metrics", "plots")
MINIATURE = ("safety-mode", "do-not-answer")  # `make reproduce` runs all five, and compares them
PARTS = ("Snakefile", "matplotlibrc", "config.yaml", "dvc.yaml", *FOLDERS)


def pytest_configure(config):
    """Put the exact numerics in force for the tests too; native libraries read them when they are first loaded."""
    os.environ.update(EXACT)


@dataclass
class Settings:
    """A scale and the files of its studies, as they are written: what a test may change before it writes them."""

    scale: dict
    files: dict[str, dict]  # the study files, by the path that the scale names

    @classmethod
    def read(cls, path: Path, *overlays: Path) -> "Settings":
        """A scale with the studies and corpora that overlays add; study files are named as the scale would."""
        scale = load(path)
        for overlay in overlays:
            added = load(overlay)
            for study in added["studies"].values():
                study["file"] = os.path.relpath(overlay.parent / study["file"], path.parent)
            for key, records in added.items():
                scale[key] |= records
        paths = {study["file"] for study in scale["studies"].values()}
        return cls(scale, {name: load(path.parent / name) for name in sorted(paths)})

    def copy(self) -> "Settings":
        return copy.deepcopy(self)

    def asks(self, study: str) -> dict:
        """What the study's file says."""
        return self.files[self.scale["studies"][study]["file"]]

    def values(self, study: str) -> dict:
        """What the scale says of the study."""
        return self.scale["studies"][study]

    def whole(self, study: str) -> dict:
        """The study's record as it is checked: what its file says beside what the scale says of it."""
        return {**self.asks(study), **{key: value for key, value in self.values(study).items() if key != "file"}}

    def resolved(self, study: str) -> dict:
        """The study's record as jobs get it."""
        return with_figures(run_here(self.whole(study)))

    def changed(self, where: str, value=None) -> "Settings":
        """A copy with the value at a path of keys, or without the last key when the value is `...`.

        A path that begins with `asks/<study>` leads into that study's file, any other into the scale.
        """
        made = self.copy()
        first, *rest = where.split("/")
        if first == "asks":
            made.files[made.scale["studies"][rest[0]]["file"]] = put(made.asks(rest[0]), "/".join(rest[1:]), value)
        else:
            made.scale = put(made.scale, where, value)
        return made

    def write(self, folder: Path, name: str = "config.yaml") -> Path:
        """Write the scale under this name in a folder, and the study files below it; gives the scale's path.

        A file that would not change keeps its time.
        """
        for path, value in {name: self.scale, **self.files}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
            if not (folder / path).is_file() or (folder / path).read_text(encoding="utf-8") != text:
                (folder / path).write_text(text, encoding="utf-8")
        return folder / name


def load(path: Path) -> dict:
    """What a YAML file holds."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def stages_of_pocket(stages: dict, studies: Iterable[str]) -> dict:
    """What dvc.yaml says of the pocket scale and these studies alone: no command of a test starts another scale."""
    scales = stages["stages"]["experiment"]["foreach"]
    made = ("studies.yaml", *(f"{kind}/{study}/" for study in studies for kind in ("tables", "figures")))
    folders = tuple(f"results/pocket/{name}" for name in made)
    shown = {key: [path for path in stages[key] if path.startswith(folders)] for key in SHOWN}
    experiment = stages["stages"]["experiment"] | {"foreach": {"pocket": scales["pocket"]}}
    return stages | {"stages": {"experiment": experiment}} | shown


def put(record: dict, where: str, value=None) -> dict:
    """A copy with the value at the path of keys, or without the last key when the value is `...`."""
    record = copy.deepcopy(record)
    *path, last = [int(part) if part.isdigit() else part for part in where.split("/")]
    node = record
    for part in path:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return record


def studies_of(settings: Settings, folder: Path, name: str = "config.yaml", command_line: Mapping = {}) -> dict:
    """The resolved studies of settings written into a folder, read as the Snakefile reads them; raises ConfigError."""
    path = settings.write(folder, name)
    check_files([path], command_line)
    return read_studies(load(path), [path], ROOT, is_main=True)


def refusal(settings: Settings, folder: Path) -> str:
    """The message with which settings are refused."""
    with pytest.raises(ConfigError) as caught:
        studies_of(settings, folder)
    return str(caught.value)


class Project:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder: Path, settings: Settings):
        folder.mkdir(parents=True)
        for part in PARTS:
            source = ROOT / part
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / part, ignore=ignored) if source.is_dir() else shutil.copy(
                source, folder / part
            )
        self.folder = folder
        self.write(settings)
        stages = yaml.safe_dump(stages_of_pocket(load(ROOT / "dvc.yaml"), settings.scale["studies"]), sort_keys=False)
        (folder / "dvc.yaml").write_text(stages, encoding="utf-8")

    @classmethod
    def copied(cls, source: Path, folder: Path) -> "Project":
        """A copy of a project with all that it has made; times are kept, so Snakemake finds it as finished."""
        project = cls.__new__(cls)
        project.folder = Path(shutil.copytree(source, folder))
        return project

    def write(self, settings: Settings) -> None:
        """Write the scale and its study files."""
        settings.write(self.folder)

    def command(self, *arguments: str) -> list[str]:
        """Snakemake, which here ends without the profile's seconds after its last job."""
        return [sys.executable, "-m", "snakemake", "--max-jobs-per-timespan", "1000/2s", *arguments]

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
def is_published(scale: str) -> bool:
    """Whether a scale's results hold every file that the committed list of hashes names, with that hash."""
    judge = [sys.executable, "scripts/verify.py", f"results/{scale}"]
    return subprocess.run(judge, cwd=ROOT, capture_output=True, check=False).returncode == 0


@pytest.fixture(autouse=True)
def no_study_is_remembered(monkeypatch):
    """A test that reads studies notes their files for the jobs of its run; no other test is such a job."""
    monkeypatch.setenv(VARIABLE, "{}")


@pytest.fixture(scope="session")
def pocket() -> Settings:
    """The pocket scale and its studies, as committed; a test changes a copy."""
    return Settings.read(ROOT / "config.yaml")


def miniature_of(pocket: Settings) -> Settings:
    """Two studies of pocket with few rows, few steps and one seed, and with 4-bit weights."""
    settings = pocket.copy()
    settings.scale["studies"] = {name: settings.values(name) for name in MINIATURE}
    settings.values("safety-mode")["compared"].append("qlora")
    for name, values in settings.scale["studies"].items():
        values["seeds"] = values["seeds"][:1]
        values["generation"]["max_new_tokens"] = 12
        for recipe in values["recipes"].values():
            recipe.update(steps=6, warmup_steps=1, save_steps=2, batch_size=4)
        for mix, sizes in values["sizes"].items():
            most = 6 if mix in settings.asks(name)["evaluation"] else 12
            for size in sizes.values():
                size["rows"] = min(size["rows"], most)
    return Settings(
        settings.scale, {values["file"]: settings.asks(name) for name, values in settings.scale["studies"].items()}
    )


@pytest.fixture(scope="session")
def small(pocket) -> Settings:
    """Two studies of the pocket scale, in miniature."""
    return miniature_of(pocket)


@pytest.fixture(scope="session")
def miniature(tmp_path_factory, small) -> Project:
    """A finished run of the miniature with two cores: run once, and copied for each of pytest's workers.

    Tests read it and never change it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with open(shared / "miniature.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "miniature").exists():
            first = Project(Path(tempfile.mkdtemp(dir=shared)) / "project", small)
            first.snakemake("--cores", "2")
            first.folder.rename(shared / "miniature")
    return Project.copied(shared / "miniature", tmp_path_factory.mktemp("one") / "project")


@pytest.fixture
def planned(tmp_path, small) -> Project:
    """A copy in which nothing has run yet, free to be changed."""
    return Project(tmp_path / "project", small)


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
