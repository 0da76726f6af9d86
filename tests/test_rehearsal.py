"""The dress rehearsal: real public data through every rule."""

import json
import os
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Project

MIRROR = Path(os.environ.get("ABSTAIN_MIRROR", ROOT.parent / "shared/corpora"))


@pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of the public corpora: set ABSTAIN_MIRROR")
def test_the_rehearsal_takes_all_939_questions_through_every_rule_to_a_figure(tmp_path):
    config = yaml.safe_load((ROOT / "config/rehearsal.yaml").read_text())
    project = Project(tmp_path / "project", config)
    project.snakemake("--cores", "2", "--configfile", "config/rehearsal.yaml", ABSTAIN_MIRROR=str(MIRROR))
    results = project.folder / "results/rehearsal"
    card = json.loads((results / "corpora/do-not-answer/card.json").read_text())
    assert card["rows"] == 939 and card["kept"] + card["quarantined"] == 939
    figure = (results / "figures/do-not-answer/refusal.csv").read_text()
    assert (
        "qlora" in figure and "base" in figure and (results / "figures/do-not-answer/refusal.png").stat().st_size > 5000
    )


def test_the_rehearsal_without_mirror_and_network_says_what_to_do(tmp_path):
    config = yaml.safe_load((ROOT / "config/rehearsal.yaml").read_text())
    file = config["corpora"]["do-not-answer"]["files"]["questions"]
    file["url"] = "https://127.0.0.1:9/nothing.csv"
    project = Project(tmp_path / "project", config)
    output = project.snakemake(
        "--cores",
        "1",
        "--retries",
        "0",
        "results/rehearsal/raw/do-not-answer/questions",
        check=False,
        ABSTAIN_MIRROR=str(tmp_path),
    )
    assert output.startswith("exit 1") and "set ABSTAIN_MIRROR to a folder" in output
    assert not (project.folder / "results/rehearsal/raw/do-not-answer/questions").exists()
    log = next((project.folder / "logs").rglob("fetch/**/*.log")).read_text()
    assert "Traceback" not in log
