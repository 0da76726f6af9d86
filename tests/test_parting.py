"""A finished run that is changed after it was committed: one byte of every kind of file, and the tree behind it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Project
from repositories import commit

RESULTS = "results/pocket"
IGNORED = "".join(f"/{name}/\n" for name in (".snakemake", ".scratch", "logs", "benchmarks")) + "__pycache__/\n"


@pytest.fixture(scope="module")
def finished(miniature, tmp_path_factory) -> Project:
    """The miniature in a repository, all of it committed."""
    project = Project.copied(miniature.folder, tmp_path_factory.mktemp("finished") / "project")
    (project.folder / ".gitignore").write_text(IGNORED)
    commit(project.folder)
    return project


def verify(project: Project) -> dict:
    """What the program reports, and prints."""
    command = [sys.executable, "-B", "scripts/verify.py", RESULTS, "--report", "logs/verify.json"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True)
    assert done.stderr == ""
    report = json.loads((project.folder / "logs/verify.json").read_text())
    assert report["status"] == done.returncode
    return {**report, "text": done.stdout, "words": {path: each["word"] for path, each in report["files"].items()}}


def flipped(content: bytes, is_text: bool) -> bytes:
    """One bit of one byte: of the last letter of a text's first half, of the last number of a binary file."""
    letters = [
        i for i, byte in enumerate(content[: len(content) // 2 + 1]) if is_text and chr(byte).isalpha() and byte < 128
    ]
    place = letters[-1] if letters else len(content) - 1 if content[:1] != b"\x89" else len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def one_of_each_kind(folder: Path) -> dict[tuple[str, str], str]:
    """The first file of every kind, by the step that made it and by suffix."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and path.stat().st_size and name != "environment.json":
            found.setdefault((name.split("/")[0], path.suffix), name)
    return found


def test_a_finished_run_is_identical_and_old_in_nothing(finished):
    report = verify(finished)
    assert report["status"] == 0 and set(report["words"].values()) == {"identical"} and len(report["words"]) > 100
    assert report["causes"] == [] and report["old"] == {}


def test_a_flipped_byte_of_every_kind_of_published_file_is_named_with_its_cause(finished, tmp_path):
    project = Project.copied(finished.folder, tmp_path / "project")
    folder = project.folder / RESULTS
    kinds = one_of_each_kind(folder)
    assert {suffix for _, suffix in kinds} >= {
        ".json",
        ".jsonl",
        ".csv",
        ".yaml",
        ".png",
        ".svg",
        ".html",
        ".safetensors",
    }
    assert len(kinds) > 20
    changed = {*kinds.values(), "SHA256SUMS", "records/checksum.json"}
    for name in changed:
        is_text = Path(name).suffix not in (".png", ".safetensors")
        (folder / name).write_bytes(flipped((folder / name).read_bytes(), is_text))
    report = verify(project)
    assert {path for path, word in report["words"].items() if word != "identical"} == changed
    assert {report["words"][path] for path in changed} <= {"different", "within tolerance"}
    assert [path for path in changed if report["words"][path] != "different"] == []
    named = " ".join(each["cause"]["text"] for each in report["causes"])
    assert [
        name for name in changed if not name.startswith("records/") and f"{name} was changed after" not in named
    ] == []


@pytest.mark.parametrize(
    ("path", "before", "now", "sentence"),
    [
        ("scripts/plot.py", "", "\n# more\n", "code scripts/plot.py has changed"),
        ("report/results.md.jinja", "", "\n", "input report/results.md.jinja has changed"),
        (
            "config.yaml",
            "steps: 6",
            "steps: 7",
            "setting studies.safety-mode.recipes.standard.steps: 6 in the results, 7 now",
        ),
        ("envs/figures.yaml", "jinja2==", "jinja2==0.", "package jinja2: 0."),
    ],
)
def test_what_has_changed_in_the_tree_since_the_run_is_named_and_the_results_are_old(
    finished, path, before, now, sentence
):
    file = finished.folder / path
    content = file.read_text()
    try:
        file.write_text(content.replace(before, now, 1) if before else content + now)
        report = verify(finished)
    finally:
        file.write_text(content)
    assert report["status"] == 1 and set(report["words"].values()) == {"identical"}
    assert any(line.startswith(sentence) for line in report["old"]), report["old"]
    assert sentence in report["text"]


def test_a_figure_that_other_code_draws_is_traced_to_the_code(finished, tmp_path):
    project = Project.copied(finished.folder, tmp_path / "project")
    file = project.folder / "scripts/abstain/plots/gap.py"
    file.write_text(file.read_text().replace("(points)", "(in points)"))
    project.snakemake("--cores", "1", "--quiet")
    report = verify(project)
    (cause,) = report["causes"]
    assert cause["cause"]["text"] == "code scripts/abstain/plots/gap.py has changed"
    assert cause["jobs"] == ["records/plot/safety-mode/gap.json"]
    pictures = [f"figures/safety-mode/gap.{kind}" for kind in ("png", "svg")]
    assert cause["reaches"] == {"plot": pictures}
    records = {"records/plot/safety-mode/gap.json", "records/describe.json", "records/checksum.json"}
    parting = {path for path, word in report["words"].items() if word != "identical"}
    assert parting <= {*pictures, *records, "SHA256SUMS"} and parting > {*pictures, "SHA256SUMS"}
