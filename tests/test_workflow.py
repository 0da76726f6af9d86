"""The whole workflow in miniature: the same bytes anywhere, nothing done twice, nothing trained on a leak."""

import copy
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from conftest import Project

STEPS = [
    "normalise",
    "calibrate",
    "audit",
    "render",
    "initialise",
    "train_sft",
    "merge",
    "predict",
    "score",
    "embed",
    "summarise",
    "plot",
    "present",
    "describe",
    "checksum",
]


def test_two_runs_in_other_folders_cores_zone_locale_and_home_give_the_same_bytes(
    miniature, tmp_path, miniature_config
):
    other = Project(tmp_path / "quite" / "another place", miniature_config)
    other.snakemake(
        "--cores", "2", TZ="Asia/Tokyo", LC_ALL="C", LANG="tr_TR.UTF-8", HOME=str(tmp_path), PYTHONHASHSEED="7"
    )
    mine, theirs = miniature.files(), other.files()
    assert sorted(mine) == sorted(theirs)
    assert [path for path in mine if mine[path] != theirs[path]] == []


def test_every_step_of_the_flow_ran_and_left_log_benchmark_and_record(miniature):
    for step in STEPS:
        assert list((miniature.folder / "logs").rglob(f"{step}*")), step
        assert list((miniature.folder / "benchmarks").rglob(f"{step}*")), step
        assert step == "checksum" or list((miniature.folder / "results/pocket/records").glob(f"{step}*")), step


def test_a_second_run_has_nothing_to_do(miniature):
    assert "Nothing to be done" in miniature.snakemake("--cores", "1")


def test_a_study_is_a_target(planned):
    assert "train_sft" in planned.snakemake("safety-mode", "--cores", "1", "--dry-run")


