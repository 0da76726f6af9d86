"""The verdict on results: each file is compared with the list, and the first that parts is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from abstain.files import sha256
from verify import FLOW

FOLDER = Path("results/pocket")
FILES = {
    "README.md": b"what was made\n",
    "adapters/a/1/losses.csv": b"step,loss\n1,2.5\n",
    "records/train_sft/a/1.json": b"{}\n",
    "scores/a/1.csv": b"",
    "splits/a/card.json": b'{"rows": 2}\n',
}


@pytest.fixture
def project(tmp_path) -> Path:
    """A folder with results and the list of their hashes, as `sha256sum` writes it."""
    for name, content in FILES.items():
        path = tmp_path / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    listed = subprocess.run(["sha256sum", *FILES], cwd=tmp_path / FOLDER, capture_output=True, text=True, check=True)
    (tmp_path / FOLDER / "SHA256SUMS").write_text(listed.stdout)
    return tmp_path


def verify(project: Path) -> tuple[int, list[str]]:
    """Exit status and lines of the program, called as a user does."""
    command = [sys.executable, str(ROOT / "scripts" / "verify.py"), str(FOLDER)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_what_is_as_listed_is_identical(project):
    assert verify(project) == (
        0,
        [
            f"no committed list found: comparing with {FOLDER}/SHA256SUMS as it is on disk",
            f"{FOLDER}: 5 identical",
        ],
    )


@pytest.mark.parametrize(
    ("changed", "removed", "verdicts", "count"),
    [
        (["scores/a/1.csv"], [], ["different    scores/a/1.csv"], "1 different, 4 identical"),
        ([], ["README.md"], ["missing      README.md"], "4 identical, 1 missing"),
        (
            ["README.md", "adapters/a/1/losses.csv", "splits/a/card.json"],
            ["scores/a/1.csv"],
            [
                "different    splits/a/card.json",  # in the order of the flow, not of the alphabet
                "different    adapters/a/1/losses.csv",
                "missing      scores/a/1.csv",
                "different    README.md",
            ],
            "3 different, 1 identical, 1 missing",
        ),
    ],
    ids=["different", "missing", "several"],
)
def test_what_is_not_as_listed_is_told_and_the_first_place_is_named(project, changed, removed, verdicts, count):
    for name in changed:
        path = project / FOLDER / name
        path.write_bytes(path.read_bytes() + b" ")
    for name in removed:
        (project / FOLDER / name).unlink()
    status, lines = verify(project)
    assert status == 1
    first = verdicts[0].split()[1]
    last = f"The first file that parts, in the order of the flow, is {first}; look at its record and log."
    assert lines[1:] == [*verdicts, f"{FOLDER}: {count}", last]


def test_the_committed_list_counts_and_not_one_that_was_written_since(project):
    who = {f"GIT_{role}_{what}": "t@t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "results"]):
        subprocess.run(["git", *command], cwd=project, env={**os.environ, **who}, check=True)
    assert verify(project) == (0, [f"{FOLDER}: 5 identical"])
    path, sums = project / FOLDER / "scores/a/1.csv", project / FOLDER / "SHA256SUMS"
    before = sha256(path)
    path.write_bytes(b"another run")
    sums.write_text(sums.read_text().replace(before, sha256(path)))
    status, lines = verify(project)
    assert status == 1 and lines[:2] == ["different    scores/a/1.csv", f"{FOLDER}: 1 different, 4 identical"]


def test_a_folder_in_the_place_of_a_file_is_no_file(project):
    path = project / FOLDER / "README.md"
    path.unlink()
    path.mkdir()
    status, lines = verify(project)
    assert status == 1 and "missing      README.md" in lines


def test_every_step_that_publishes_has_its_place_in_the_flow():
    listed = (ROOT / FOLDER / "SHA256SUMS").read_text().splitlines()
    assert {line[66:].split("/")[0] for line in listed} - set(FLOW) == {"README.md", "pages", "records"}
