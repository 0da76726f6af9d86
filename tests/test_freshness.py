"""What counts as finished: the records decide, whatever the times of files say and without any notes of Snakemake's."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Project, Settings
from plans import TABLES, jobs, plan, rules
from repositories import cloned, committed

from abstain.jobs.files import read_json, write_json
from abstain.jobs.stamps import OLDER
from abstain.settings.arms import trained_arms
from abstain.studies.plan import jobs_of_scale, jobs_of_study

RESULTS = "results/pocket"
RATE = "studies/safety-mode/recipes/standard/learning_rate"
TOKENS = f"{RESULTS}/rendered/safety-mode/test/tokens.jsonl"
REPLIES = f"{RESULTS}/predictions/safety-mode/base/unseeded/test.jsonl"
BETWEEN = """
import yaml

module abstain:
    snakefile: "{project}/Snakefile"
    config: yaml.safe_load(open("{project}/config.yaml"))

use rule * from abstain

onstart:
    shell("{python} {change}")
"""

CHANGE = """
import os
from pathlib import Path

tokens = Path({tokens!r})
content, times = tokens.read_bytes(), tokens.stat()
place = content.rindex(b"]") - 1
tokens.write_bytes(content[:place] + (b"1" if content[place:place + 1] == b"2" else b"2") + content[place + 1 :])
os.utime(tokens, ns=(times.st_atime_ns, times.st_mtime_ns))
"""


def at_one_time(folder: Path) -> None:
    """Give every file the same time of whole seconds, as `git archive`, zip and some disks have it."""
    for path in folder.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))


@pytest.fixture(scope="module")
def archive(miniature, tmp_path_factory) -> Project:
    """A finished run as it comes out of an archive: one time on all files, and nothing of Snakemake's own."""
    project = Project.copied(miniature.folder, tmp_path_factory.mktemp("archive") / "project")
    for name in (".snakemake", ".scratch", "logs", "benchmarks"):
        shutil.rmtree(project.folder / name)
    at_one_time(project.folder)
    return project


@contextmanager
def unnoticed(project: Project, *paths: str, change: Callable[[bytes], bytes]) -> Iterator[None]:
    """Files with other bytes at their old times; then as they were."""
    kept = {path: ((project.folder / path).read_bytes(), (project.folder / path).stat()) for path in paths}

    def write(path: str, content: bytes) -> None:
        (project.folder / path).write_bytes(content)
        os.utime(project.folder / path, ns=(kept[path][1].st_atime_ns, kept[path][1].st_mtime_ns))

    try:
        for path, (content, _) in kept.items():
            write(path, change(content))
        yield
    finally:
        for path, (content, _) in kept.items():
            write(path, content)


def flipped(content: bytes) -> bytes:
    """One bit in the middle of a file the other way, at its old size."""
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def reasons(output: str) -> set[tuple[str, str]]:
    """Every reason that is printed, with the record that it is about."""
    return set(re.findall(rf"^{RESULTS}/records/(\S+)\.json: (.*)$", output, re.MULTILINE))


def trained_jobs(settings: Settings, study: str) -> set[str]:
    """The jobs of a study from training on, and what the scale makes of them."""
    record = settings.resolved(study)
    planned = {
        f"{rule} {'/'.join(wildcards.values())}"
        for rule, wildcards in jobs_of_study(study, record)
        if rule in TABLES or rule != "initialise" and wildcards.get("arm") in trained_arms(record)
    }
    return planned | {"resolve", "describe", "checksum", "all"}


def test_an_unpacked_archive_of_a_finished_run_has_nothing_to_do(archive):
    assert "Nothing to be done" in plan(archive)
    assert "Nothing to be done" in archive.snakemake("--cores", "1")


def test_a_changed_setting_plans_exactly_its_jobs_and_says_why_and_touch_does_not_bless_it(archive, small, tmp_path):
    project, changed = Project.copied(archive.folder, tmp_path / "project"), small.changed(RATE, 0.3)
    project.write(changed)
    at_one_time(project.folder)
    expected, said = trained_jobs(small, "safety-mode"), plan(project)
    before = f"recipe.learning_rate: {small.values('safety-mode')['recipes']['standard']['learning_rate']}"
    assert jobs(said) == expected and len(expected) > 10
    assert {(job, text) for job, text in reasons(said) if "train_sft" in job} == {
        (f"train_sft/safety-mode/{arm}/1", f"params.{before} in the record, 0.3 now") for arm in ("lora", "qlora")
    }
    project.snakemake("--touch", "--cores", "1")
    assert jobs(plan(project)) == expected


