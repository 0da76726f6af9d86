"""The watch: a study file that changes while a run is on stops the jobs that come after, and names the file."""

import os
from pathlib import Path

import pytest
from conftest import ROOT, Settings

from abstain.jobs.errors import AbstainError
from abstain.jobs.watch import VARIABLE, ChangedError, check_unchanged, remember
from abstain.studies.check import read_studies


@pytest.fixture
def files(tmp_path, monkeypatch) -> list[Path]:
    monkeypatch.chdir(tmp_path)
    paths = [Path("asks/one.yaml"), Path("asks/two.yaml")]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_text(f"question: {path.stem}?\n")
    return paths


def test_a_file_that_is_as_it_was_is_let_pass_from_any_folder_and_whenever_it_was_written(files, monkeypatch):
    remember(files)
    check_unchanged()
    os.utime(files[0], (0, 0))
    Path("unnoted.yaml").touch()
    monkeypatch.chdir(files[0].parent)
    check_unchanged()


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("change", [lambda path: path.write_text("x: 1\n"), Path.unlink], ids=["changed", "gone"])
def test_a_file_that_has_changed_or_gone_is_refused_by_its_name(files, number, change):
    remember(files)
    before = files[number].read_bytes()
    change(files[number])
    with pytest.raises(ChangedError, match=rf"^{files[number]} has changed since this run began.*Run again") as caught:
        check_unchanged()
    assert isinstance(caught.value, AbstainError)
    files[number].write_bytes(before)
    check_unchanged()


def test_a_run_notes_its_own_files_and_forgets_those_of_the_run_before(files):
    remember(files)
    files[0].write_text("changed: 1\n")
    remember(files[:1])
    check_unchanged()
    files[1].unlink()
    check_unchanged()


def test_a_process_that_no_run_started_compares_nothing(files, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    check_unchanged()


# Reading the studies: the process that plans notes, a job compares


@pytest.fixture
def settings(pocket, tmp_path, monkeypatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    pocket.write(Path())
    return pocket


def read(settings: Settings, is_main: bool) -> dict:
    return read_studies(settings.scale, [Path("config.yaml")], ROOT, is_main)


def test_a_job_reads_what_the_run_has_read(settings):
    assert read(settings, is_main=False) == read(settings, is_main=True) == read(settings, is_main=False)


@pytest.mark.parametrize("study", ["safety-mode", "do-not-answer"])
def test_a_job_that_finds_another_study_file_than_the_run_began_with_stops(settings, study):
    read(settings, is_main=True)
    path = Path(settings.values(study)["file"])
    path.write_text(path.read_text() + "# a comment\n")
    with pytest.raises(ChangedError, match=f"^{path} has changed since this run began"):
        read(settings, is_main=False)
    assert list(read(settings, is_main=True)) == list(settings.scale["studies"])  # the next run reads it as it is
    read(settings, is_main=False)


def test_a_job_says_that_a_file_has_changed_before_it_says_what_is_wrong_with_it(settings):
    read(settings, is_main=True)
    path = Path(settings.values("safety-mode")["file"])
    path.write_text("question: [\n")
    with pytest.raises(ChangedError, match=f"^{path} has changed"):
        read(settings, is_main=False)


def test_a_study_that_is_refused_is_not_noted(settings, monkeypatch):
    monkeypatch.setenv(VARIABLE, "{}")
    Path(settings.values("safety-mode")["file"]).write_text("question: x\n")
    with pytest.raises(AbstainError):
        read(settings, is_main=True)
    assert os.environ[VARIABLE] == "{}"


TWO_JOBS = """

rule edit:
    output: "first.txt"
    params: study="config/studies/safety-mode.yaml"
    shell: "echo '# later' >> {params.study}; touch {output}"


rule late:
    input: "first.txt"
    output: "second.txt"
    run:
        open(output[0], "w").close()
"""


def test_a_run_whose_study_file_changes_stops_at_the_next_job_and_keeps_what_is_finished(planned):
    with (planned.folder / "rules/records.smk").open("a") as rules:
        rules.write(TWO_JOBS)
    output = planned.snakemake("second.txt", "--cores", "1", check=False)
    assert output.startswith("exit 1") and "Traceback" not in output
    assert "config/studies/safety-mode.yaml has changed since this run began" in output
    assert (planned.folder / "first.txt").exists() and not (planned.folder / "second.txt").exists()
