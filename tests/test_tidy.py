"""Leftovers: files of seeds that are gone are named by every run, removed by `make tidy`, and recorded by nobody."""

import subprocess
import sys

import pytest
from conftest import Project, Settings

from abstain.finished.leftovers import leftovers, outlived, remove
from abstain.jobs.files import write_json

RESULTS = "results/pocket"


def tidy(project: Project, *arguments: str) -> tuple[int, list[str]]:
    """Exit status and lines of the program, called as `make tidy` does."""
    command = [sys.executable, "scripts/tidy.py", *arguments]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.fixture(scope="module")
def other_seed(miniature, small, tmp_path_factory) -> Project:
    """A finished run whose study is asked for another seed now; nothing has been run since."""
    project = Project.copied(miniature.folder, tmp_path_factory.mktemp("seed") / "project")
    project.write(small.changed("studies/safety-mode/seeds", [7]))
    return project


def of_seed(project: Project, small: Settings) -> list[str]:
    """Every file that a run of the study wrote for its old seed."""
    (seed,) = small.values("safety-mode")["seeds"]
    return sorted(
        name
        for name in project.files()
        if "/safety-mode/" in name and f"/{seed}/" in name.replace(f"/{seed}.json", f"/{seed}/")
    )


def test_a_file_or_link_that_is_not_planned_is_left_over_and_no_link_is_followed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/planned.csv").touch()
    (tmp_path / "a/.other.csv.part").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    found = leftovers(tmp_path, [f"{tmp_path}/a/planned.csv", f"{tmp_path}/missing.csv"])
    assert found == [f"{tmp_path}/{name}" for name in ("a/.other.csv.part", "broken", "link")]
    remove(tmp_path, found)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "planned.csv"]


def test_a_link_to_a_folder_that_holds_what_is_planned_is_kept(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "elsewhere/planned.csv").touch()
    (tmp_path / "results/a").symlink_to(tmp_path / "elsewhere")
    assert leftovers(tmp_path / "results", [f"{tmp_path}/results/a/planned.csv"]) == []


def test_a_record_is_outlived_when_another_job_writes_its_file_now_and_no_other_record_is(tmp_path):
    parts = dict.fromkeys(("params", "code", "inputs", "numerics"), {})
    records = {"score_text": "scores/refusal.csv", "score_embedding": "scores/refusal.csv", "train": "adapters/gone"}
    for rule, file in records.items():
        (tmp_path / f"records/{rule}").mkdir(parents=True)
        write_json(
            tmp_path / f"records/{rule}/refusal.json", {**parts, "rule": rule, "outputs": {str(tmp_path / file): ""}}
        )
    (tmp_path / "records/half.json").write_text("{")
    planned = [tmp_path / "records/score_embedding/refusal.json", tmp_path / "scores/refusal.csv"]
    assert outlived(tmp_path, map(str, planned)) == [str(tmp_path / "records/score_text/refusal.json")]


def test_folders_that_are_empty_then_are_removed_and_no_others(tmp_path):
    for name in ("a/b/c/gone.csv", "a/kept.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty/within").mkdir(parents=True)
    remove(tmp_path, [f"{tmp_path}/a/b/c/gone.csv"])
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["a", "a/kept.csv"]


def test_nothing_of_a_finished_run_is_left_over(miniature):
    assert tidy(miniature, "--check") == (0, ["Nothing is left over."])
    assert "make tidy" not in miniature.snakemake("--list-rules")


def test_files_of_a_seed_that_is_gone_are_counted_by_every_run_with_the_command_that_removes_them(other_seed, small):
    number = len(of_seed(other_seed, small))
    assert number > 20
    line = f"{RESULTS}: {number} files that no job makes any more; make tidy removes them"
    assert line in other_seed.snakemake("--list-rules").splitlines()


def test_a_run_with_files_of_ones_own_names_the_command_with_these_files(other_seed):
    output = other_seed.snakemake("--list-rules", "--configfile", "config.yaml")
    assert "; python scripts/tidy.py --configfile config.yaml removes them\n" in output


def test_the_check_names_each_file_removes_none_and_fails(other_seed, small):
    before, gone = other_seed.files(), of_seed(other_seed, small)
    assert tidy(other_seed, "--check") == (1, [*gone, f"{len(gone)} files that no job makes any more"])
    assert other_seed.files() == before


def test_nothing_is_removed_while_snakemake_is_at_work(other_seed):
    lock = other_seed.folder / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    before = other_seed.files()
    status, (line,) = tidy(other_seed)
    lock.unlink()
    assert status == 1 and line.startswith("Snakemake is at work in this folder")
    assert other_seed.files() == before


def test_a_configuration_that_is_refused_removes_nothing(miniature, small, tmp_path):
    project = Project.copied(miniature.folder, tmp_path / "project")
    project.write(small.changed("studies/safety-mode/seeds", []))
    before = project.files()
    status, lines = tidy(project)
    assert status == 1 and any("seeds" in line for line in lines)
    assert project.files() == before


def test_tidy_names_and_removes_the_files_of_a_seed_that_is_gone_and_nothing_else(other_seed, small):
    before, gone = other_seed.files(), of_seed(other_seed, small)
    assert tidy(other_seed) == (0, [*gone, f"{len(gone)} files removed."])
    assert other_seed.files() == {name: content for name, content in before.items() if name not in gone}
    assert not (other_seed.folder / RESULTS / "adapters/safety-mode").exists()
    assert tidy(other_seed, "--check") == (0, ["Nothing is left over."])