def test_the_list_of_hashes_covers_every_published_file_and_agrees_with_sha256sum(miniature):
    folder = miniature.folder / "results/pocket"
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    listed = {line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert present - listed == {"SHA256SUMS", "records/checksum.json"}


def test_no_published_file_names_a_machine_a_folder_or_a_clock(miniature, tmp_path_factory):
    folders = [str(tmp_path_factory.getbasetemp().parent), str(Path.home())]
    told = [*folders, os.uname().nodename, time.strftime("%Y-%m-%d")]
    for path, content in miniature.files().items():
        assert [word for word in told if len(word) > 4 and word.encode() in content] == [], path


def test_no_pickle_is_published(miniature):
    ends = {Path(path).suffix for path in miniature.files()}
    assert ends <= {".json", ".jsonl", ".csv", ".svg", ".png", ".txt", ".md", ".html", ".safetensors", ".jinja", ""}


def test_a_record_tells_what_was_read_run_and_written(miniature):
    record = json.loads((miniature.folder / "results/pocket/records/train_sft/safety-mode/lora/1.json").read_text())
    assert record["rule"] == "train_sft" and record["wildcards"] == {"study": "safety-mode", "arm": "lora", "seed": "1"}
    assert "scripts/train_sft.py" in record["code"] and "scripts/abstain/resume.py" in record["code"]
    assert "envs/training.yaml" in record["code"]
    assert record["params"]["recipe"]["steps"] == 6
    assert record["numerics"]["MKL_CBWR"] == "COMPATIBLE" and record["device"] == "cpu"
    assert any(path.endswith("tokens.jsonl") for path in record["inputs"])


def test_both_arms_start_from_the_same_adapter_bytes(miniature):
    for arm in ("lora", "qlora"):
        record = json.loads(
            (miniature.folder / f"results/pocket/records/train_sft/safety-mode/{arm}/1.json").read_text()
        )
        assert "results/pocket/initial/pocket/rank-16/1/adapter_model.safetensors" in record["inputs"]


@pytest.mark.parametrize(
    ("edited", "again", "spared"),
    [
        ("scripts/abstain/statistics.py", {"summarise", "plot", "describe"}, {"train_sft", "predict", "score"}),
        ("scripts/abstain/resume.py", {"train_sft", "merge", "predict"}, {"render", "initialise", "calibrate"}),
        ("envs/scoring.yaml", {"predict", "score", "embed"}, {"train_sft", "merge"}),
        ("config.yaml", set(), {"train_sft", "predict", "plot"}),
    ],
)
def test_an_edit_reruns_exactly_the_rules_that_it_concerns(miniature, edited, again, spared):
    path = miniature.folder / edited
    before, content = path.stat(), path.read_bytes()
    try:
        path.write_bytes(content + b"# edited\n")
        planned = set(re.findall(r"^(?:local)?rule (\w+):", miniature.snakemake("--cores", "1", "--dry-run"), re.M))
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert again <= planned and not spared & planned


def test_another_evaluation_trains_nothing_again_but_a_recipe_changed_with_it_does(miniature, tmp_path):
    """Run, not planned: Snakemake knows what training need not do again only once the audit has passed."""
    project = Project.copied(miniature.folder, tmp_path / "project")
    config = yaml.safe_load((project.folder / "config.yaml").read_text())
    study = config["studies"]["do-not-answer"]
    (adapter,) = project.folder.glob("results/pocket/adapters/do-not-answer/*/*/adapter_model.safetensors")

    def ran(check: bool = True) -> set[str]:
        project.write(config)
        output = project.snakemake("do-not-answer", "--cores", "2", check=check)
        return set(re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", output, re.M))

    trained = adapter.stat().st_mtime_ns
    study["mixes"]["evaluation"]["rows"][0]["rows"] -= 1
    again = ran()
    assert {"calibrate", "audit", "render", "merge", "predict", "score"} <= again and "train_sft" not in again
    study["mixes"]["evaluation"]["part"] = "train"
    study["recipes"]["qlora"]["learning_rate"] *= 2
    assert not {"render", "train_sft", "predict"} & ran(check=False) and adapter.stat().st_mtime_ns == trained
    study["mixes"]["evaluation"]["part"] = "test"
    study["mixes"]["evaluation"]["rows"][1]["rows"] -= 1
    assert "train_sft" in ran() and adapter.stat().st_mtime_ns > trained


def test_a_planted_leak_stops_the_run_before_anything_is_trained(planned, miniature_config):
    config = copy.deepcopy(miniature_config)
    config["studies"]["safety-mode"]["mixes"]["evaluation"]["part"] = "train"
    planned.write(config)
    output = planned.snakemake("safety-mode", "--cores", "2", check=False)
    assert output.startswith("exit 1") and "shares with the evaluation" in output and "No arm is trained" in output
    assert not list((planned.folder / "results/pocket").glob("adapters/*/*/*/*"))
    logs = "".join(path.read_text() for path in (planned.folder / "logs").rglob("audit/*.log"))
    assert "Traceback" not in logs


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_training_stopped_in_the_middle_resumes_to_the_same_adapter_and_losses(miniature, planned, sent):
    target = "results/pocket/adapters/safety-mode/qlora/1/adapter_model.safetensors"
    environment = {**os.environ, "PATH": f"{Path(planned.command()[0]).parent}{os.pathsep}{os.environ['PATH']}"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    run = subprocess.Popen(planned.command(target, "--cores", "1"), cwd=planned.folder, env=environment, **quiet)
    deadline = time.monotonic() + 300
    while not list(planned.folder.glob(".scratch/*/checkpoint-2/SEAL.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(run.pid, sent)
    run.wait()
    assert not (planned.folder / target).exists()
    assert list(planned.folder.glob(".scratch/*/checkpoint-*")), "the run was not killed in the middle of training"
    planned.snakemake("--unlock")
    planned.snakemake(target, "--cores", "1")
    for path in (target, target.replace("adapter_model.safetensors", "losses.csv")):
        assert (planned.folder / path).read_bytes() == (miniature.folder / path).read_bytes(), path
    assert not list(planned.folder.glob(".scratch/*"))


def test_a_run_from_another_folder_finds_everything(planned, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = planned.command("--snakefile", str(planned.folder / "Snakefile"), "--cores", "1", "--dry-run")
    out = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr[-3000:]