@pytest.mark.parametrize(
    ("path", "again"),
    [
        ("scripts/abstain/tables/summary.py", TABLES),
        ("envs/generation.yaml", {"predict", "score_text", "score_embedding"} | TABLES),
        ("report/results.md.jinja", {"describe", "checksum", "all"}),
    ],
    ids=["a program", "packages", "a template"],
)
def test_another_line_of_what_a_job_runs_or_reads_plans_its_jobs_at_any_time(archive, path, again):
    with unnoticed(archive, path, change=lambda content: content + b"# edited\n"):
        said = plan(archive)
    assert rules(said) == again
    assert {text.split(": ", 1)[1] for _, text in reasons(said)} >= {f"{path} has changed"}


def test_a_flipped_bit_of_any_file_plans_the_job_that_wrote_it(archive):
    records = [read_json(path) for path in (archive.folder / RESULTS / "records").rglob("*.json")]
    written = sorted(name for record in records for name, content in record["outputs"].items())
    filled = [name for name in written if (archive.folder / name).stat().st_size]
    with unnoticed(archive, *filled, change=flipped):
        said = reasons(plan(archive))
    found = {text for _, text in said if text.startswith("outputs: ")}
    assert found == {f"outputs: {name} is not what the job wrote" for name in filled} and len(filled) > 90


def test_a_finished_run_of_an_older_version_is_planned_whole_with_one_reason_for_each_job(archive, tmp_path):
    """As after an upgrade: the records of before did not say which packages a job had."""
    project = Project.copied(archive.folder, tmp_path / "project")
    paths = sorted((project.folder / RESULTS / "records").rglob("*.json"))
    for path in paths:
        write_json(path, {key: value for key, value in read_json(path).items() if key != "packages"})
    at_one_time(project.folder)
    said = plan(project)
    every = {path.relative_to(project.folder / RESULTS / "records").with_suffix("").as_posix() for path in paths}
    assert reasons(said) == {(job, OLDER) for job in every} and len(every) > 40
    assert {job.replace(" ", "/") for job in jobs(said)} == every | {"all"} and "Traceback" not in said


def test_a_record_of_another_setting_of_another_version_or_cut_off_plans_its_job(archive):
    other, older, torn = "train_sft/safety-mode/lora/1", "score_text/safety-mode/base/unseeded/test/refusal", "resolve"
    paths = {job: f"{RESULTS}/records/{job}.json" for job in (other, older, torn)}
    with (
        unnoticed(archive, paths[other], change=lambda content: content.replace(b'"seed": 1\n', b'"seed": 2\n', 1)),
        unnoticed(archive, paths[older], change=lambda content: b"{}\n"),
        unnoticed(archive, paths[torn], change=lambda content: content[: len(content) // 2]),
    ):
        said = plan(archive)
    assert {job.replace(" ", "/") for job in jobs(said)} >= {other, older, torn}
    assert reasons(said) >= {
        (other, "params.seed: 2 in the record, 1 now"),
        (older, OLDER),
        (torn, OLDER),
    }


def test_in_what_git_tracks_alone_everything_that_is_absent_is_planned_and_touch_does_not_hide_it(
    miniature, small, tmp_path
):
    clone = cloned(committed(miniature, tmp_path / "origin"), tmp_path / "clone")
    at_one_time(clone.folder)
    assert not (clone.folder / REPLIES).exists() and (clone.folder / RESULTS / "SHA256SUMS").exists()
    studies = {name: small.resolved(name) for name in small.scale["studies"]}
    every = [*jobs_of_scale(small.scale), *(job for name in studies for job in jobs_of_study(name, studies[name]))]
    absent = {" ".join(filter(None, [rule, "/".join(wildcards.values())])) for rule, wildcards in every}
    absent -= {"resolve", "check_detector"}  # whose files are all in Git
    expected = absent | {"describe", "checksum", "all"}
    assert jobs(plan(clone)) == expected
    clone.snakemake("--touch", "--cores", "1", check=False)
    assert jobs(plan(clone)) == expected


def test_a_file_that_changes_between_the_plan_and_a_job_stops_the_job_before_it_works(archive, tmp_path):
    """Another Snakefile changes a token once the jobs are planned, as a person or another program could."""
    project, change = Project.copied(archive.folder, tmp_path / "project"), tmp_path / "change.py"
    change.write_text(CHANGE.format(tokens=TOKENS))
    before = (project.folder / TOKENS).read_bytes()
    (project.folder / REPLIES).unlink()
    outer = BETWEEN.format(project=project.folder, python=sys.executable, change=change)
    (project.folder / "outer.smk").write_text(outer)
    said = project.snakemake("--cores", "1", "--snakefile", "outer.smk", REPLIES, check=False)
    after = (project.folder / TOKENS).read_bytes()
    assert after != before and len(after) == len(before)
    assert said.startswith("exit 1")
    assert f"predict: {TOKENS} has changed since render made it: bring it back, or delete it and run again" in said
    assert not (project.folder / REPLIES).exists() and "batch 1 of" not in said and "Traceback" not in said
    assert jobs(plan(project)) >= {"render safety-mode/test", "predict safety-mode/base/unseeded/test"}
