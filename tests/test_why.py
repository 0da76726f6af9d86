"""Why results part: the first cause is found through the records, named with both values, and followed to its ends."""

import copy
import json
from pathlib import Path

import pytest
from chains import FOLDER, LOCK, MACHINE, World, published, reasons, write

from abstain.jobs import paths
from abstain.jobs.files import sha256
from abstain.verdicts.reference import Reference

ENDS = {
    "train": {
        "train -> score -> summarise": ["tables/s/summary.csv"],
        "train -> score -> summarise -> plot": ["figures/s/rates.csv"],
    },
    "calibrate": {
        "calibrate -> train -> score -> summarise": ["tables/s/summary.csv"],
        "calibrate -> train -> score -> summarise -> plot": ["figures/s/rates.csv"],
    },
    "plot": {"plot": ["figures/s/rates.csv"]},
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder in which a run is finished, and which the records' names are seen from."""
    monkeypatch.setattr(paths, "HOME", tmp_path)
    World().run(tmp_path)
    return tmp_path


@pytest.fixture
def reference(project) -> Reference:
    return published(project, project / FOLDER)


def again(project: Path, reference: Reference, world: World) -> list:
    """The findings after another run: texts of causes, names of jobs, ends."""
    _, findings = reasons(world.run(project), reference)
    names = [[job.removeprefix("records/").removesuffix(".json") for job in each.jobs] for each in findings]
    return [(str(each.cause), jobs, each.reaches) for each, jobs in zip(findings, names, strict=True)]


def changed(**values) -> World:
    world = World()
    for key, value in values.items():
        old = getattr(world, key)
        setattr(world, key, {**old, **value} if isinstance(old, dict) else value)
    return world


def test_the_same_run_again_has_nothing_to_explain(project, reference):
    verdicts, findings = reasons(World().run(project), reference)
    assert {verdict.word for verdict in verdicts.values()} == {"identical"} and findings == []


FIRST, TRAINED = ["calibrate/s"], ["train/s/a", "train/s/b"]
RECIPE = {"recipe": {"rate": 0.2, "at": [1, 2]}}


@pytest.mark.parametrize(
    ("world", "cause", "jobs", "ends"),
    [
        ({"files": {"models/base.bin": "new"}}, "input models/base.bin has changed", TRAINED, "train"),
        ({"files": {"data/world.yaml": "new"}}, "input data/world.yaml has changed", FIRST, "calibrate"),
        ({"code": {"scripts/train.py": "new"}}, "code scripts/train.py has changed", TRAINED, "train"),
        ({"code": {"scripts/guard.py": "new"}}, "code scripts/guard.py has changed", FIRST, "calibrate"),
        ({"code": {"scripts/more.py": "new"}}, "code scripts/more.py is new", FIRST, "calibrate"),
        ({"params": {"train/s/a": RECIPE}}, "setting recipe.rate: 0.1 published, 0.2 here", TRAINED[:1], "train"),
        (
            {"params": {"train/s/a": RECIPE, "train/s/b": RECIPE}},
            "setting recipe.rate: 0.1 published",
            TRAINED,
            "train",
        ),
        (
            {"params": {"plot/s": {"recipe": {"rate": 0.1, "at": [1, 3]}}}},
            "setting recipe.at.1: 2 published, 3",
            0,
            "plot",
        ),
        ({"params": {"plot/s": {}}}, 'setting recipe: {"at": [1, 2], "rate": 0.1} published', 0, "plot"),
        (
            {"numerics": {"OMP_NUM_THREADS": "2"}},
            'numerics OMP_NUM_THREADS: "1" published, "2" here',
            FIRST,
            "calibrate",
        ),
        ({"lock": LOCK.replace("2.4.6", "2.5")}, "package numpy: 2.4.6 published, 2.5 here", FIRST, "calibrate"),
        ({"lock": f"{LOCK}      - new==1\n"}, "package new: nothing published, 1 here", FIRST, "calibrate"),
        ({"match": ["numpy==2.5"]}, "package numpy: 2.4.6 published, 2.5 here", FIRST, "calibrate"),
        ({"device": "NVIDIA H100"}, 'device: "cpu" published, "NVIDIA H100" here', FIRST, "calibrate"),
    ],
)
def test_one_change_is_the_one_cause_named_at_the_first_job_with_its_way_to_the_ends(
    project, reference, world, cause, jobs, ends
):
    ((text, first, reached),) = again(project, reference, changed(**world))
    assert text.startswith(cause)
    assert first == (jobs or ["plot/s"]) and reached == ENDS[ends]


def test_a_changed_comment_reaches_nothing_but_records(project, reference):
    ((text, first, reached),) = again(project, reference, changed(code={"scripts/train.py": "train# comment"}))
    assert text == "code scripts/train.py has changed" and first == TRAINED and reached == {}


def test_two_changes_are_two_causes_in_the_order_of_the_flow(project, reference):
    world = changed(files={"models/base.bin": "new"}, params={"plot/s": RECIPE})
    found = again(project, reference, world)
    assert [text for text, *_ in found] == [
        "input models/base.bin has changed",
        "setting recipe.rate: 0.1 published, 0.2 here",
    ]
    assert found[1][1:] == (["plot/s"], ENDS["plot"])


@pytest.mark.parametrize(
    ("machine", "what"),
    [
        ({"c_library": "glibc 2.41"}, 'c_library: "glibc 2.36" published, "glibc 2.41" here'),
        ({"packages": {"torch": {"version": "2.13.0+cpu", "wheel": "other"}}}, "packages.torch.wheel: "),
        ({}, ""),
    ],
)
def test_other_bytes_from_equal_records_are_put_down_to_the_machine(project, reference, machine, what):
    ((text, first, reached),) = again(project, reference, changed(fate="another CPU", machine=machine))
    same = "Python, the C library and package builds are the same on both machines; compare the logs of both runs"
    differing = f"between the machines differ: {what}" if machine else same
    words = f"other bytes from the same inputs, code, settings, packages and numerics; {differing}"
    assert text.startswith(words) and first == TRAINED and reached == ENDS["train"]


def test_other_machines_with_the_same_bytes_are_nothing_to_explain(project, reference):
    machine = copy.deepcopy(MACHINE) | {"c_library": "glibc 2.41"}
    assert again(project, reference, changed(machine=machine)) == []


def test_a_lock_that_nobody_has_any_more_is_named_as_a_file(project, reference):
    reference = Reference(reference.hashes, "here", committed=reference.committed)
    (found,) = again(project, reference, changed(lock=LOCK.replace("2.4.6", "2.5")))
    assert found[0] == "code envs/x.yaml has changed"


# What is not as its job wrote it


def test_a_file_that_was_changed_is_named_with_what_depends_on_it(project, reference):
    folder = project / FOLDER
    write(folder / "adapters/s/a.bin", "changed")
    _, (finding,) = reasons(folder, reference)
    assert str(finding.cause) == "adapters/s/a.bin was changed after train wrote it"
    assert finding.reaches == {} and finding.threatens == {
        **ENDS["train"],
        "train -> score -> summarise": ["tables/s/n.csv", "tables/s/summary.csv"],
    }


def test_a_job_that_read_what_its_maker_did_not_write_is_named(project, reference):
    folder = project / FOLDER
    path, record = folder / "records/plot/s.json", json.loads((folder / "records/plot/s.json").read_text())
    record["inputs"][f"{FOLDER}/tables/s/summary.csv"] = "0" * 64
    path.write_text(json.dumps(record))
    _, findings = reasons(folder, reference)
    assert [str(each.cause) for each in findings] == [
        "tables/s/summary.csv was not as summarise wrote it when it was read"
    ]


@pytest.mark.parametrize("name", ["SHA256SUMS", "records/plot/s.json", "records/checksum.json"])
def test_an_edited_list_and_an_edited_record_are_named(project, reference, name):
    path = project / FOLDER / name
    path.write_text(path.read_text().replace('"rule": ', '"rule":  ').replace("  records", "  record"))
    verdicts, (finding,) = reasons(project / FOLDER, reference)
    assert verdicts[name].word in ("different", "same content")
    assert str(finding.cause).startswith(f"{name} was changed after ") and finding.reaches == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rule": "plot"}'])
def test_a_damaged_record_is_named(project, reference, text):
    (project / FOLDER / "records/plot/s.json").write_text(text)
    _, (finding,) = reasons(project / FOLDER, reference)
    assert str(finding.cause) == "records/plot/s.json was changed after plot wrote it"


@pytest.mark.parametrize("link", ["adapters/s/a.bin", "adapters/s", "records/train/s/a.json"])
@pytest.mark.parametrize("is_broken", [False, True])
def test_a_file_or_folder_that_a_link_has_replaced_is_named_whatever_it_leads_to(project, reference, link, is_broken):
    folder = project / FOLDER
    (folder / link).rename(project / "elsewhere")
    (folder / link).symlink_to(project / ("nowhere" if is_broken else "elsewhere"))
    _, (finding,) = reasons(folder, reference)
    assert finding.cause[:3] == ("file", f"{link} was replaced by a link", link)
    assert {job.split("/")[1] for job in finding.jobs} == {"train"}
    assert bool(finding.threatens) == link.startswith("adapters")


def test_what_was_not_made_here_is_one_cause_for_all_jobs(project, reference):
    for name in ("adapters/s/a.bin", "adapters/s/b.bin", "records/plot/s.json"):
        (project / FOLDER / name).unlink()
    _, (finding,) = reasons(project / FOLDER, reference)
    assert "neither made nor brought" in str(finding.cause) and len(finding.jobs) == 3


def test_a_job_that_the_published_run_does_not_have_is_named(project, reference):
    folder = project / FOLDER
    text = (folder / "records/plot/s.json").read_text().replace("figures/s/rates", "figures/s/more")
    write(folder / "records/plot/more.json", text)
    write(folder / "figures/s/more.csv", "more")
    verdicts, (finding,) = reasons(folder, reference)
    assert verdicts["figures/s/more.csv"].word == "unexpected"
    assert str(finding.cause) == "made by jobs that the published run does not have"
    assert finding.jobs == ["records/plot/more.json"]


def test_without_the_published_records_what_can_be_said_is_said(project, reference):
    bare = Reference(reference.hashes, "a published copy")
    write(project / FOLDER / "tables/s/n.csv", "3")
    _, (finding,) = reasons(project / FOLDER, bare)
    assert str(finding.cause) == "tables/s/n.csv was changed after summarise wrote it"
    _, findings = reasons(changed(params={"plot/s": RECIPE}).run(project), bare)
    assert {str(each.cause) for each in findings} == {"its published record is in git alone, which cannot be asked"}
    assert sha256(project / FOLDER / "records/plot/s.json") != reference.hashes["records/plot/s.json"]
