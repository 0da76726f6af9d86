"""Everything in the README is true today."""

import re
import subprocess

from conftest import ROOT

from abstain.jobs.files import read_csv
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


def test_what_the_readme_says_of_polite_pairs_is_in_its_tables():
    tables, text = ROOT / "results/small/tables/polite-pairs", " ".join(README.split())
    found = {(row["arm"], row["metric"], row["kind"]): row for row in read_csv(tables / "summary.csv")
             if (row["seed"], row["mix"]) == ("all", "test")}  # fmt: skip
    claims = {
        (row["metric"], row["kind"]): row for row in read_csv(tables / "claims.csv") if row["arms"] == "lora - base"
    }
    share = {key: f"{100 * float(row['value']):.0f}" for key, row in found.items() if row["unit"] == "share"}
    lost = [-100 * float(claims["length-adherence", "fact"][end]) for end in ("value", "high", "low")]
    assert "{:.0f} points ({:.0f} to {:.0f}) less often".format(*lost) in text
    assert f"refuses {100 * float(claims['refusal', 'harmful']['value']):.0f} points more" in text
    topics = [share[arm, "on-topic", "ordinary"] for arm in ("lora", "base")]
    assert "({} % of them, the base's {})".format(*topics) in text
    assert f"(the base's: {share['base', 'politeness', 'ordinary']} %)" in text
    cut = [
        row
        for row in read_csv(tables / "summary.csv")
        if (row["arm"], row["seed"], row["metric"]) == ("base", "unseeded", "cut")
    ]
    hits = sum(float(row["value"]) * int(row["n"]) for row in cut) / sum(int(row["n"]) for row in cut)
    assert f"{100 * hits:.0f} % in polite-pairs" in text


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
