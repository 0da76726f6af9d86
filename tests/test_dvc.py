"""DVC: the lock has the hashes of what was made, and the commands of CONTRIBUTING do what is written there."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Project, Settings, is_published

from abstain.finished.plan import SnakemakeError, file_of

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
SCALES = {"pocket": "config.yaml", "small": "config/small.yaml"}
NOT_RECORDED = "/do-not-answer"  # the study of small that has not run since it is a stage of its own
SECTION = re.search(r"^## DVC\n(.*?)^## ", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M | re.S)[1]
WRITTEN = re.findall(r"^    (dvc .*?) +# ", SECTION, re.M)


def large_folders(*scales: str) -> list[str]:
    """The folders that DVC versions, for each of these scales."""
    found = []
    for stage in STAGES["stages"].values():
        outs = [path for out in stage["do"]["outs"] for path in out]
        found += [out.replace("${key}", key) for key in stage["foreach"] for out in outs]
    return [path for path in found if path.split("/")[1] in scales]


def of_scale(key: str, scale: str) -> list[str]:
    """The files of a scale that dvc.yaml lists as params, metrics or plots."""
    return [path for path in STAGES[key] if path.startswith(f"results/{scale}/")]


def locked(folder: Path) -> dict[str, dict]:
    """What dvc.lock holds of each large folder (`md5`, `nfiles`), by path."""
    lock = folder / "dvc.lock"
    assert lock.exists(), (
        "dvc.lock is missing: run `make reproduce` and `dvc commit --force experiment@pocket`, and commit it"
    )
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    return {out["path"]: out for stage in stages.values() for out in stage["outs"]}


def listing_hash(folder: Path) -> str:
    """The hash that DVC gives a folder: the MD5 of the sorted list of its files with theirs, as JSON."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = [{"md5": hashlib.md5((folder / name).read_bytes()).hexdigest(), "relpath": name} for name in names]
    return hashlib.md5(json.dumps(files).encode()).hexdigest() + ".dir"


def changed(folder: Path, scale: str = "pocket") -> list[str]:
    """The large folders that are not as dvc.lock says; read-only, unlike `dvc status`, which keeps a cache."""
    outs = {path: out for path, out in locked(folder).items() if path.startswith(f"results/{scale}/")}
    return [path for path, out in outs.items() if listing_hash(folder / path) != out["md5"]]


