"""`make verify`: what it compares with, what it prints and reports, and when there is no verdict."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from conftest import ROOT
from repositories import BARE, commit, git

from abstain.verdicts.files import FLOW
from abstain.verdicts.reference import UNLISTED

FOLDER = Path("results/tiny")
FILES = {
    "splits/a/card.json": '{"rows": 2}\n',
    "adapters/a/b/1/losses.csv": "step,loss\n1,2.5\n",
    "scores/a/b/1/test/refusal.csv": "",
    "README.md": "what was made\n",
    "records/train_sft/a/b/1.json": "{}\n",
}
AS_MADE = {"records/checksum.json": "{}\n", "environment.json": "{}\n"}


@pytest.fixture
def project(tmp_path) -> Path:
    """A project with its programs, and results with the list of their hashes, as `sha256sum` writes it."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in {**FILES, **AS_MADE}.items():
        path = tmp_path / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    write_list(tmp_path)
    return tmp_path


def write_list(project: Path) -> None:
    listed = subprocess.run(["sha256sum", *FILES], cwd=project / FOLDER, capture_output=True, text=True, check=True)
    (project / FOLDER / "SHA256SUMS").write_text(listed.stdout)


def publish(project: Path) -> None:
    """What `make publish` does."""
    more = subprocess.run(["sha256sum", *UNLISTED], cwd=project / FOLDER, capture_output=True, text=True, check=True)
    (project / "published").mkdir()
    listed = (project / FOLDER / "SHA256SUMS").read_text()
    (project / "published" / f"{FOLDER.name}.sha256").write_text(listed + more.stdout)


def verify(project: Path, folder: Path = FOLDER, **environment: str) -> tuple[int, list[str]]:
    """Exit status and lines of the program, called as a user does; its report must say the same."""
    report = project / "logs/verify.json"
    command = [sys.executable, "-B", "scripts/verify.py", str(folder), "--report", str(report)]
    variables = {**os.environ, **BARE, **environment}
    done = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True)
    assert done.stderr == ""
    said = json.loads(report.read_text())
    assert said["status"] == done.returncode and said["folder"] == str(folder)
    wrong = {path for path, verdict in said.get("files", {}).items() if verdict["word"] != "identical"}
    assert {path for path in wrong if path not in done.stdout} == set()
    return done.returncode, done.stdout.splitlines()


def test_what_is_as_committed_is_identical_and_the_list_and_its_record_too(project):
    name = commit(project)
    assert verify(project) == (0, [f"{FOLDER} against commit {name}: 7 identical"])


@pytest.mark.parametrize("name", [*FILES, *UNLISTED])
def test_each_file_that_is_changed_or_gone_is_named_the_list_and_its_record_too(project, name):
    commit(project)
    path = project / FOLDER / name
    path.write_text(f"{path.read_text()}changed")
    status, lines = verify(project)
    assert status == 1 and lines[0].startswith(f"different  {name}") and "1 different, 6 identical" in lines[1]
    assert lines[2] == f"The first file that differs, in the order of the flow, is {name}."
    path.unlink()
    assert verify(project)[1][0] == f"missing  {name}"


def test_the_committed_list_counts_and_not_one_that_a_run_has_written_since(project):
    commit(project)
    (project / FOLDER / "README.md").write_text("another run\n")
    write_list(project)
    publish(project)
    status, lines = verify(project)
    assert lines[0] == "the committed list and published/tiny.sha256 differ at README.md"
    assert status == 1 and [line.split()[:2] for line in lines[1:3]] == [
        ["different", "README.md"],
        ["different", "SHA256SUMS"],
    ]


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_published_list_that_is_not_the_committed_one_is_named_beside_the_verdict(project, is_damaged):
    publish(project)
    name = commit(project)
    copy, verdict = project / "published/tiny.sha256", f"{FOLDER} against commit {name}: 7 identical"
    assert verify(project) == (0, [verdict])
    copy.write_text("damaged\n" if is_damaged else copy.read_text().replace("README.md", "READ.md"))
    status, (note, *lines) = verify(project)
    assert (status, lines) == (1, [verdict])
    differing = "the committed list and published/tiny.sha256 differ at READ.md"
    damaged = (
        "the list of hashes (published/tiny.sha256) is damaged, it holds the line 'damaged'; bring it back from git."
    )
    assert note == (damaged if is_damaged else differing)


def test_what_is_too_much_is_not_the_first_file_that_differs(project):
    commit(project)
    (project / FOLDER / "bases").mkdir()
    (project / FOLDER / "bases/more.txt").write_text("")
    assert not [line for line in verify(project)[1] if line.startswith("The first file")]
    (project / FOLDER / "README.md").unlink()
    assert "The first file that differs, in the order of the flow, is README.md." in verify(project)[1]


