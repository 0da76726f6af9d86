"""The whole workflow in miniature: the same bytes anywhere, nothing done twice, nothing trained on a leak."""

import os
import subprocess
import time
from pathlib import Path

from conftest import Project, load
from plans import jobs, plan, rules

from abstain.jobs.files import read_csv, read_json, read_jsonl
from abstain.settings.arms import controls

RECORDS = "results/pocket/records"
STEPS = [
    "resolve",
    "normalise",
    "calibrate",
    "audit",
    "render",
    "initialise",
    "train_sft",
    "merge",
    "predict",
    "recite",
    "score_text",
    "score_embedding",
    "summarise",
    "plot",
    "present",
    "check_detector",
    "describe",
    "checksum",
]


def test_two_runs_in_other_folders_cores_zone_locale_and_home_give_the_same_bytes(miniature, small, tmp_path):
    other = Project(tmp_path / "quite" / "another place", small)
    other.snakemake(
        "--cores", "1", TZ="Asia/Tokyo", LC_ALL="C", LANG="tr_TR.UTF-8", HOME=str(tmp_path), PYTHONHASHSEED="7"
    )
    mine, theirs = miniature.files(), other.files()
    assert sorted(mine) == sorted(theirs)
    assert [path for path in mine if mine[path] != theirs[path]] == []


def test_every_step_of_the_flow_ran_and_left_log_benchmark_and_record(miniature):
    folders = [miniature.folder / name for name in ("logs/pocket", "benchmarks/pocket", RECORDS)]
    for folder in folders:
        assert sorted({path.relative_to(folder).parts[0].split(".")[0] for path in folder.rglob("*.*")}) == sorted(
            STEPS
        )


def test_a_second_run_has_nothing_to_do(miniature):
    assert "Nothing to be done" in miniature.snakemake("--cores", "1")


def test_a_study_is_a_target_that_asks_for_nothing_of_another(planned):
    output = plan(planned, "safety-mode")
    assert {"train_sft", "present", "plot"} <= rules(output)
    assert "do-not-answer" not in output and not {"score_embedding", "describe"} & rules(output)


def test_files_may_be_named_as_targets_one_by_one_also_where_nothing_has_run(planned):
    mixes = ["results/pocket/rendered/safety-mode/standard", "results/pocket/rendered/safety-mode/test"]
    output = plan(planned, *(f"{mix}/tokens.jsonl" for mix in mixes))
    assert {"calibrate safety-mode/standard", "render safety-mode/standard", "render safety-mode/test"} <= jobs(output)


def test_the_list_of_hashes_covers_every_published_file_and_agrees_with_sha256sum(miniature):
    folder = miniature.folder / "results/pocket"
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    listed = {line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert present - listed == {"SHA256SUMS", "environment.json", "records/checksum.json"}


def test_no_published_file_names_a_machine_a_folder_or_a_clock(miniature, tmp_path_factory):
    folders = [str(tmp_path_factory.getbasetemp().parent), str(Path.home())]
    private = [*folders, os.uname().nodename, time.strftime("%Y-%m-%d")]
    for path, content in miniature.files().items():
        assert [word for word in private if len(word) > 4 and word.encode() in content] == [], path


def test_no_pickle_is_published(miniature):
    ends = {Path(path).suffix for path in miniature.files()}
    texts = {".json", ".jsonl", ".yaml", ".csv", ".txt", ".md", ".html", ".jinja", ""}
    assert ends <= texts | {".svg", ".png", ".safetensors"}


def test_a_record_says_what_was_read_run_and_written(miniature):
    record = read_json(miniature.folder / RECORDS / "train_sft/safety-mode/lora/1.json")
    assert record["rule"] == "train_sft" and record["wildcards"] == {"study": "safety-mode", "arm": "lora", "seed": "1"}
    assert {"scripts/train_sft.py", "scripts/abstain/models/resume.py", "envs/training.yaml"} <= set(record["code"])
    assert record["params"]["recipe"]["steps"] == 6
    assert record["numerics"]["MKL_CBWR"] == "COMPATIBLE" and record["device"] == "cpu"
    assert any(path.endswith("tokens.jsonl") for path in record["inputs"])


def test_a_control_is_an_arm_of_every_table_figure_and_page_and_has_no_checkpoint(miniature, small):
    study, results = small.resolved("do-not-answer"), miniature.folder / "results/pocket"
    said = controls(study)
    for name in ("tables/do-not-answer/summary.csv", "figures/do-not-answer/similarity.csv"):
        assert {*said} <= {row["arm"] for row in read_csv(results / name)}
    compared = {row["arm"] for row in read_csv(results / "tables/do-not-answer/comparisons.csv")}
    page, opening = ((results / path).read_text() for path in ("pages/do-not-answer/before-after.html", "README.md"))
    for arm in said:
        assert arm in compared and f"<th>{arm}" in page and f"{arm} says " in page and f"{arm} says " in opening
    assert not [path for path in results.glob("[ac]*/do-not-answer/*") if path.name in said]
    replies = read_jsonl(results / "predictions/do-not-answer/bare-refusal/unseeded/test.jsonl")
    assert {row["reply"] for row in replies} == {*study["targets"]["bare"]}


def test_both_arms_start_from_the_same_adapter_bytes(miniature):
    initial = "results/pocket/initial/safety-mode/standard/1/adapter_model.safetensors"
    read = [read_json(miniature.folder / RECORDS / f"train_sft/safety-mode/{arm}/1.json") for arm in ("lora", "qlora")]
    assert read[0]["inputs"][initial] == read[1]["inputs"][initial]


def test_the_resolved_records_are_published_with_every_key_of_every_study_and_of_the_scale(miniature, small):
    resolved = load(miniature.folder / "results/pocket/studies.yaml")
    assert resolved.pop("studies") == {study: small.resolved(study) for study in small.scale["studies"]}
    assert resolved == {key: small.scale[key] for key in ("scale", "device", "gate", "bases", "corpora")}


def test_a_planted_leak_stops_the_run_before_anything_is_trained(planned, small):
    planned.write(small.changed("asks/safety-mode/mixes/test/part", "train"))
    output = planned.snakemake("safety-mode", "--cores", "2", check=False)
    assert output.startswith("exit 1") and "shares with the evaluation" in output and "No arm is trained" in output
    assert not list((planned.folder / "results/pocket").glob("adapters/*/*/*/*"))
    logs = "".join(path.read_text() for path in (planned.folder / "logs").rglob("audit/*.log"))
    assert "Traceback" not in logs
