"""Everything in the README is true today."""

import re
import subprocess

from conftest import ROOT

README = (ROOT / "README.md").read_text()
RESULTS = (ROOT / "results/pocket/README.md").read_text()


def claims(text: str) -> list[str]:
    return re.findall(r"^\| .* \| \*\*(?:holds|does not|not distinguishable)\*\* \|$", text, re.M)


def test_the_readme_opens_with_the_claims_and_verdicts_of_the_results():
    assert claims(RESULTS) and claims(README) == claims(RESULTS)


def test_the_picture_of_the_pipeline_names_every_step():
    drawn = set(re.findall(r"\b[a-z_]+\b", re.search(r"```mermaid\nflowchart LR\n(.*?)```", README, re.S)[1]))
    chapters = [path for path in (ROOT / "rules").glob("*.smk") if path.stem != "pretraining"]
    steps = {name for path in chapters for name in re.findall(r"^(?:rule|checkpoint) (\w+):", path.read_text(), re.M)}
    assert drawn == steps


def test_every_path_and_command_that_the_readme_names_exists():
    ignored = (ROOT / ".gitignore").read_text().splitlines()  # what a run makes: a fresh clone has it not
    for path in set(re.findall(r"`([\w./-]+/)`", README)) | set(re.findall(r"\]\(([\w./-]+)\)", README)):
        made = f"/{path.split('/')[0]}/" in ignored
        assert made or (ROOT / path).exists() or (ROOT / "results/pocket" / path).exists(), path
    targets = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)\b(?= |`|$)", README, re.M)) - {"and"}:
        assert re.search(rf"^{target}:", targets, re.M), target


def test_every_top_level_folder_is_explained():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {path.split("/")[0] for path in listed.splitlines() if "/" in path and not path.startswith(".")}
    assert [folder for folder in sorted(folders) if f"`{folder}/" not in README] == []


def test_the_caption_in_the_readme_is_the_figures_own():
    caption = (ROOT / "results/pocket/figures/safety-mode/frontier.txt").read_text().strip()
    assert " ".join(caption.split()) in " ".join(README.split())
