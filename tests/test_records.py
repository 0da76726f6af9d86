"""Records: what is committed of a run agrees with itself and with the files that are there, and has a schema."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, is_published
from jsonschema import Draft202012Validator
from test_config import put

from abstain.files import read_json, read_jsonl, sha256
from abstain.numerics import EXACT

SCHEMAS = {
    name: yaml.safe_load((ROOT / "schemas" / f"{name}.yaml").read_text(encoding="utf-8"))
    for name in ("record", "example")
}
VALIDATORS = {
    "record": Draft202012Validator(SCHEMAS["record"]),
    "corpora": Draft202012Validator(SCHEMAS["example"]),
    "splits": Draft202012Validator({**SCHEMAS["example"], "$ref": "#/$defs/of_mix"}),
}
RESULTS = re.compile(r"results/[^/]+/")
FETCHING, NETWORK = {"fetch", "fetch_base"}, {"HF_HUB_OFFLINE"}  # who may lift what of the exact numerics


@cache
def tracked(pattern: str) -> list[str]:
    """Paths of committed files."""
    listed = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def faults(value: dict, schema: str) -> list[str]:
    """What a schema says against a value, with the place."""
    return [f"{error.json_path}: {error.message}" for error in VALIDATORS[schema].iter_errors(value)]


@pytest.fixture(scope="module")
def records() -> dict[str, dict]:
    """Every committed record by its path."""
    paths = tracked("results/*/records/*.json")
    assert len(paths) > 50
    return {path: read_json(ROOT / path) for path in paths}


@cache
def hash_of(path: str) -> str | None:
    """SHA-256 of a file of this tree; None for a result outside git, unless the published run was made here."""
    kept = not RESULTS.match(path) or path in tracked("results")
    if not kept and not is_published():
        return None
    return sha256(ROOT / path) if (ROOT / path).is_file() else "no such file"


@pytest.fixture(scope="module")
def written(records) -> dict[str, str]:
    """The hash of every output, from the record of the job that wrote it; no two jobs write the same file."""
    pairs = [pair for record in records.values() for pair in record["outputs"].items()]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def test_the_files_that_are_here_are_those_that_the_jobs_read_ran_and_wrote(records):
    compared = 0
    for path, record in records.items():
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
        assert len(lines) == len(listed) > 100
        assert listed == {name: made[name] for name in made if name not in (path, f"{folder}/records/checksum.json")}


def test_a_record_stands_where_its_rule_and_wildcards_say(records):
    for path, record in records.items():
        assert path.removesuffix(".json").split("/")[3] == record["rule"], path
        assert sorted(path.removesuffix(".json").split("/")[4:]) == sorted(record["wildcards"].values()), path


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


# The schemas themselves: they refuse what they should, and say what each key is

HASH = "0" * 64
GOOD_RECORD = {
    "rule": "train_sft",
    "wildcards": {"study": "safety-mode", "arm": "lora", "seed": "1"},
    "inputs": {"models/pocket/model.safetensors": HASH},
    "code": {"scripts/train_sft.py": HASH},
    "params": {"anything": {"goes": [1, None]}},
    "outputs": {"results/pocket/adapters/x.safetensors": HASH},
    "numerics": {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": None},
    "device": "cpu",
}
USER, SYSTEM = ({"role": role, "content": "Why?"} for role in ("user", "system"))
OF_CORPUS = {"id": "a", "kind": "benign", "question": "Why?", "source": "mine", "topic": {"any": 1}}
OF_MIX = {**OF_CORPUS, "request": "a", "condition": "plain", "messages": [SYSTEM, USER]}
TO_TRAIN, TO_EVALUATE = {**OF_MIX, "target": "No."}, {**OF_MIX, "should": "refuse"}


@pytest.mark.parametrize(
    ("where", "value"),
    [(key, ...) for key in GOOD_RECORD]
    + [
        ("started", "today"),
        ("rule", "train-sft"),
        ("wildcards/colour", "red"),
        ("wildcards/seed", 1),
        ("wildcards/seed", "one"),
        ("wildcards/arm", "a/b"),
        ("inputs", {"/home/me/model.safetensors": HASH}),
        ("inputs/models", None),
        ("outputs", {}),
        ("outputs/x", HASH[1:]),
        ("outputs/x", HASH.upper().replace("0", "F")),
        ("code", {}),
        ("params", []),
        ("numerics/OMP_NUM_THREADS", 1),
        ("numerics/threads", "1"),
        ("device", ""),
    ],
)
def test_the_schema_of_records_refuses(where, value):
    assert faults(GOOD_RECORD, "record") == []
    assert len(faults(put(GOOD_RECORD, where, value), "record")) == 1


@pytest.mark.parametrize(
    ("step", "good"),
    [
        ("corpora", OF_CORPUS),
        ("corpora", {**OF_CORPUS, "target": ["a corpus's own"], "messages": None}),
        ("splits", TO_TRAIN),
        ("splits", TO_EVALUATE),
        ("splits", {**TO_TRAIN, "messages": [USER]}),
    ],
)
def test_the_schema_of_examples_knows_rows_of_corpora_and_of_mixes(step, good):
    assert faults(good, step) == []


@pytest.mark.parametrize("step", ["corpora", "splits"])
@pytest.mark.parametrize("key", ["id", "kind", "question", "source"])
@pytest.mark.parametrize("value", [..., "", 7, None])
def test_an_example_without_what_all_examples_have_is_refused(step, key, value):
    assert len(faults(put(TO_EVALUATE, key, value), step)) == 1


@pytest.mark.parametrize(
    ("good", "where", "value"),
    [(TO_EVALUATE, key, ...) for key in ("request", "condition", "messages", "should")]
    + [
        (TO_TRAIN, "target", ...),
        (TO_TRAIN, "target", ""),
        (TO_TRAIN, "should", "answer"),
        (TO_EVALUATE, "should", "obey"),
        (TO_EVALUATE, "messages", []),
        (TO_EVALUATE, "messages", [USER, USER]),
        (TO_EVALUATE, "messages", [SYSTEM]),
        (TO_EVALUATE, "messages/1/name", "me"),
        (TO_EVALUATE, "messages/1/content", " "),
    ],
)
def test_a_row_of_a_mix_that_is_not_as_it_should_be_is_refused(good, where, value):
    assert len(faults(put(good, where, value), "splits")) == 1


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_is_valid_and_describes_every_key(schema):
    Draft202012Validator.check_schema(schema)
    listing = [schema, *schema["$defs"].values(), *schema.get("properties", {}).values()]
    keys = {key: inner for part in listing for key, inner in part.get("properties", {}).items()}
    for key in ("role", "content"):  # of a message; said where it stands
        keys.pop(key, None)
    assert len(keys) > 8 and [key for key, inner in keys.items() if not inner.get("description")] == []
