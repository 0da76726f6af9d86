"""The project used from elsewhere: as a module of another Snakefile, from another folder, with values of one's own."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import load
from plans import jobs, plan

CHEAP = ["results/pocket/splits/do-not-answer/test/examples.jsonl", "results/pocket/studies.yaml"]
RECORDS = [f"results/pocket/records/{name}.json" for name in ("resolve", "calibrate/do-not-answer/test")]
OUTPUTS = [
    *CHEAP,
    *RECORDS,
    "results/pocket/records/normalise/safety-requests.json",
]  # of which the last one is on the way
OTHERS = """
import yaml

module abstain:
    snakefile: "{project}/Snakefile"
    config: yaml.safe_load(open("{project}/config.yaml"))

use rule * from abstain as abstain_*

rule count:
    input: {inputs}
    output: "counted.txt"
    shell: "wc --lines {{input}} > {{output}}"
"""


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    """Another folder than the project's."""
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


@pytest.fixture
def other(planned, elsewhere) -> Path:
    """A workflow of somebody else's that has the project as a module."""
    (elsewhere / "Snakefile").write_text(OTHERS.format(project=planned.folder, inputs=", ".join(map(repr, CHEAP))))
    return elsewhere


def snakemake(folder: Path, *arguments: str) -> str:
    """Run Snakemake in a folder, and give all that it printed."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


def test_as_a_module_of_another_snakefile_it_plans_the_whole_scale(other, planned):
    alone = {job.removeprefix("abstain_") for job in jobs(snakemake(other, "abstain_all", "--dry-run"))}
    assert alone == jobs(snakemake(planned.folder, "--dry-run"))
    assert "abstain_train_sft safety-mode/lora/1" in jobs(snakemake(other, "abstain_safety-mode", "--dry-run"))


def test_a_module_has_the_configuration_that_it_is_given_also_beside_the_projects_own(planned):
    given = OTHERS.format(project=planned.folder, inputs=repr(CHEAP[0])).replace("config.yaml", "mine.yaml")
    (planned.folder / "mine.smk").write_text(given)
    scale = load(planned.folder / "config.yaml")
    scale["studies"]["safety-mode"]["seeds"] = [7]
    (planned.folder / "mine.yaml").write_text(yaml.safe_dump(scale))
    found = jobs(snakemake(planned.folder, "--snakefile", "mine.smk", "abstain_safety-mode", "--dry-run"))
    assert {job for job in found if job.startswith("abstain_train")} == {
        "abstain_train_sft safety-mode/lora/7",
        "abstain_train_sft safety-mode/qlora/7",
    }


def test_as_a_module_of_another_snakefile_it_really_runs_and_makes_the_same_bytes(other, miniature):
    ran = jobs(snakemake(other, "count"))
    assert ran == {
        "abstain_resolve",
        "abstain_normalise safety-requests",
        "abstain_calibrate do-not-answer/test",
        "count",
    }
    assert [path for path in OUTPUTS if (other / path).read_bytes() != (miniature.folder / path).read_bytes()] == []
    assert "Nothing to be done" in snakemake(other, "count")
    assert "total" in (other / "counted.txt").read_text()


@pytest.mark.parametrize("way", ["a folder of one's own", "--directory"])
def test_a_run_from_another_folder_finds_everything_and_makes_the_same_bytes(planned, elsewhere, miniature, way):
    snakefile = ("--snakefile", str(planned.folder / "Snakefile"))
    there = (elsewhere, snakefile) if way != "--directory" else (planned.folder, ("--directory", str(elsewhere)))
    folder, arguments = there
    assert len(jobs(snakemake(folder, *arguments, "--dry-run"))) > 30
    snakemake(folder, *CHEAP, *arguments)
    assert [path for path in OUTPUTS if (elsewhere / path).read_bytes() != (miniature.folder / path).read_bytes()] == []
    assert not (planned.folder / "results").exists()


# Values of one's own, over those of a scale


def test_a_file_of_ones_own_changes_values_of_the_scale(planned, elsewhere):
    mine = {"studies": {"safety-mode": {"seeds": [7]}}}
    (elsewhere / "mine.yaml").write_text(yaml.safe_dump(mine))
    found = jobs(plan(planned, "--configfile", "config.yaml", str(elsewhere / "mine.yaml")))
    trained = {job for job in found if job.startswith("train_sft")}
    assert trained == {
        "train_sft safety-mode/lora/7",
        "train_sft safety-mode/qlora/7",
        "train_sft do-not-answer/qlora/1",
    }


def test_studies_on_the_command_line_are_refused_and_the_way_is_named(planned):
    output = planned.snakemake("--cores", "1", "--config", "studies={safety-mode: {seeds: [7]}}", check=False)
    assert output.startswith("exit 1") and "Traceback" not in output
    assert output.count("studies are not changed on the command line") == 1
    assert "--configfile config.yaml mine.yaml" in output and not (planned.folder / "results").exists()
