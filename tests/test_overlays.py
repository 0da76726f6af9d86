"""Overlays: a scale in one file or several, each study in a file of its own, and faults with the file that has them."""

import json
from collections.abc import Mapping
from os.path import commonprefix
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Settings, load, put
from damages import alone, faults_of
from snakemake.utils import update_config

from abstain.jobs.files import read_json
from abstain.studies.check import check_files, read_studies


@pytest.fixture
def one(pocket, tmp_path, monkeypatch) -> Settings:
    """A scale with one study, written into the working directory."""
    monkeypatch.chdir(tmp_path)
    settings = alone(pocket, "safety-mode")
    settings.write(Path())
    return settings


def read(*files: str, command_line: Mapping = {}) -> dict:
    """The studies of a scale in several files, merged as Snakemake merges them."""
    check_files(paths := [Path(file) for file in files], command_line)
    config: dict = {}
    for path in paths:
        update_config(config, load(path))
    update_config(config, dict(command_line))
    return read_studies(config, paths, ROOT, is_main=True)


def faults(*files: str, **command_line) -> list[str]:
    return faults_of(lambda: read(*files, command_line=command_line))


def write(path: str, value: dict | str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(value if isinstance(value, str) else yaml.safe_dump(value, sort_keys=False), encoding="utf-8")


def of_study(**values) -> dict:
    return {"studies": {"safety-mode": values}}


# Where a study's file is


@pytest.mark.parametrize("folder", ["", "mine/", "mine/scales/"])
def test_a_path_to_a_study_file_starts_at_the_file_that_names_it(one, folder):
    asked = one.asks("safety-mode")
    write(f"{folder}scale.yaml", put(one.scale, "studies/safety-mode/file", "asks/a.yaml"))
    write(f"{folder}asks/a.yaml", {**asked, "question": "Is it this one?"})
    assert read(f"{folder}scale.yaml")["safety-mode"]["question"] == "Is it this one?"
    Path(f"{folder}asks/a.yaml").unlink()
    assert faults(f"{folder}scale.yaml")[0].startswith(f"{folder}asks/a.yaml: No such file")


def test_a_path_may_lead_upwards_or_start_at_the_root(one, tmp_path):
    (name,) = one.files
    for folder, file in (("mine/scale.yaml", f"../{name}"), ("yours/scale.yaml", str(tmp_path / name))):
        write(folder, put(one.scale, "studies/safety-mode/file", file))
        assert read(folder)["safety-mode"] == one.resolved("safety-mode")


def test_of_several_files_that_name_a_study_file_the_last_one_wins_and_its_folder_counts(one):
    asked = one.asks("safety-mode")
    for folder in ("first", "second"):
        write(f"{folder}/mine.yaml", of_study(file="own.yaml"))
        write(f"{folder}/own.yaml", {**asked, "question": f"Is it the {folder}?"})
    questions = {
        ("config.yaml", "first/mine.yaml"): "Is it the first?",
        ("config.yaml", "first/mine.yaml", "second/mine.yaml"): "Is it the second?",
        ("config.yaml", "second/mine.yaml", "first/mine.yaml"): "Is it the first?",
        ("first/mine.yaml", "config.yaml"): asked["question"],
    }
    for files, question in questions.items():
        assert read(*files)["safety-mode"]["question"] == question


def test_an_overlay_in_another_folder_that_names_no_file_leaves_the_study_file_where_it_was(one):
    write("elsewhere/mine.yaml", of_study(seeds=[7]))
    study = read("config.yaml", "elsewhere/mine.yaml")["safety-mode"]
    assert study == {**one.resolved("safety-mode"), "seeds": [7]}


# What an overlay may change


def test_an_overlay_changes_values_of_the_scale_and_nothing_else_changes(one):
    write("mine.yaml", {"device": "cuda", **of_study(recipes={"standard": {"steps": 9}})})
    changed = put(one.resolved("safety-mode"), "recipes/standard/steps", 9)
    assert read("config.yaml", "mine.yaml")["safety-mode"] == changed
    write("more.yaml", of_study(recipes={"standard": {"steps": 8}}))
    assert read("config.yaml", "mine.yaml", "more.yaml")["safety-mode"]["recipes"]["standard"]["steps"] == 8


@pytest.mark.parametrize("key", load(ROOT / "schemas/study.yaml")["required"])
def test_what_a_study_asks_is_refused_in_an_overlay_with_its_line(one, key):
    asked = json.dumps({key: one.asks("safety-mode")[key]})[1:-1]
    write("mine.yaml", f"studies:\n  safety-mode:\n    seeds: [1]\n    {asked}\n")
    (said,) = faults("config.yaml", "mine.yaml")
    assert said.startswith(f"mine.yaml, line 4: studies.safety-mode.{key}: unknown key '{key}'; remove it; allowed: ")


def test_studies_are_refused_on_the_command_line_with_advice(one):
    (said,) = faults("config.yaml", studies={"safety-mode": {"seeds": [1]}})
    assert said.startswith("--config studies=") and "--configfile config.yaml mine.yaml" in said
    assert faults("config.yaml", device="cuda") == []


def test_a_value_of_the_command_line_that_is_wrong_is_named_there_and_not_in_a_file(one):
    (said,) = faults("config.yaml", gate=1)
    assert said.startswith("--config gate: found 1, which is not a map of keys")
    (said,) = faults("config.yaml", devise="cuda")
    assert said.startswith("--config devise: unknown key 'devise'")


def test_an_overlay_without_its_scale_is_refused_with_the_way_to_give_both(one):
    write("mine.yaml", "device: cuda\n")
    (said,) = faults("mine.yaml")
    assert said.startswith("mine.yaml: there is no ") and ", no studies" in said
    assert said.endswith("; an overlay comes after its scale: --configfile config.yaml mine.yaml")


def test_a_torn_overlay_is_refused_by_its_own_name(one):
    write("mine.yaml", "studies:\n\tsafety-mode:\n")
    (said,) = faults("config.yaml", "mine.yaml")
    assert said.startswith("mine.yaml, line 2")
    assert faults("config.yaml", "none.yaml")[0].startswith("none.yaml: No such file")


# Where a fault is


def planted(tmp_path: Path, path: str, before: str, after: str) -> Path:
    """A copy of the project's configuration in which one text of a file is another."""
    for file in (ROOT / "config.yaml", *(ROOT / "config/studies").iterdir()):
        write(str(tmp_path / file.relative_to(ROOT)), file.read_text(encoding="utf-8"))
    text = (tmp_path / path).read_text(encoding="utf-8")
    assert text.count(before) == 1
    write(str(tmp_path / path), text.replace(before, after))
    return tmp_path / path


QUESTIONS, SAFETY = "config/studies/do-not-answer.yaml", "config/studies/safety-mode.yaml"
WITHIN = "metric: correct-refusal\n    kind: all\n    mix: test\n    condition: plain\n    arms: [qlora, lora]"
PLANTED = {
    "a value in braces of the scale": (
        "config.yaml", "rank: 32, alpha: 64", "rank: 0, alpha: 64", "studies.do-not-answer.adapters.standard.rank",
    ),
    "a key of the scale": (
        "config.yaml", "max_length: 384", "max_lenght: 384", "studies.missing-context.recipes.standard.max_lenght",
    ),
    "a name in the scale": (
        "config.yaml", "do-not-answer.yaml\n    base: pocket", "do-not-answer.yaml\n    base: pockt",
        "studies.do-not-answer.base",
    ),
    "a size in the scale": (
        "config.yaml", "ambiguous: {rows: 96", "ambiguous: {rows: most",
        "studies.safety-mode.sizes.standard.ambiguous.rows",
    ),
    "an arm that the scale compares": (
        "config.yaml", "[base, lora]", "[base, lor]", "studies.safety-mode.compared.1",
    ),
    "a value of a study": (
        SAFETY, "part: test\n    seed: 1", "part: test\n    seed: one", "mixes.test.seed",
    ),
    "a value in braces of a study": (
        SAFETY, "benign, prompt: absent, should: answer", "benign, prompt: absent, should: anser",
        "mixes.test.rows.7.should",
    ),
    "a name in a study": (QUESTIONS, "arms: [qlora, base]", "arms: [qlora, bas]", "claims.0.arms.1"),
    "a text of a study": (
        QUESTIONS, "with that.\\nCategory: {risk_area}", "with that.\\nCategory: {risk area}", "targets.refusal.0",
    ),
    "a metric of a claim": (QUESTIONS, WITHIN, WITHIN.replace("refusal", "refusals"), "claims.5.metric"),
    "a condition of a figure": (SAFETY, "gaps: [standard, moved,", "gaps: [standard, move,", "figures.gap.gaps.1"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "before", "after", "where"), PLANTED.values(), ids=PLANTED)
def test_a_fault_has_its_file_its_line_and_its_key(tmp_path, monkeypatch, path, before, after, where):
    """The files as committed, with their comments and their own ways of writing; a fault is planted by its text."""
    monkeypatch.chdir(tmp_path)
    text = planted(tmp_path, path, before, after).read_text(encoding="utf-8")
    same = commonprefix([before, after])
    line = text[: text.index(after) + len(same)].count("\n") + 1
    assert [fault.split(": ")[:2] for fault in faults("config.yaml")] == [[f"{path}, line {line}", where]]


def test_a_fault_of_an_overlay_has_its_line_there_and_one_of_two_overlays_that_of_the_last(one):
    write("mine.yaml", "# mine\nstudies:\n  safety-mode:\n    recipes:\n      standard:\n        steps: 0\n")
    write("more.yaml", "device: cpu\nstudies: {safety-mode: {recipes: {standard: {\n  save_steps: 5, steps: -1}}}}\n")
    where = "studies.safety-mode.recipes.standard.steps: found"
    assert faults("config.yaml", "mine.yaml")[0].startswith(f"mine.yaml, line 6: {where} 0")
    assert faults("config.yaml", "mine.yaml", "more.yaml")[0].startswith(f"more.yaml, line 3: {where} -1")
    write("mine.yaml", of_study(base="bigger"))
    assert faults("config.yaml", "mine.yaml")[0].startswith(
        "mine.yaml, line 3: studies.safety-mode.base: there is no base"
    )
    write("mine.yaml", of_study(recipes={"fast": {"method": "sft"}}))
    assert all(
        fault.startswith("mine.yaml, line 4: studies.safety-mode.recipes.fast: ")
        for fault in faults("config.yaml", "mine.yaml")
    )


# The workflow itself


def test_snakemake_reads_an_overlay_of_another_folder_and_refuses_studies_on_the_command_line(planned):
    mine, asked = planned.folder / "elsewhere/mine.yaml", planned.folder / "elsewhere/asks.yaml"
    record = load(planned.folder / "config/studies/safety-mode.yaml")
    write(str(asked), {**record, "question": "Is it read?"})
    write(str(mine), of_study(file="asks.yaml", seeds=[5]))
    resolved = "results/pocket/studies.yaml"
    files = ["--configfile", "config.yaml", "elsewhere/mine.yaml"]
    planned.snakemake(resolved, "--cores", "1", *files)
    study = load(planned.folder / resolved)["studies"]["safety-mode"]
    assert (study["question"], study["seeds"], study["arms"]) == ("Is it read?", [5], record["arms"])
    assert read_json(planned.folder / "results/pocket/records/resolve.json")["rule"] == "resolve"
    write(str(mine), of_study(claims=[]))
    output = planned.snakemake(resolved, "--cores", "1", *files, check=False)
    assert (
        "elsewhere/mine.yaml, line 3: studies.safety-mode.claims: unknown key" in output and "Traceback" not in output
    )
    output = planned.snakemake(resolved, "--cores", "1", "--config", "studies={}", check=False)
    assert "--config studies=...: studies are not changed" in output and "Traceback" not in output
