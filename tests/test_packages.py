"""Packages: a version that is not locked is refused or declared, another build is the same, and looking is quick."""

import sys
import time
from importlib import metadata
from pathlib import Path

import pytest
from conftest import ROOT

from abstain.jobs.agreement import contradictions
from abstain.jobs.files import read_json, sha256
from abstain.jobs.machine import describe_machine
from abstain.jobs.numerics import EXACT
from abstain.jobs.packages import VARIABLE, VersionError, check_declared, check_packages, folders, locked, version_of
from abstain.studies.check import check_places
from checksum import ContradictionError, agreed_hashes, checksum

ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
LOCK = """\
dependencies:
  - python=3.11
  - pip:
      - Odd.Name==1.2.post1
        --hash=sha256:0
      - even==3+cpu
"""


@pytest.fixture
def environment(tmp_path, monkeypatch) -> Path:
    """An environment of two packages, both installed as locked in a folder that comes first on the path."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    install(tmp_path, "odd_name-1.2.post1")
    install(tmp_path, "even-3+cu126")
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/x.yaml").write_text(LOCK)
    return tmp_path / "envs/x.yaml"


def install(folder: Path, name: str, wheel: str = "Root-Is-Purelib: true") -> Path:
    place = folder / f"site/{name}.dist-info"
    place.mkdir(parents=True)
    (place / "WHEEL").write_text(f"Wheel-Version: 1.0\n{wheel}\n")
    return place


def test_names_and_versions_of_all_that_is_installed_are_those_that_importlib_finds():
    found = {name: version_of(folder) for name, folder in folders().items()}
    for path in ENVIRONMENTS:
        for name in locked(path.read_text()):
            if name in found:
                assert found[name] == metadata.version(name), name
    assert len(found) > 100


@pytest.mark.parametrize("path", [path for path in ENVIRONMENTS if "cuda" not in path.name], ids=lambda path: path.stem)
def test_what_is_installed_here_is_what_every_environment_locks_and_looking_takes_under_50_ms(path):
    check_packages(path)  # folders are then known to the system, as to a run of many jobs
    taken = []
    for _ in range(5):
        started = time.process_time()
        assert check_packages(path) == {"lock": sha256(path), "match": True}
        taken.append(time.process_time() - started)
    assert min(taken) < 0.05


def test_the_names_of_packages_are_compared_however_they_are_written_and_builds_are_the_same(environment):
    assert locked(LOCK) == {"odd-name": "1.2.post1", "even": "3+cpu"}
    assert check_packages(environment) == {"lock": sha256(environment), "match": True}


def other(environment: Path) -> None:
    """Install another version of a package than is locked."""
    place = environment.parents[1] / "site"
    (place / "odd_name-1.2.post1.dist-info").rename(place / "odd_name-1.3.dist-info")


def test_another_version_is_refused_in_one_sentence_with_both_versions_and_the_way_to_declare_it(environment):
    other(environment)
    with pytest.raises(VersionError) as caught:
        check_packages(environment)
    assert str(caught.value) == (
        f"odd-name 1.3 is installed and {environment} locks 1.2.post1: install what is locked (`make .venv`), "
        f"or declare what you have with {VARIABLE}=odd-name==1.3"
    )


@pytest.mark.parametrize("pins", ["odd-name==1.3", "unrelated==1, Odd_Name==1.3", "odd-name==1.3 even==3"])
def test_a_declared_version_is_let_pass_and_recorded(environment, monkeypatch, pins):
    other(environment)
    monkeypatch.setenv(VARIABLE, pins)
    assert check_packages(environment) == {"lock": sha256(environment), "match": ["odd-name==1.3"]}


@pytest.mark.parametrize(
    ("pins", "says"),
    [
        ("odd-name==1.4", f"odd-name 1.3 is installed and {VARIABLE} declares 1.4"),
        ("even==4", "odd-name 1.3 is installed and .* locks 1.2.post1"),
        ("odd-name", f"{VARIABLE} holds 'odd-name', which declares no version; write "),
        ("1", f"{VARIABLE} holds '1', which declares no version; write "),
    ],
)
def test_a_declaration_that_is_not_what_is_installed_is_refused(environment, monkeypatch, pins, says):
    other(environment)
    monkeypatch.setenv(VARIABLE, pins)
    with pytest.raises(VersionError, match=says):
        check_packages(environment)


@pytest.mark.parametrize(
    ("pins", "says"),
    [
        ("odd-name", f"{VARIABLE} holds 'odd-name', which declares no version; write "),
        ("odd-name==1.4", f"odd-name 1.2.post1 is installed and {VARIABLE} declares 1.4: declare what is installed"),
        ("odd-named==1", f"odd-named is not installed and {VARIABLE} declares 1: declare what is installed"),
    ],
)
def test_a_declaration_that_nothing_installed_meets_is_refused_in_one_sentence_before_anything_is_planned(
    environment, pocket, monkeypatch, pins, says
):
    monkeypatch.setenv(VARIABLE, pins)
    with pytest.raises(VersionError, match=f"^{says}.*$"):
        check_places(pocket.scale, ROOT, {})
    monkeypatch.setenv(VARIABLE, "Odd_Name==1.2.post1, even==3")
    check_declared()


def test_a_package_that_is_not_installed_is_left_to_the_job_unless_it_is_declared(environment, monkeypatch):
    (environment.parents[1] / "site/odd_name-1.2.post1.dist-info").rename(environment.parent / "away")
    assert check_packages(environment)["match"] is True
    monkeypatch.setenv(VARIABLE, "odd-name==1.3")
    with pytest.raises(VersionError, match=f"odd-name is not installed and {VARIABLE} declares 1.3"):
        check_packages(environment)


def test_a_record_agrees_only_with_the_declaration_under_which_it_was_made(monkeypatch):
    code = ["envs/data.yaml"]
    hashes = {name: sha256(ROOT / name) for name in code}
    made = {"rule": "x", "params": {}, "numerics": EXACT, "code": hashes, "inputs": {}, "outputs": {}}
    said = {}
    for match in (True, ["pyyaml==1"], None):
        record = {**made, "packages": {"lock": hashes[code[0]], "match": match}} if match else made
        for pins in ("", "pyyaml==1", "unrelated==1"):
            monkeypatch.setenv(VARIABLE, pins)
            said[str(match), pins] = list(contradictions(record, set(code), set(), {}))
    assert [case for case in said if not said[case]] == [
        ("True", ""),
        ("True", "unrelated==1"),
        ("['pyyaml==1']", "pyyaml==1"),
    ]
    assert said["True", "pyyaml==1"] == ['packages.match: true in the record, ["pyyaml==1"] now']


# The machine, and the list of hashes beside it


def test_the_description_of_a_machine_holds_builds_and_no_name_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    install(tmp_path, "numpy-9.9", "Root-Is-Purelib: false\nTag: cp311-b\nTag: cp311-a")
    install(tmp_path, "pyyaml-9.9")
    found = describe_machine()
    assert found["python"].startswith("3.") and found["c_library"].startswith("glibc ")
    assert found["packages"]["numpy"] == {"version": "9.9", "wheel": "cp311-a cp311-b"}
    assert "torch" in found["packages"] and not {"pyyaml", "ruff"} & found["packages"].keys()


HASH, OTHER = "0" * 64, "1" * 64
RECORDS = {"records/render.json": {"inputs": {}, "outputs": {"a": HASH}}}


def test_the_list_holds_what_records_say_and_the_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("records").mkdir()
    Path("records/render.json").write_text('{"inputs": {"data/x": "' + OTHER + '"}, "outputs": {"a": "' + HASH + '"}}')
    checksum(["records/render.json"], [], "SHA256SUMS", "environment.json")
    lines = Path("SHA256SUMS").read_text().splitlines()
    assert lines == [f"{HASH}  a", f"{sha256('records/render.json')}  records/render.json"]
    assert read_json("environment.json") == describe_machine()


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (
            {"inputs": {}, "outputs": {"a": OTHER}},
            "records/render.json and records/other.json both say .* wrote a, each",
        ),
        ({"inputs": {"a": OTHER}, "outputs": {}}, "records/other.json .* read a .* than records/render.json says"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_records_that_contradict_each_other_are_refused_in_one_sentence_with_both(record, says, is_first):
    records = {"records/other.json": record, **RECORDS} if is_first else {**RECORDS, "records/other.json": record}
    if is_first and record["outputs"]:
        says = says.replace("render.json and records/other", "other.json and records/render")
    with pytest.raises(ContradictionError, match=says) as caught:
        agreed_hashes(records)
    assert len(str(caught.value).splitlines()) == 1


def test_records_that_agree_are_not_refused():
    reader = {"inputs": {"a": HASH, "data/x": OTHER}, "outputs": {"b": OTHER}}
    assert agreed_hashes({**RECORDS, "records/reader.json": reader}) == {"a": HASH, "b": OTHER}
