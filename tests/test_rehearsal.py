"""The dress rehearsal: real public data through every rule, and every row accounted for."""

import copy
import os
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import ROOT, Project

from abstain.files import read_csv, read_json, read_jsonl

MIRROR = Path(os.environ.get("ABSTAIN_MIRROR", ROOT.parent / "shared/corpora"))
needs_mirror = pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of the public corpora: set ABSTAIN_MIRROR")
REHEARSAL = yaml.safe_load((ROOT / "config/rehearsal.yaml").read_text(encoding="utf-8"))
PUBLISHED = [402, 627, 567, 803, 849, 525, 425, 58, 106, 226]  # row numbers of the ten test questions
SAFE = 250  # prompts of XSTest


def run(folder: Path, config: dict, *arguments: str) -> Path:
    """Run Snakemake on the rehearsal in a copy of the project, and give the folder of results."""
    project = Project(folder, REHEARSAL)
    scale = project.folder / "config/rehearsal.yaml"
    scale.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    project.snakemake(*arguments, "--cores", "2", "--configfile", str(scale), ABSTAIN_MIRROR=str(MIRROR))
    return project.folder / "results/rehearsal"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """The results of the rehearsal up to the tokens that are trained on."""
    mixes = [f"{study}/{mix}" for study, record in REHEARSAL["studies"].items() for mix in record["mixes"]]
    targets = [f"results/rehearsal/rendered/{mix}/tokens.jsonl" for mix in mixes]
    return run(tmp_path_factory.mktemp("rendered") / "project", REHEARSAL, *targets)


def drawn(results: Path, study: str, mix: str) -> list[dict]:
    return list(read_jsonl(results / f"splits/{study}/{mix}/examples.jsonl"))


def usable(results: Path) -> dict[str, int]:
    """Rows of each corpus less those set aside, all of which are examples."""
    cards = {name: read_json(results / f"corpora/{name}/card.json") for name in REHEARSAL["corpora"]}
    assert all(card["kept"] == card["rows"] - card["quarantined"] for card in cards.values())
    return {name: card["kept"] for name, card in cards.items()}


@needs_mirror
def test_every_row_of_the_public_corpora_is_read_or_set_aside(rendered):
    found = {name: read_json(rendered / f"corpora/{name}/card.json") for name in REHEARSAL["corpora"]}
    counts = {name: (card["rows"], card["quarantined"]) for name, card in found.items()}
    assert counts == {"do-not-answer": (939, 0), "xstest": (450, 0), "coconot-preferences": (927, 8)}
    repeated = list(read_jsonl(rendered / "corpora/coconot-preferences/quarantine.jsonl"))
    assert {row["reason"][:19] for row in repeated} == {"the same prompt as "}
    kinds = pd.Series([row["kind"] for row in read_jsonl(rendered / "corpora/xstest/examples.jsonl")]).value_counts()
    assert dict(kinds) == {"benign": SAFE, "harmful": 200}


@needs_mirror
def test_the_published_split_is_reproduced_row_by_row(rendered):
    card = read_json(rendered / "splits/do-not-answer-published/standard/card.json")
    before = card["kinds"]["before"]
    sizes = {part: counts["do-not-answer"] for part, counts in before.items() if part != "in no part"}
    assert sizes == {part: {"harmful": rows} for part, rows in (("train", 751), ("validation", 178), ("test", 10))}
    assert before["in no part"] == {"xstest": {"harmful": 200}}
    scored = drawn(rendered, "do-not-answer-published", "evaluation")
    asked = {row["request"] for row in scored if row["kind"] == "harmful"}
    assert asked == {f"dna-{number}" for number in PUBLISHED}


@needs_mirror
def test_our_own_split_has_a_proper_test_part_and_no_text_on_both_sides(rendered):
    scored = {row["text"] for row in drawn(rendered, "do-not-answer", "evaluation") if row["kind"] == "harmful"}
    trained = {row["text"] for row in drawn(rendered, "do-not-answer", "standard")}
    judged = {row["text"] for row in drawn(rendered, "do-not-answer", "validation")}
    assert len(scored) >= 150 and len(trained) >= 650 and len(judged) >= 90
    assert not scored & trained and not scored & judged and not trained & judged
    mixes = REHEARSAL["studies"]["do-not-answer"]["mixes"]
    twins = {row["request"] for mix in mixes for row in drawn(rendered, "do-not-answer", mix)}
    assert {"dna-433", "dna-434"} <= twins  # one question twice: on the same side, or this set would lack one
    areas = [row["risk_area"] for row in drawn(rendered, "do-not-answer", "evaluation") if row["kind"] == "harmful"]
    assert pd.Series(areas).value_counts().min() >= 20 and len(set(areas)) == 5


