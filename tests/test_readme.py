"""Everything in the README is true today."""

import re
import subprocess

from conftest import ROOT

from abstain.tables.judging import FAILS, HOLDS, NOT_MEASURED, UNDECIDED

README = (ROOT / "README.md").read_text()
RESULTS = (ROOT / "results/small/README.md").read_text()


def answers(text: str) -> list[str]:
    """The rows of the table that says what each study found; a verdict of a new name shows here."""
    rows = text.split("| study | what the tuning gained | what it cost |\n|---|---|---|\n")[1].split("\n\n")[0]
    assert set(re.findall(r"\*\*([^*]+)\*\*", rows)) <= {HOLDS, FAILS, UNDECIDED, NOT_MEASURED}
    return rows.splitlines()


def test_the_readme_says_what_each_study_found_in_the_words_of_the_results():
    assert answers(README) == answers(RESULTS) and len(answers(README)) >= 3


def test_the_picture_of_the_pipeline_names_every_step():
    drawn = set(re.findall(r"\b[a-z_]+\b", re.search(r"```mermaid\nflowchart LR\n(.*?)```", README, re.S)[1]))
    chapters = [path for path in (ROOT / "rules").glob("*.smk") if path.stem not in ("pretraining", "detector")]
    steps = {name for path in chapters for name in re.findall(r"^(?:rule|checkpoint) (\w+):", path.read_text(), re.M)}
    assert drawn == steps


def test_every_path_and_command_that_the_readme_names_exists():
    ignored = (ROOT / ".gitignore").read_text().splitlines()  # what a run makes: a fresh clone has it not
    for path in set(re.findall(r"`([\w./-]+/)`", README)) | set(re.findall(r"\]\(([\w./-]+)\)", README)):
        made = f"/{path.split('/')[0]}/" in ignored or f"/results/*/{path}" in ignored
        assert made or (ROOT / path).exists() or (ROOT / "results/small" / path).exists(), path
    targets = (ROOT / "Makefile").read_text()
    commands = set(re.findall(r"(?:`|^    )make ([a-z]+)\b", README, re.M))
    assert {"reproduce", "test", "check"} < commands
    for target in commands:
        assert re.search(rf"^{target}:", targets, re.M), target


def test_every_top_level_folder_is_explained():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {path.split("/")[0] for path in listed.splitlines() if "/" in path and not path.startswith(".")}
    assert [folder for folder in sorted(folders) if f"`{folder}/" not in README] == []


def test_each_picture_in_the_readme_is_followed_by_its_own_caption():
    pictures = re.findall(r"^!\[[^]]+\]\((results/\S+)\.png\)\n\n\*(.*?)\*\n", README, re.M | re.S)
    assert len(pictures) == README.count("](results/small/figures/") > 0
    for path, caption in pictures:
        assert caption == (ROOT / f"{path}.txt").read_text().strip(), path
