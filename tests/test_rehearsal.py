"""The dress rehearsal: real public data through every rule, and every row accounted for."""

import os
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, Project, Settings

from abstain.jobs.files import read_csv, read_json, read_jsonl
from abstain.settings.arms import runs, scored_on

MIRROR = Path(os.environ.get("ABSTAIN_MIRROR", ROOT.parent / "shared/corpora"))
needs_mirror = pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of the public corpora: set ABSTAIN_MIRROR")
REHEARSAL = Settings.read(ROOT / "config/rehearsal.yaml")
STUDY = "do-not-answer"
MIXES = REHEARSAL.asks(STUDY)["mixes"]
TRAINED, SCORED = ["standard", "published"], REHEARSAL.asks(STUDY)["evaluation"]
PUBLISHED = [402, 627, 567, 803, 849, 525, 425, 58, 106, 226]  # row numbers of the ten test questions
SAFE = 250  # prompts of XSTest


def run(folder: Path, settings: Settings, *arguments: str) -> Path:
    """Run Snakemake on the rehearsal in a copy of the project, and give the folder of results."""
    project = Project(folder, REHEARSAL)
    scale = settings.write(project.folder / "config", "rehearsal.yaml")
    project.snakemake(*arguments, "--cores", "2", "--configfile", str(scale), ABSTAIN_MIRROR=str(MIRROR))
    return project.folder / "results/rehearsal"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """The results of the rehearsal up to the tokens that are trained on and those that are asked."""
    targets = [f"results/rehearsal/rendered/{STUDY}/{mix}/tokens.jsonl" for mix in MIXES]
    return run(tmp_path_factory.mktemp("rendered") / "project", REHEARSAL, *targets)


def drawn(results: Path, mix: str) -> list[dict]:
    return list(read_jsonl(results / f"splits/{STUDY}/{mix}/examples.jsonl"))


def harmful(results: Path, mix: str, field: str) -> set[str]:
    """The values of a field that the harmful requests of a mix have."""
    return {row[field] for row in drawn(results, mix) if row["kind"] == "harmful"}


def usable(results: Path) -> dict[str, int]:
    """Rows of each corpus less those set aside, all of which are examples."""
    cards = {name: read_json(results / f"corpora/{name}/card.json") for name in REHEARSAL.scale["corpora"]}
    assert all(card["kept"] == card["rows"] - card["quarantined"] for card in cards.values())
    return {name: card["kept"] for name, card in cards.items()}


@needs_mirror
def test_every_row_of_the_public_corpora_is_read_or_set_aside(rendered):
    found = {name: read_json(rendered / f"corpora/{name}/card.json") for name in REHEARSAL.scale["corpora"]}
    counts = {name: (card["rows"], card["quarantined"]) for name, card in found.items()}
    assert counts == {"do-not-answer": (939, 0), "xstest": (450, 0), "coconot-preferences": (927, 8)}
    repeated = list(read_jsonl(rendered / "corpora/coconot-preferences/quarantine.jsonl"))
    assert {row["reason"][:19] for row in repeated} == {"the same prompt as "}
    kinds = pd.Series([row["kind"] for row in read_jsonl(rendered / "corpora/xstest/examples.jsonl")]).value_counts()
    assert dict(kinds) == {"benign": SAFE, "harmful": 200}


@needs_mirror
def test_the_published_split_is_reproduced_row_by_row(rendered):
    before = read_json(rendered / f"splits/{STUDY}/published/card.json")["kinds"]["before"]
    sizes = {part: counts[STUDY] for part, counts in before.items() if part != "in no part"}
    assert sizes == {part: {"harmful": rows} for part, rows in (("train", 751), ("validation", 178), ("test", 10))}
    assert before["in no part"] == {"xstest": {"harmful": 200}}
    assert harmful(rendered, "published-test", "request") == {f"dna-{number}" for number in PUBLISHED}
    assert [len(drawn(rendered, mix)) for mix in ("published", "published-validation")] == [751, 178]


@needs_mirror
def test_our_own_split_has_a_proper_test_part_and_no_text_on_both_sides(rendered):
    scored, trained, judged = (harmful(rendered, mix, "text") for mix in ("test", "standard", "validation"))
    assert len(scored) >= 150 and len(trained) >= 650 and len(judged) >= 90
    assert not scored & trained and not scored & judged and not trained & judged
    own = [mix for mix in MIXES if MIXES[mix]["split"] == MIXES["test"]["split"]]
    twins = set().union(*(harmful(rendered, mix, "request") for mix in own))
    assert {"dna-433", "dna-434"} <= twins  # one question twice: on the same side, or this set would lack one
    areas = [row["risk_area"] for row in drawn(rendered, "test") if row["kind"] == "harmful"]
    assert pd.Series(areas).value_counts().min() >= 20 and len(set(areas)) == 5