@needs_mirror
@pytest.mark.parametrize("study", REHEARSAL["studies"])
def test_the_benign_prompts_are_all_asked_and_never_trained_on(rendered, study):
    asked = [row["source"] for row in drawn(rendered, study, "evaluation") if row["kind"] == "benign"]
    wanted = {"xstest": SAFE, "coconot-preferences": usable(rendered)["coconot-preferences"]}
    assert dict(pd.Series(asked).value_counts()) == wanted
    assert {(row["kind"], row["source"]) for row in drawn(rendered, study, "standard")} == {
        ("harmful", "do-not-answer")
    }


@needs_mirror
@pytest.mark.parametrize("study", REHEARSAL["studies"])
def test_the_licences_of_all_corpora_travel_with_what_is_made_of_them(rendered, study):
    every = sorted(corpus["licence"] for corpus in REHEARSAL["corpora"].values())
    assert read_json(rendered / f"splits/{study}/evaluation/card.json")["licences"] == every
    assert read_json(rendered / f"splits/{study}/card.json")["licences"] == every
    assert read_json(rendered / f"splits/{study}/standard/card.json")["licences"] == ["CC BY-NC-SA 4.0"]


@needs_mirror
@pytest.mark.parametrize("study", REHEARSAL["studies"])
def test_no_row_is_too_long_to_be_trained_on_and_no_reply_too_long_to_be_given(rendered, study):
    record = REHEARSAL["studies"][study]
    rows = list(read_jsonl(rendered / f"rendered/{study}/standard/tokens.jsonl"))
    assert len(rows) == len(drawn(rendered, study, "standard"))
    assert max(len(row["input_ids"]) for row in rows) <= record["recipes"]["qlora"]["max_length"]
    assert max(sum(row["completion_mask"]) for row in rows) <= record["generation"]["max_new_tokens"]
    asked = list(read_jsonl(rendered / f"rendered/{study}/evaluation/tokens.jsonl"))
    assert len(asked) == len(drawn(rendered, study, "evaluation"))


@needs_mirror
def test_the_rehearsal_goes_through_every_rule_and_every_rate_counts_every_row(tmp_path):
    config = copy.deepcopy(REHEARSAL)
    for study in config["studies"].values():  # the whole data, a short training
        study["generation"]["max_new_tokens"] = 24
        study["recipes"]["qlora"].update(steps=2, warmup_steps=1, save_steps=2, batch_size=8)
        study["recipes"]["qlora"]["early_stopping"].update(steps=2)
    results = run(tmp_path / "project", config)
    assert_every_row_is_counted(results, config)
    for study, record in config["studies"].items():
        for figure in record["figures"]:
            assert (results / f"figures/{study}/{figure}.png").stat().st_size > 5000


def assert_every_row_is_counted(results: Path, config: dict) -> None:
    """The n of every rate of every run is the rows of its kind, or those less the replies that are invalid."""
    for study in config["studies"]:
        part = read_json(results / f"splits/{study}/evaluation/card.json")["kinds"]["before"]["test"]
        rows = {"harmful": part["do-not-answer"]["harmful"], "benign": SAFE + usable(results)["coconot-preferences"]}
        summary = [row for row in read_csv(results / f"tables/{study}/summary.csv") if row["seed"] != "all"]
        runs = {(row["arm"], row["seed"]) for row in summary}
        counts = {(row["arm"], row["seed"], row["metric"]): int(row["n"]) for row in summary}
        invalid = {(row["arm"], row["seed"], row["metric"]): float(row["value"]) * int(row["n"]) for row in summary}
        assert {arm for arm, _ in runs} == set(config["studies"][study]["arms"])
        for run_of in sorted(runs):
            for kind, judged in (("harmful", "correct-refusal"), ("benign", "false-refusal")):
                assert counts[*run_of, f"invalid-{kind}"] == rows[kind]
                valid = rows[kind] - round(invalid[*run_of, f"invalid-{kind}"])
                assert {counts[*run_of, metric] for metric in (f"refusal-{kind}", f"partial-{kind}", judged)} == {valid}
            assert counts[*run_of, "closeness"] == rows["harmful"]


def test_the_rehearsal_without_mirror_and_network_says_what_to_do(tmp_path):
    config = copy.deepcopy(REHEARSAL)
    config["corpora"]["do-not-answer"]["files"]["questions"]["url"] = "https://127.0.0.1:9/nothing.csv"
    project = Project(tmp_path / "project", config)
    target = "results/rehearsal/raw/do-not-answer/questions"
    output = project.snakemake("--cores", "1", "--retries", "0", target, check=False, ABSTAIN_MIRROR=str(tmp_path))
    assert output.startswith("exit 1") and f"put the file at {tmp_path}/do_not_answer/do_not_answer_en.csv" in output
    assert not (project.folder / target).exists()
    log = next((project.folder / "logs").rglob("fetch/**/*.log")).read_text()
    assert "Traceback" not in log
