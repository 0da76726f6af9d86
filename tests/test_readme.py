"""Everything in the README is true today."""

import re
import subprocess

from conftest import ROOT

from abstain.jobs.files import read_csv
from abstain.tables.judging import FAILS, HOLDS, NOT_MEASURED, UNDECIDED

README = (ROOT / "README.md").read_text()
RESULTS = (ROOT / "results/small/README.md").read_text()
STUDY = ROOT / "results/small/tables/do-not-answer"
KINDS = ["harmful", "unsafe", "benign", "look-alike", "ordinary"]


def claims(text: str) -> list[str]:
    """The lines of claims; a verdict of a new name shows here."""
    found = re.findall(r"^(\| .* \| \*\*([^*]+)\*\*.* \|)$", text, re.M)
    assert {verdict for _, verdict in found} <= {HOLDS, FAILS, UNDECIDED, NOT_MEASURED}
    return [line for line, _ in found]


def test_every_claim_of_the_readme_is_one_of_the_results_word_for_word_and_in_their_order():
    shown = claims(README)
    assert len(shown) >= 3 and shown == [claim for claim in claims(RESULTS) if claim in shown]


def test_the_table_of_the_opening_is_that_of_the_summary():
    rows = {(row["arm"], row["kind"]): row for row in read_csv(STUDY / "summary.csv")
            if (row["seed"], row["mix"], row["metric"]) == ("all", "test", "refusal")}  # fmt: skip
    shown = re.findall(r"^\| `(\w+)` \| (.*) \|$", README, re.M)
    models = [arm for arm in dict.fromkeys(arm for arm, _ in rows) if all((arm, kind) in rows for kind in KINDS)]
    assert [arm for arm, _ in shown] == models  # a control replies to harmful requests alone
    for arm, cells in shown:
        numbers = [[100 * float(rows[arm, kind][key]) for key in ("value", "low", "high")] for kind in KINDS]
        assert cells.split(" | ") == ["{:.0f} ({:.0f} to {:.0f})".format(*each) for each in numbers], arm


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
    for target in set(re.findall(r"\bmake ([a-z]+)\b(?= |`|$)", README, re.M)) - {"and"}:
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
