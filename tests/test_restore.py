"""Push and pull: what comes from a remote is checked to the last byte, and what agrees with the tree is finished."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from conftest import Project
from plans import edited, jobs, plan
from repositories import call, cloned, objects, pull, pushed

RESULTS = "results/pocket"
LARGE = ("corpora", "splits", "rendered", "initial", "adapters", "checkpoints", "predictions", "scores", "pages")
ADAPTER = f"{RESULTS}/adapters/safety-mode/lora/1/adapter_model.safetensors"
TOKENS = f"{RESULTS}/rendered/safety-mode/standard/tokens.jsonl"


@pytest.fixture(scope="module")
def origin(miniature, tmp_path_factory) -> Project:
    """A finished run in a repository, its large folders sent to `remote` beside it; tests never change it."""
    return pushed(miniature, tmp_path_factory.mktemp("restore"))


@pytest.fixture
def clone(origin, tmp_path) -> Project:
    """A fresh clone, free to be changed."""
    return cloned(origin, tmp_path / "clone")


@pytest.fixture
def remote(origin, tmp_path) -> Path:
    """A copy of the remote, free to be damaged."""
    return Path(shutil.copytree(origin.folder.parent / "remote", tmp_path / "remote"))


def flip(path: Path) -> None:
    """Change one byte of a file, and nothing else that can be seen from outside: neither size, time nor mode."""
    status, content = path.stat(), path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def large(project: Project) -> dict[str, bytes]:
    """The large files of a project."""
    folders = tuple(f"{RESULTS}/{step}/" for step in LARGE)
    return {name: content for name, content in project.files().items() if name.startswith(folders)}


def kept_as(project: Project, file: str) -> str:
    """The name of the object that holds a file."""
    return hashlib.md5((project.folder / file).read_bytes()).hexdigest()


def listing_of(project: Project, step: str) -> str:
    """The name of the object that holds the listing of a large folder."""
    lock = (project.folder / "dvc.lock").read_text().splitlines()
    return lock[lock.index(f"    - path: {RESULTS}/{step}") + 2].split()[-1]


# Push


@pytest.mark.parametrize("program", ["push", "pull"])
def test_without_a_remote_one_sentence_says_how_to_name_one_and_nothing_is_done(clone, program):
    before = clone.files()
    output = call(clone.folder, f"python scripts/{program}.py", fails=True)
    assert output.startswith("there is no remote: set ABSTAIN_REMOTE") and len(output.splitlines()) == 1
    assert clone.files() == before and not (clone.folder / ".dvc/cache").exists()


@pytest.mark.parametrize("program", ["push", "pull"])
def test_a_scale_whose_results_are_not_published_is_refused_by_name(clone, remote, program):
    said = call(clone.folder, f"python scripts/{program}.py tiny", fails=True, ABSTAIN_REMOTE=str(remote))
    assert said == "no results of a scale 'tiny' are published; dvc.yaml lists pocket\n"


def test_push_sends_every_large_file_and_writes_no_remote_into_the_project(origin, miniature):
    sent = objects(origin.folder.parent / "remote")
    assert {hashlib.md5(content).hexdigest() for content in large(miniature).values()} < sent.keys()
    assert len(large(miniature)) > 50 and origin.files() == miniature.files()
    changed = call(origin.folder, "git show --stat=200 --format= HEAD").splitlines()
    assert [line.split("|")[0].strip() for line in changed[:-1]] == ["dvc.lock"]
    assert not (origin.folder / ".dvc/config.local").exists()


@pytest.mark.parametrize("state", ["unfinished", "with a leftover"])
def test_push_sends_nothing_that_is_unfinished_or_left_over_and_says_what_to_run(origin, tmp_path, state):
    project = Project.copied(origin.folder, tmp_path / "project")
    file = project.folder / RESULTS / "pages/safety-mode/claims.html"
    file.unlink() if state == "unfinished" else file.with_name("other.html").touch()
    output = call(project.folder, "python scripts/push.py", fails=True, ABSTAIN_REMOTE=str(tmp_path / "new"))
    assert ("1 present" in output and "make reproduce" in output) == (state == "unfinished")
    assert ("1 file that no job makes any more" in output and "make tidy" in output) == (state != "unfinished")
    assert not (tmp_path / "new").exists()
    assert (project.folder / "dvc.lock").read_bytes() == (origin.folder / "dvc.lock").read_bytes()


# Pull


def test_in_a_fresh_clone_everything_comes_back_and_nothing_is_to_be_done(clone, remote, miniature):
    assert large(clone) == {}
    output = pull(clone, remote)
    assert "jobs agree with their records.\nNothing to be done\n" in output
    assert clone.files() == miniature.files()
    assert "Nothing to be done" in plan(clone)
    assert call(clone.folder, "git status --short") == "" and not (clone.folder / ".dvc/config.local").exists()


def test_a_recipe_that_was_changed_before_leaves_its_jobs_and_what_follows_with_the_reason(
    clone, remote, small, miniature
):
    changed = small.changed("studies/do-not-answer/recipes/standard/learning_rate", 0.004)
    rate = small.scale["studies"]["do-not-answer"]["recipes"]["standard"]["learning_rate"]
    text = changed.write(remote.parent).read_text()
    with edited(miniature, "config.yaml", text):
        expected = jobs(plan(miniature))
    (clone.folder / "config.yaml").write_text(text)
    output = pull(clone, remote)
    assert f"params.recipe.learning_rate: {rate} in the record, 0.004 now (train_sft/do-not-answer/qlora/1)" in output
    assert jobs(plan(clone)) == expected and "train_sft do-not-answer/qlora/1" in expected


@pytest.mark.parametrize("what", ["a file", "a listing"])
def test_an_object_that_is_damaged_in_the_remote_is_named_and_nothing_is_put_in_place(clone, remote, origin, what):
    file = ADAPTER if what == "a file" else f"{RESULTS}/adapters"
    name = kept_as(origin, file) if what == "a file" else listing_of(origin, "adapters")
    flip(objects(remote)[name])
    output = pull(clone, remote, fails=True)
    assert f"{file}: its object is missing or damaged in {remote}: {name}\n" in output
    assert large(clone) == {}


def test_an_object_that_is_damaged_in_the_cache_is_named_before_anything_is_done(clone, remote, origin):
    shutil.copytree(origin.folder / ".dvc/cache", clone.folder / ".dvc/cache")
    place = objects(clone.folder / ".dvc/cache")[kept_as(origin, TOKENS)]
    flip(place)
    output = pull(clone, remote, fails=True)
    assert f"{TOKENS}: its object in DVC's cache is damaged: {place.relative_to(clone.folder)}\n" in output
    assert large(clone) == {}


def test_a_file_that_is_damaged_in_its_place_is_named_though_size_and_time_are_as_before(clone, remote):
    call(clone.folder, "dvc pull --quiet --remote here", DVC_GLOBAL_CONFIG_DIR=str(configured(remote)))
    flip(clone.folder / TOKENS)
    output = pull(clone, remote, fails=True)
    assert f"{TOKENS} is not what {RESULTS}/records/render/safety-mode/standard.json says\n" in output
    assert "no time was set" in output


def configured(remote: Path) -> Path:
    """A folder with a configuration of DVC that names a remote."""
    folder = remote.parent / "configuration"
    folder.mkdir()
    (folder / "config").write_text(f"['remote \"here\"']\n    url = {remote}\n[core]\n    remote = here\n")
    return folder


def test_a_file_that_no_record_names_is_refused(clone, remote):
    (clone.folder / f"{RESULTS}/records/render/safety-mode/standard.json").unlink()
    output = pull(clone, remote, fails=True)
    assert f"{TOKENS}: no job's record names it\n" in output


def test_a_default_remote_of_dvc_serves_where_no_other_is_named(clone, remote):
    flip(objects(remote)[listing_of(clone, "adapters")])
    folder = configured(remote)
    output = call(clone.folder, "python scripts/pull.py", fails=True, DVC_GLOBAL_CONFIG_DIR=str(folder))
    assert f"its object is missing or damaged in {remote}" in output