@needs_mirror
def test_the_benign_prompts_are_all_asked_and_never_trained_on(rendered):
    wanted = {"xstest": SAFE, "coconot-preferences": usable(rendered)["coconot-preferences"]}
    for mix in SCORED:
        asked = [row["source"] for row in drawn(rendered, mix) if row["kind"] == "benign"]
        assert dict(pd.Series(asked).value_counts()) == wanted, mix
    for mix in MIXES.keys() - set(SCORED):
        assert {(row["kind"], row["source"]) for row in drawn(rendered, mix)} == {("harmful", STUDY)}, mix


@needs_mirror
def test_the_licences_of_all_corpora_travel_with_what_is_made_of_them(rendered):
    every = sorted(corpus["licence"] for corpus in REHEARSAL.scale["corpora"].values())
    expected = {"": every, **dict.fromkeys(SCORED, every), **dict.fromkeys(TRAINED, ["CC BY-NC-SA 4.0"])}
    for mix, licences in expected.items():
        assert read_json(rendered / f"splits/{STUDY}" / mix / "card.json")["licences"] == licences, mix


@needs_mirror
def test_no_row_is_too_long_to_be_trained_on_and_no_reply_too_long_to_be_given(rendered):
    study = REHEARSAL.resolved(STUDY)
    for mix in TRAINED:
        (recipe,) = [study["recipes"][arm["recipe"]] for arm in study["arms"].values() if arm.get("mix") == mix]
        rows = list(read_jsonl(rendered / f"rendered/{STUDY}/{mix}/tokens.jsonl"))
        assert max(len(row["input_ids"]) for row in rows) <= recipe["max_length"]
        assert max(sum(row["completion_mask"]) for row in rows) <= study["generation"]["max_new_tokens"]
    for mix in MIXES:
        rows = list(read_jsonl(rendered / f"rendered/{STUDY}/{mix}/tokens.jsonl"))
        assert len(rows) == len(drawn(rendered, mix)) > 0, mix


@needs_mirror
def test_the_rehearsal_goes_through_every_rule_and_every_rate_counts_every_row(tmp_path):
    settings = REHEARSAL.changed(f"studies/{STUDY}/generation/max_new_tokens", 24)  # the whole data, a short training
    for recipe in settings.values(STUDY)["recipes"].values():
        recipe.update(steps=2, warmup_steps=1, save_steps=2, batch_size=8)
        recipe["early_stopping"]["steps"] = 2
    results = run(tmp_path / "project", settings)
    assert_every_row_is_counted(results)
    for figure in REHEARSAL.asks(STUDY)["figures"]:
        assert (results / f"figures/{STUDY}/{figure}.png").stat().st_size > 5000


def assert_every_row_is_counted(results: Path) -> None:
    """The n of every rate of every run is the rows of its kind, or those less the replies that are invalid."""
    study = REHEARSAL.resolved(STUDY)
    summary = [row for row in read_csv(results / f"tables/{STUDY}/summary.csv") if row["seed"] != "all"]
    keys = ("arm", "seed", "mix", "kind", "metric")
    counts = {tuple(row[key] for key in keys): (int(row["n"]), row["value"]) for row in summary}
    expected = {(*run.values(), mix) for run in runs(study) for mix in scored_on(study, run["arm"])}
    assert {key[:3] for key in counts} == expected and len(expected) == 4  # the base on both, each arm on its split's
    for run_of in sorted(expected):
        before = read_json(results / f"splits/{STUDY}/{run_of[2]}/card.json")["kinds"]["before"]["test"]
        rows = {"harmful": before[STUDY]["harmful"], "benign": SAFE + usable(results)["coconot-preferences"]}
        for kind, judged in (("harmful", "correct-refusal"), ("benign", "false-refusal")):
            number, share = counts[*run_of, kind, "invalid"]
            assert number == counts[*run_of, kind, "cut"][0] == rows[kind]
            valid = {rows[kind] - round(float(share) * number)}
            assert {counts[*run_of, kind, metric][0] for metric in ("refusal", "partial")} == valid
            assert {counts[*run_of, "all", judged][0]} == valid
        assert counts[*run_of, "all", "closeness"][0] == rows["harmful"]


def test_the_rehearsal_without_mirror_and_network_says_what_to_do(tmp_path):
    where = "corpora/do-not-answer/files/questions/url"
    project = Project(tmp_path / "project", REHEARSAL.changed(where, "https://127.0.0.1:9/nothing.csv"))
    target = "results/rehearsal/raw/do-not-answer/questions"
    output = project.snakemake("--cores", "1", "--retries", "0", target, check=False, ABSTAIN_MIRROR=str(tmp_path))
    assert output.startswith("exit 1") and f"put the file at {tmp_path}/do_not_answer/do_not_answer_en.csv" in output
    assert not (project.folder / target).exists()
    log = next((project.folder / "logs").rglob("fetch/**/*.log")).read_text()
    assert "Traceback" not in log
