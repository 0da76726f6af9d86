"""The same from anywhere: a finished run is found finished, and a checkout has the same bytes or says what is amiss."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Project
from repositories import call

MODULE = """
import yaml

module abstain:
    snakefile: "{project}/Snakefile"
    config: yaml.safe_load(open("{project}/config.yaml"))

use rule * from abstain as abstain_*
"""


def snakemake(folder: Path, *arguments: str, python: str = sys.executable, **environment: str) -> tuple[int, str]:
    """Exit status and words of Snakemake in a folder, which is entered as it is written."""
    command = f'cd "$FOLDER" && exec "$PYTHON" -m snakemake --cores 1 {" ".join(arguments)}'
    variables = {**os.environ, "FOLDER": str(folder), "PYTHON": python, **environment}
    done = subprocess.run(["bash", "-c", command], env=variables, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


# A finished run


def in_a_link(project: Path, link: Path) -> tuple:
    return link, "--dry-run"


def in_a_link_with_the_snakefile_by_its_path(project: Path, link: Path) -> tuple:
    return link, "--dry-run", "--snakefile", f"{link}/Snakefile"


def with_results_in_another_folder(project: Path, link: Path) -> tuple:
    return away(project), "--dry-run", "--snakefile", f"{link}/Snakefile"


def with_the_directory_of_the_results(project: Path, link: Path) -> tuple:
    return project, "--dry-run", "--directory", str(away(project))


def with_a_link_to_the_snakefile_alone(project: Path, link: Path) -> tuple:
    (away(project) / "Snakefile").symlink_to(project / "Snakefile")
    return away(project), "--dry-run"


def as_a_module(project: Path, link: Path) -> tuple:
    (away(project) / "Snakefile").write_text(MODULE.format(project=project))
    return away(project), "--dry-run", "abstain_all"


def away(project: Path) -> Path:
    """Another folder, with the results and nothing else."""
    folder = project.parent / "away"
    if not folder.exists():
        folder.mkdir()
        (project / "results").rename(folder / "results")
    return folder


WAYS = (
    in_a_link,
    in_a_link_with_the_snakefile_by_its_path,
    with_results_in_another_folder,
    with_the_directory_of_the_results,
    with_a_link_to_the_snakefile_alone,
    as_a_module,
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_finished_run_has_nothing_to_do_wherever_it_is_asked_from(miniature, tmp_path, way: Callable):
    project, link = Project.copied(miniature.folder, tmp_path / "real"), tmp_path / "link"
    link.symlink_to(project.folder)
    status, said = snakemake(*way(project.folder, link))
    assert status == 0 and "Nothing to be done" in said and "results/pocket/records" not in said


# A checkout


def test_a_clone_has_the_same_bytes_whatever_git_is_set_to_do_with_the_ends_of_lines(tmp_path):
    """In a copy of everything that would be committed, beside files with other ends of lines."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    for name in (
        ".gitattributes",
        ".gitignore",
        "Makefile",
        "Snakefile",
        "config.yaml",
        "requirements",
        "scripts",
        "models",
    ):
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, origin / name, ignore=ignored) if source.is_dir() else shutil.copy(source, origin)
    (origin / "windows.csv").write_bytes(b"a,b\r\n1,2\r\n")
    call(origin, "git init --quiet")
    call(origin, "git -c core.autocrlf=true add --all")
    call(origin, "git commit --quiet --message all")
    call(tmp_path, "git clone --quiet --config core.autocrlf=true origin clone")
    files = call(origin, "git ls-files").splitlines()
    assert [name for name in files if (clone / name).read_bytes() != (origin / name).read_bytes()] == []
    assert len(files) > 100 and "w/crlf" not in call(clone, "git ls-files --eol Makefile scripts/reproduce models")


@pytest.fixture
def spaced(tmp_path) -> Path:
    """A folder whose path has a space, with an environment inside that borrows the packages of this one."""
    folder = tmp_path / "my projects" / "abstain"
    folder.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (site,) = (folder / ".venv/lib").glob("python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder


def test_an_environment_in_a_path_with_a_space_is_refused_before_any_job(planned, spaced):
    for path in planned.folder.iterdir():
        path.rename(spaced / path.name)
    status, said = snakemake(spaced, python=".venv/bin/python")
    assert status == 1 and said.count("Snakemake cannot start jobs with it") == 1 and "Traceback" not in said
    assert f"{spaced}/.venv/bin/python: " in said and not (spaced / "results").exists()
    assert snakemake(spaced, "--dry-run")[0] == 0  # with an environment elsewhere


@pytest.mark.parametrize("name", ["my projects", "abstain (1)", "größe", "abstain-0.4"])
def test_make_installs_nothing_where_no_job_could_start_and_says_why(tmp_path, name):
    folder = tmp_path / name
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    shutil.copy(ROOT / "Makefile", folder)
    make = ["make", "--silent", ".venv", "PYTHON=no-such-python"]
    done = subprocess.run(make, cwd=folder, capture_output=True, text=True)
    refused = f"Snakemake cannot start jobs from {folder}: move it to a path without spaces and signs of the shell.\n"
    assert done.returncode == 2 and (refused in done.stderr) == (name in ("my projects", "abstain (1)"))
    assert ("Installing" in done.stdout) == (refused not in done.stderr) and not (folder / ".venv").exists()


def test_make_does_not_empty_an_environment_behind_a_link(tmp_path):
    other, folder = tmp_path / "other", tmp_path / "abstain"
    other.mkdir()
    (other / "kept").touch()
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / ".venv").symlink_to(other)
    done = subprocess.run(["make", "--silent", ".venv"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 2 and ".venv is a link" in done.stderr and (other / "kept").exists()


# A machine, and a command line


def test_without_slurm_the_profile_for_it_plans_and_then_says_that_there_is_no_sbatch(planned):
    arguments = ("results/pocket/studies.yaml", "--profile", "profiles/slurm")
    path = f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin"
    assert shutil.which("sbatch", path=path) is None
    status, said = snakemake(planned.folder, *arguments, "--dry-run", PATH=path)
    assert status == 0 and "sbatch" not in said
    status, said = snakemake(planned.folder, *arguments, PATH=path)
    assert status == 1 and said.count("there is no sbatch on the PATH") == 1 and "Traceback" not in said
    assert "Error in rule" not in said and not (planned.folder / "results").exists()


@pytest.mark.parametrize(
    "value", ["gate='{float32: {tolerance: 1.0e-6, same_replies: 1.0, prompts: 32}}'", "corpora='{mine: {limit: 5}}'"]
)
def test_numbers_nested_on_the_command_line_are_refused_with_a_way_that_works(planned, value):
    status, said = snakemake(planned.folder, "--dry-run", "--config", value)
    assert status == 1 and f"--config {value.split('=')[0]}=...: Snakemake reads numbers inside a map" in said
    assert "run with --configfile config.yaml mine.yaml" in said and "without quotes" not in said
