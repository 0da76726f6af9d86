"""What is concluded from records about a file that is not kept, whether it is there or not."""

import json
from pathlib import Path

import pytest

from abstain.finished.records import damage
from abstain.finished.remote import RemoteError
from abstain.jobs.agreement import _outputs_of_all, contradictions
from abstain.jobs.files import sha256
from abstain.jobs.numerics import EXACT
from abstain.verdicts.files import Verdict, judge_all
from abstain.verdicts.reference import Reference
from checksum import checksum
from pull import check_fetched

FOLDER = Path("results/tiny")
WEIGHTS, GATE = "checkpoints/a/model.safetensors", "checkpoints/a/gate.json"
MERGE, PREDICT, SUMS = "records/merge/a.json", "records/predict/a.json", "records/checksum.json"


def write_record(path: str, **values) -> None:
    record = {"rule": path.split("/")[1].removesuffix(".json"), "numerics": EXACT, "packages": {"match": True}}
    record |= {"params": {}, "inputs": {}, "outputs": {}, "code": {}, **values}
    (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
    (FOLDER / path).write_text(json.dumps(record))


@pytest.fixture(autouse=True)
def finished_run(tmp_path, monkeypatch) -> None:
    """A run of three jobs, whose weights are there at first."""
    monkeypatch.chdir(tmp_path)
    for name in (WEIGHTS, GATE):
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(name)
    hashes = {f"{FOLDER}/{name}": sha256(FOLDER / name) for name in (WEIGHTS, GATE)}
    write_record(MERGE, outputs=hashes)
    write_record(PREDICT, inputs={f"{FOLDER}/{WEIGHTS}": hashes[f"{FOLDER}/{WEIGHTS}"]})
    write_record(SUMS, params={"not_kept": [f"{FOLDER}/{WEIGHTS}"]})


def reference() -> Reference:
    """What is here now as what is published, in a list that does not hold the weights."""
    names = (GATE, MERGE, PREDICT, SUMS)
    kept = {name: (FOLDER / name).read_bytes() for name in names}
    return Reference({name: sha256(FOLDER / name) for name in names}, "here", committed=kept.get)


def test_the_list_holds_what_is_kept(tmp_path):
    records = [str(FOLDER / name) for name in (MERGE, PREDICT)]
    checksum(records, [f"{FOLDER}/{WEIGHTS}"], str(FOLDER / "SHA256SUMS"), "environment.json")
    listed = [line[66:] for line in (FOLDER / "SHA256SUMS").read_text().splitlines()]
    assert listed == [GATE, MERGE, PREDICT]


def test_a_file_that_is_not_kept_is_judged_by_its_record_where_it_is_there():
    published = reference()
    assert judge_all(FOLDER, published)[WEIGHTS] == Verdict("identical")
    (FOLDER / WEIGHTS).write_text("other")
    assert judge_all(FOLDER, published)[WEIGHTS].word == "different"
    (FOLDER / WEIGHTS).unlink()
    verdict = judge_all(FOLDER, published)[WEIGHTS]
    assert verdict == Verdict("not kept") and verdict.is_right


def test_one_that_came_out_otherwise_here_is_different_although_it_is_absent():
    published = reference()
    (FOLDER / WEIGHTS).unlink()
    write_record(MERGE, outputs={f"{FOLDER}/{WEIGHTS}": "0" * 64, f"{FOLDER}/{GATE}": sha256(FOLDER / GATE)})
    assert judge_all(FOLDER, published)[WEIGHTS].word == "different"


def test_only_a_file_that_is_kept_is_missed():
    (FOLDER / WEIGHTS).unlink()
    assert list(damage(FOLDER)) == []
    (FOLDER / GATE).unlink()
    assert list(damage(FOLDER)) == [(f"{FOLDER}/{GATE}", "is missing")]


def differs() -> list[str]:
    """Why predictions are old."""
    _outputs_of_all.cache_clear()  # as in another process
    record = json.loads((FOLDER / PREDICT).read_text())
    found = contradictions(record, {"envs/data.yaml"}, set(record["inputs"]), {})
    return [line for line in found if line.startswith("inputs")]


def test_predictions_from_weights_that_were_made_otherwise_since_are_old_although_the_weights_are_gone():
    (FOLDER / WEIGHTS).unlink()
    assert differs() == []
    write_record(MERGE, outputs={f"{FOLDER}/{WEIGHTS}": "0" * 64})
    assert differs() == [f"inputs: {FOLDER}/{WEIGHTS} has changed"]


def test_what_comes_from_outside_is_named_by_the_command_that_brings_it():
    """Nobody sends a fetched corpus or model: a pull says how to have them, and what is there is not asked for."""
    raw, base = f"{FOLDER}/raw/a/rows", f"{FOLDER}/bases/b"
    write_record("records/fetch/a.json", outputs={raw: "0" * 64})
    write_record(
        "records/unpack_base/b.json", outputs={f"{base}/{name}": "0" * 64 for name in ("config.json", "card.json")}
    )
    with pytest.raises(RemoteError) as caught:
        check_fetched(FOLDER, "config/tiny.yaml")
    command = f"snakemake {raw} {base}/config.json --cores 1 --configfile config/tiny.yaml"
    assert str(caught.value).splitlines() == [
        "corpora and models from outside are not sent; bring them, and run this again:",
        command,
    ]
    for name in (raw, f"{base}/config.json", f"{base}/card.json"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    check_fetched(FOLDER, "config/tiny.yaml")