def call(folder: Path, command: str, fails: bool = False) -> str:
    """Run a command that must succeed, or fail, apart from the user's own Git and DVC, and give all that it printed."""
    who = {f"GIT_{role}_{what}": "t@t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    apart = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "DVC_SITE_CACHE_DIR": f"{folder}.site"}
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment = {**os.environ, **who, **apart, **path}
    done = subprocess.run(command.split(), cwd=folder, env=environment, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def versioned(miniature, tmp_path_factory) -> Path:
    """The finished miniature in a repository of its own, after `dvc repro` and a commit; tests never change it."""
    folder = Project.copied(miniature.folder, tmp_path_factory.mktemp("versioned") / "project").folder
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder)
    call(folder, "git init --quiet")
    call(folder, "dvc repro experiment@pocket")
    call(folder, "git add --all")
    call(folder, "git commit --quiet --message results")
    return folder


@pytest.fixture
def clone(versioned, tmp_path) -> Path:
    """A fresh clone, free to be changed: what Git tracks, without the large folders."""
    call(versioned, f"git clone --quiet . {tmp_path}/clone")
    return tmp_path / "clone"


def test_every_command_that_contributing_writes_is_tested_here():
    tested = [
        "dvc repro experiment@pocket",
        "dvc commit --force experiment@pocket",
        "dvc metrics diff",
        "dvc params diff",
        "dvc plots diff",
    ]
    assert tested == WRITTEN


def test_the_lock_counts_the_files_that_sha256sums_lists():
    recorded = [path for path in large_folders(*SCALES) if not path.endswith(NOT_RECORDED)]
    assert sorted(locked(ROOT)) == sorted(recorded)
    for path, out in locked(ROOT).items():
        results, scale, folder = path.split("/", 2)
        listed = (ROOT / results / scale / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        assert out["nfiles"] == sum(line[66:].startswith(f"{folder}/") for line in listed), path


@pytest.mark.parametrize("scale", SCALES)
def test_the_lock_has_the_hashes_of_what_the_run_made(scale):
    if not is_published(scale):
        pytest.skip(f"results/{scale} does not hold what SHA256SUMS lists: run that scale first")
    assert changed(ROOT, scale) == [], "run `dvc commit --force` and commit dvc.lock with SHA256SUMS"


def test_checkpoints_that_a_scale_does_not_keep_are_ignored():
    ignored = (ROOT / ".dvcignore").read_text(encoding="utf-8").splitlines()
    for file in (ROOT / "config.yaml", *(ROOT / "config").glob("*.yaml")):
        scale = yaml.safe_load(file.read_text(encoding="utf-8"))
        is_ignored = f"/results/{scale['scale']}/checkpoints/**/model.safetensors" in ignored
        assert is_ignored == (scale["checkpoints"] == "temporary"), file.name


def test_repro_records_exactly_the_large_folders_and_git_tracks_the_rest(versioned):
    assert sorted(locked(versioned)) == sorted(large_folders("pocket"))
    assert changed(versioned) == []
    tracked = call(versioned, "git ls-files").splitlines()
    assert {"dvc.lock", "results/pocket/SHA256SUMS"} <= set(tracked)
    made = [path for path in (versioned / "results").rglob("*") if path.is_file()]
    for path in made:
        content, name = path.read_bytes(), path.relative_to(versioned).as_posix()
        digest = hashlib.md5(content).hexdigest()
        kept = versioned / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        large = name.startswith(tuple(f"{out}/" for out in locked(versioned)))
        assert kept.read_bytes() == content if large else name in tracked, name
        assert not (large and name in tracked), name


def test_repro_lets_snakemake_make_what_is_missing_and_nothing_else(versioned, tmp_path):
    folder = Project.copied(versioned, tmp_path / "project").folder
    (folder / "results/pocket/pages/safety-mode/before-after.html").unlink()
    (folder / "results/pocket/SHA256SUMS").unlink()
    assert changed(folder) == ["results/pocket/pages"]
    ran = set(re.findall(r"^(?:local)?rule (\w+):", call(folder, "dvc repro experiment@pocket"), re.M))
    assert ran == {"present", "checksum", "all"}
    assert changed(folder) == [] and call(folder, "git status --short") == ""
    assert "Nothing to be done" in call(folder, "dvc repro experiment@pocket")


def test_repro_makes_a_listed_file_again_that_is_not_there_and_records_the_same(versioned, tmp_path):
    folder = Project.copied(versioned, tmp_path / "project").folder
    lock, page = (folder / "dvc.lock").read_bytes(), folder / "results/pocket/pages/safety-mode/claims.html"
    content = page.read_bytes()
    page.unlink()
    call(folder, "dvc repro experiment@pocket")
    assert page.read_bytes() == content and (folder / "dvc.lock").read_bytes() == lock


def test_commit_records_what_a_run_without_dvc_has_made(versioned, tmp_path):
    folder = Project.copied(versioned, tmp_path / "project").folder
    lock = (folder / "dvc.lock").read_bytes()
    (folder / "dvc.lock").unlink()
    call(folder, "dvc commit --force experiment@pocket")
    assert (folder / "dvc.lock").read_bytes() == lock
    adapter = next((folder / "results/pocket/adapters").rglob("adapter_model.safetensors"))
    content = adapter.read_bytes()
    adapter.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert changed(folder) == ["results/pocket/adapters"]
    call(folder, "dvc commit --force experiment@pocket")
    assert changed(folder) == [] and (folder / "dvc.lock").read_bytes() != lock


def test_metrics_diff_names_a_changed_metric_with_its_old_and_new_value(clone):
    assert call(clone, "dvc metrics diff").strip() == ""
    path = clone / "results/pocket/tables/safety-mode/metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    cell = metrics["lora"]["test"]["flag-on"]["all"]
    old, cell["false-refusal"] = cell["false-refusal"], 0.123
    path.write_text(json.dumps(metrics), encoding="utf-8")
    for command in ("dvc metrics diff", "dvc metrics diff HEAD~1"):
        (row,) = [line.split() for line in call(clone, command).splitlines() if line.startswith("results/")]
        assert row[:2] == ["results/pocket/tables/safety-mode/metrics.json", "lora.test.flag-on.all.false-refusal"]
        assert [float(value) for value in row[2:4]] == pytest.approx([old, 0.123], abs=1e-5)
        call(clone, "git commit --quiet --all --allow-empty --message metric")


def test_params_diff_names_a_changed_setting_with_its_old_and_new_value(versioned, small, tmp_path):
    """The resolved records are compared, so that what a study file says counts too."""
    project = Project.copied(versioned, tmp_path / "project")
    assert call(project.folder, "dvc params diff").strip() == ""
    changed = small.changed("studies/safety-mode/adapters/standard/rank", 8)
    project.write(changed.changed("studies/do-not-answer/scored/refusal/detector", "prefix-match"))
    resolved = "results/pocket/studies.yaml"
    project.snakemake(resolved, "--cores", "1")
    rows = [line.split() for line in call(project.folder, "dvc params diff").splitlines() if line.startswith(resolved)]
    assert rows == [
        [resolved, "studies.do-not-answer.scorers.refusal.detector", "learned", "prefix-match"],
        [resolved, "studies.safety-mode.adapters.standard.rank", "16", "8"],
    ]


def test_plots_diff_shows_each_figure_of_both_revisions_and_needs_no_network(clone):
    figures = clone / "results/pocket/figures/safety-mode"
    old = (figures / "gap.png").read_bytes()
    new = (figures / "frontier.png").read_bytes()
    assert old != new
    (figures / "gap.png").write_bytes(new)
    for since in ("HEAD", "HEAD~1"):
        call(clone, "dvc plots diff" if since == "HEAD" else f"dvc plots diff {since}")
        page = (clone / "dvc_plots/index.html").read_text(encoding="utf-8")
        assert "//" not in page and "<script" not in page and "<link" not in page
        pictures = re.findall(r"<p>(\S+)</p>\s*<img src=\"([^\"]+)\">", page)
        named = [
            path.replace("/", "_") for path in yaml.safe_load((clone / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
        ]
        assert sorted(pictures) == sorted((of, f"static/{of}_{name}") for of in (since, "workspace") for name in named)
        shown = {source: (clone / "dvc_plots" / source).read_bytes() for _, source in pictures}
        differing = [name for name in named if shown[f"static/{since}_{name}"] != shown[f"static/workspace_{name}"]]
        assert differing == ["results_pocket_figures_safety-mode_gap.png"]
        assert shown[f"static/{since}_{differing[0]}"] == old and shown[f"static/workspace_{differing[0]}"] == new
        assert "dvc_plots" not in call(clone, "git status --short")
        call(clone, "git commit --quiet --all --allow-empty --message figure")


def test_every_study_of_small_is_a_stage():
    assert list(STAGES["stages"]["small"]["foreach"]) == list(Settings.read(ROOT / SCALES["small"]).scale["studies"])


def test_a_scale_that_is_versioned_is_known_by_its_name_and_no_other_is():
    assert {scale: file_of(scale) for scale in SCALES} == SCALES
    with pytest.raises(
        SnakemakeError, match="no results of a scale 'paper' are published; dvc.yaml lists pocket, small"
    ):
        file_of("paper")


@pytest.mark.parametrize("scale", SCALES)
def test_every_study_has_its_metrics_and_every_figure_its_place(scale):
    settings = Settings.read(ROOT / SCALES[scale])
    studies, results = {name: settings.resolved(name) for name in settings.scale["studies"]}, f"results/{scale}"
    assert settings.scale["scale"] == scale and of_scale("params", scale) == [f"{results}/studies.yaml"]
    assert sorted(of_scale("metrics", scale)) == sorted(f"{results}/tables/{name}/metrics.json" for name in studies)
    figures = [f"{name}/{figure}" for name, study in studies.items() for figure in study["figures"]]
    assert sorted(of_scale("plots", scale)) == sorted(f"{results}/figures/{figure}.png" for figure in figures)
