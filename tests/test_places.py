"""Places: files, mirrors and room that a run needs are looked for before any job."""

import shutil
from pathlib import Path

import pytest
from conftest import ROOT, Settings, load, studies_of
from damages import faults_of

from abstain.settings.places import LEAST_ROOM, needed_faults, own_file_faults, room_faults
from abstain.studies.check import check_places

PUBLIC = load(ROOT / "config/small.yaml")


def faults(scale: dict, home: Path, **environment: str) -> list[str]:
    return faults_of(check_places, scale, home, environment)


def test_a_file_of_ones_own_that_is_not_there_or_empty_is_refused_before_any_job(pocket, tmp_path):
    files = pocket.scale["corpora"]["safety-requests"]["files"]
    (tmp_path / "models").symlink_to(ROOT / "models")
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / files["acts"]["path"]).write_text("")
    (tmp_path / files["wordings"]["path"]).unlink()
    empty, lost = sorted(faults(pocket.scale, tmp_path, ABSTAIN_MIRROR="/nowhere"))
    assert "files.wordings.path: " in lost and files["wordings"]["path"] in lost and "no file" in lost
    assert "files.acts.path: " in empty and "is empty" in empty
    assert len(list(own_file_faults(pocket.scale, tmp_path))) == 2 and faults(pocket.scale, ROOT) == []


def test_a_mirror_is_only_missed_where_it_would_be_asked(pocket, tmp_path):
    assert faults(pocket.scale, ROOT, ABSTAIN_MIRROR="/nowhere") == []
    assert faults({**pocket.scale, "mirror": "/nowhere"}, ROOT) == []
    (said,) = faults(PUBLIC, ROOT, ABSTAIN_MIRROR="/nowhere")
    assert said.startswith("ABSTAIN_MIRROR: there is no folder '/nowhere'")
    (said,) = faults({**PUBLIC, "mirror": "/nowhere"}, ROOT)
    assert said.startswith("mirror: there is no folder '/nowhere'")
    assert faults(PUBLIC, ROOT, ABSTAIN_MIRROR=str(tmp_path)) == faults(PUBLIC, ROOT, ABSTAIN_MIRROR="") == []


def test_a_mirror_may_be_below_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(faults(PUBLIC, ROOT, ABSTAIN_MIRROR="~/mirror")) == 1
    (tmp_path / "mirror").mkdir()
    assert faults(PUBLIC, ROOT, ABSTAIN_MIRROR="~/mirror") == []


@pytest.mark.parametrize(("free", "count"), [(LEAST_ROOM - 1, 1), (LEAST_ROOM, 0)])
def test_a_disk_without_room_for_notes_and_logs_is_refused(pocket, tmp_path, monkeypatch, free, count):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(free, 0, free))
    found = room_faults(tmp_path)
    assert len(found) == count and all(str(tmp_path) in str(fault) and "10.0 MB free" in str(fault) for fault in found)
    monkeypatch.chdir(tmp_path)
    assert faults(pocket.scale, ROOT) == [str(fault) for fault in found]


def test_a_file_that_no_job_makes_is_missed_with_the_rule_that_reads_it_named_once(pocket, tmp_path):
    base = str(ROOT / "models/pocket/none.json")
    first, second = needed_faults({"matplotlibrc.none": "plot", base: "audit"}, pocket.scale, ROOT)
    assert str(first) == "rule plot: there is no file 'matplotlibrc.none', which it reads; bring it back"
    assert str(second) == (
        "bases.pocket.folder: there is no file 'models/pocket/none.json', and audit reads it; bring it back"
    )


def test_the_first_rule_of_the_flow_that_reads_a_missing_file_is_named(planned):
    (planned.folder / "models/pocket/tokenizer.json").unlink()
    (planned.folder / "matplotlibrc").unlink()
    said = planned.snakemake("--dry-run", check=False)
    assert "there is no file 'models/pocket/tokenizer.json', and audit reads it; bring it back" in said
    assert "rule plot: there is no file 'matplotlibrc', which it reads; bring it back" in said


def test_a_scale_is_read_without_looking_at_places(tmp_path, monkeypatch):
    """A compute node need not see the mirror, nor files that only the first jobs read."""
    monkeypatch.chdir(tmp_path)
    settings = Settings.read(ROOT / "config/small.yaml").changed("mirror", "/nowhere")
    assert list(studies_of(settings, Path())) == list(settings.scale["studies"])