def test_links_and_what_is_too_much_are_named(project):
    commit(project)
    (project / FOLDER / "README.md").rename(project / "elsewhere")
    (project / FOLDER / "README.md").symlink_to(project / "elsewhere")
    (project / FOLDER / "more.txt").write_text("")
    status, lines = verify(project)
    assert status == 1 and f"symlink     README.md  (README.md is a link to {project / 'elsewhere'})" in lines
    assert "unexpected  more.txt" in lines and any("`make tidy`" in line for line in lines)


def test_what_may_differ_by_machine_is_not_compared(project):
    commit(project)
    (project / FOLDER / "environment.json").write_text('{"python": "3.12"}')
    assert verify(project)[0] == 0


# Where Git gives no list


@contextmanager
def of_another(project: Path) -> Iterator[None]:
    subprocess.run(["chown", "-R", "12345:12345", str(project)], check=True)
    try:
        yield
    finally:
        subprocess.run(["chown", "-R", f"{os.geteuid()}:{os.getegid()}", str(project)], check=True)


SAYS = {
    "no repository": "Git gives no committed list. It says: fatal: not a git repository",
    "no commit": "Git gives no committed list. It says: fatal: invalid object name 'HEAD'.",
    "no git": "Git cannot be asked for the committed list: No such file or directory: git",
    "not committed": f"Git gives no committed list. It says: fatal: path '{FOLDER}/SHA256SUMS' exists on disk, but not",
    "another owner": "Git gives no committed list. It says: fatal: detected dubious ownership in repository at",
}


@pytest.mark.parametrize("is_published", [True, False])
@pytest.mark.parametrize("case", SAYS)
def test_a_run_is_never_compared_with_itself_and_what_git_says_is_printed(project, case, is_published):
    if case == "another owner" and os.geteuid():
        pytest.skip("only root can give files to another user")
    if is_published:
        publish(project)
    (project / FOLDER / "README.md").write_text("another run\n")
    write_list(project)
    if case == "no commit":
        git(project, "init", "--quiet")
    if case == "not committed":
        (project / ".gitignore").write_text("/results/\n")
    if case in ("not committed", "another owner"):
        commit(project)
    environment = {"PATH": str(project / "none")} if case == "no git" else {}
    with of_another(project) if case == "another owner" else nullcontext():
        status, lines = verify(project, **environment)
    assert status == 1 and lines[0].startswith(SAYS[case])
    remedy = f"\tgit config --global --add safe.directory {project}"
    assert (remedy in lines) == (case == "another owner")
    if is_published:
        assert f"{FOLDER} against published/tiny.sha256, which no run writes: 2 different, 5 identical" in lines
    else:
        assert lines[-1].startswith(
            f"No verdict: there is no list of hashes for {FOLDER} that a run cannot have written"
        )


def test_an_archive_with_the_published_list_is_verified(project):
    publish(project)
    status, lines = verify(project)
    assert status == 0 and lines[-1] == f"{FOLDER} against published/tiny.sha256, which no run writes: 7 identical"


def test_without_results_and_with_a_damaged_list_there_is_no_verdict(project):
    others = {
        name: f"`make reproduce`, or Snakemake with the files of the scale {name!r}," for name in ("none", "pocket")
    }
    for scale, making in others.items():
        said = verify(project, Path(f"results/{scale}"))
        assert said == (1, [f"there is no folder results/{scale}: run {making} first"])
    sums = project / FOLDER / "SHA256SUMS"
    sums.write_text(sums.read_text() * 2)
    commit(project)
    status, (line,) = verify(project)
    assert (
        status == 1 and line.startswith("No verdict: the list of hashes (SHA256SUMS in commit ") and " twice;" in line
    )


# What is published


def committed(*names: str) -> list[bytes]:
    """Files of the last commit of this project, as the person who runs the tests has set up git."""
    show = [["git", "cat-file", "blob", f"HEAD:{name}"] for name in names]
    return [subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout for command in show]


def test_the_published_lists_are_the_committed_ones_with_their_own_hashes():
    listing = ["git", "ls-files", "results/*/SHA256SUMS"]
    found = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    scales = {path.split("/")[1] for path in found}
    assert {path.stem for path in (ROOT / "published").iterdir()} == scales != set()
    for scale in scales:
        contents = committed(*(f"results/{scale}/{name}" for name in UNLISTED))
        lines = [f"{hashlib.sha256(each).hexdigest()}  {name}\n" for each, name in zip(contents, UNLISTED, strict=True)]
        assert (ROOT / f"published/{scale}.sha256").read_text() == contents[0].decode() + "".join(lines), "make publish"


def test_every_step_that_publishes_has_its_place_in_the_flow():
    listed = (ROOT / "results/pocket/SHA256SUMS").read_text().splitlines()
    without = {"README.md", "pages", "records", "studies.yaml"}  # what is about all steps
    assert {line[66:].split("/")[0] for line in listed} - set(FLOW) == without
    assert set(FLOW) - {line[66:].split("/")[0] for line in listed} == {"bases", "raw"}  # fetched, at other scales
