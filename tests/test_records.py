"""Records: what is committed of a run agrees with itself and with the files that are there, and follows its schema."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT, Settings, is_published, load
from records import faults

from abstain.jobs.files import read_json, read_jsonl, sha256
from abstain.jobs.numerics import EXACT
from abstain.studies.plan import jobs_of_scale, jobs_of_study

RESULTS = re.compile(r"results/([^/]+)/")
FETCHING, NETWORK = {"fetch", "fetch_base"}, {"HF_HUB_OFFLINE"}  # who may lift what of the exact numerics


@cache
def tracked(pattern: str) -> list[str]:
    """Paths of committed files."""
    listed = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


@pytest.fixture(scope="module")
def records() -> dict[str, dict]:
    """Every committed record by its path."""
    paths = tracked("results/*/records/*.json")
    assert len(paths) > 50
    return {path: read_json(ROOT / path) for path in paths}


@cache
def hash_of(path: str) -> str | None:
    """SHA-256 of a file of this tree; None for a result outside git, unless a run was made here that keeps it."""
    result = RESULTS.match(path)
    if result and path not in tracked("results") and not (is_published(result[1]) and is_kept(path)):
        return None
    return sha256(ROOT / path) if (ROOT / path).is_file() else "no such file"


def is_kept(path: str) -> bool:
    """Whether a result is listed, which temporary weights are not."""
    folder = RESULTS.match(path)[0]
    return path.removeprefix(folder) in listed_in(folder)


@cache
def listed_in(folder: str) -> set[str]:
    """The files that the list of hashes in a folder names."""
    return {line[66:] for line in (ROOT / folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}


@pytest.fixture(scope="module")
def written(records) -> dict[str, str]:
    """The hash of every output, from the record of the job that wrote it; no two jobs write the same file."""
    pairs = [pair for record in records.values() for pair in record["outputs"].items()]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


@pytest.mark.parametrize("scale", ["pocket", "small"])
def test_the_files_that_are_here_are_those_that_the_jobs_read_ran_and_wrote(records, scale):
    compared = 0
    for path, record in records.items():
        if not path.startswith(f"results/{scale}/"):
            continue
        hashes = {**record["code"], **record["inputs"], **record["outputs"]}
        present = {name: value for name, value in hashes.items() if hash_of(name) is not None}
        assert [name for name in sorted(present) if hash_of(name) != hashes[name]] == [], path
        compared += len(present)
    assert compared > 300


def test_what_a_job_read_of_the_results_is_what_another_one_wrote(records, written):
    compared = 0
    for path, record in records.items():
        read = {name: value for name, value in record["inputs"].items() if RESULTS.match(name) and name not in records}
        assert [name for name in sorted(read) if written.get(name) != read[name]] == [], path
        compared += len(read)
    assert compared > 100


def test_the_lists_of_hashes_hold_every_record_and_what_it_wrote_and_nothing_else(records, written):
    lists = tracked("results/*/SHA256SUMS")
    assert lists
    for path in lists:
        folder = str(Path(path).parent)
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        listed = {f"{folder}/{line[66:]}": line[:64] for line in lines}
        made = {name: value for name, value in written.items() if name.startswith(f"{folder}/")}
        made |= {name: hash_of(name) for name in records if name.startswith(f"{folder}/")}
        last = f"{folder}/records/checksum.json"
        left_out = {path, last, *records[last]["params"]["not_kept"]}
        assert len(lines) == len(listed) > 100
        assert listed == {name: made[name] for name in made if name not in left_out}


def test_a_record_is_where_its_rule_and_wildcards_say(records):
    for path, record in records.items():
        rule, *wildcards = path.removesuffix(".json").split("/")[3:]
        assert rule == record["rule"] and sorted(wildcards) == sorted(record["wildcards"].values()), path


def test_every_job_of_the_published_studies_has_its_record_and_nothing_else_has_one(records):
    resolved = [Path(path) for path in tracked("results/*/studies.yaml")]
    assert resolved
    for path in resolved:
        scale = load(ROOT / path)
        jobs = [*jobs_of_scale(scale), *(job for name in scale["studies"].items() for job in jobs_of_study(*name))]
        jobs += [("describe", {}), ("checksum", {})]
        folder = path.parent / "records"
        expected = {f"{folder}/{'/'.join((rule, *wildcards.values()))}.json" for rule, wildcards in jobs}
        assert {record for record in records if record.startswith(f"{folder}/")} == expected


@pytest.mark.parametrize("file", ["config.yaml", "config/small.yaml"])
def test_what_is_published_was_made_of_the_studies_as_they_are_now(file):
    settings = Settings.read(ROOT / file)
    resolved = load(ROOT / f"results/{settings.scale['scale']}/studies.yaml")
    assert resolved.pop("studies") == {study: settings.resolved(study) for study in settings.scale["studies"]}
    assert resolved == {key: settings.scale[key] for key in resolved}


def test_every_committed_record_follows_the_schema_and_was_made_under_the_exact_numerics(records):
    for path, record in records.items():
        assert faults(record, "record") == [], path
        lifted = {name: record["numerics"][name] for name in NETWORK} if record["rule"] in FETCHING else {}
        assert record["numerics"] == {**EXACT, **lifted}, path


def test_every_record_and_every_example_of_a_run_follows_its_schema(miniature):
    results = miniature.folder / "results"
    found = sorted(results.glob("*/records/**/*.json"))
    assert len(found) > 30
    assert {str(path): wrong for path in found if (wrong := faults(read_json(path), "record"))} == {}
    files = {step: sorted(results.glob(f"*/{step}/**/examples.jsonl")) for step in ("corpora", "splits")}
    assert all(files.values())
    for step, paths in files.items():
        for path in paths:
            for row in read_jsonl(path):
                assert faults(row, step) == [], (path, row["id"])
