"""The small scale: a real chat model and real public data through every rule, with a handful of rows, all counted."""

from pathlib import Path

import pytest
from conftest import Project, Settings
from drawn import MIRROR, SMALL, STUDY, Drawn, needs_mirror

from abstain.jobs.files import read_csv, read_jsonl
from abstain.settings.arms import runs, scored_on, training_mixes
from abstain.settings.claims import parts_of_all
from abstain.tables.judging import NOT_MEASURED
from render import render

ROWS = 4  # of a kind that are asked


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Drawn:
    return Drawn(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def handful() -> Settings:
    """One study with a handful of rows of each kind, two steps and short replies, and one arm of each sort."""
    settings = SMALL.copy()
    values = settings.values(STUDY)
    settings.scale["studies"] = {STUDY: values}
    values["compared"] = ["base", "qlora", "contrast"]
    values["seeds"], values["generation"]["max_new_tokens"] = values["seeds"][:1], 8
    for mix, sizes in values["sizes"].items():
        for size in sizes.values():
            size["rows"] = ROWS if mix in settings.asks(STUDY)["evaluation"] else 2
    for recipe in values["recipes"].values():
        recipe.update(steps=2, warmup_steps=1, save_steps=2, batch_size=2, gradient_accumulation=1)
    return settings


@pytest.fixture(scope="module")
def project(tmp_path_factory, handful) -> Project:
    """Its finished run; skipped where pip cannot bring the model."""
    project = Project(tmp_path_factory.mktemp("small") / "project", SMALL)
    scale = handful.write(project.folder / "config", "small.yaml")
    output = project.snakemake("--cores", "2", "--configfile", str(scale), check=False, ABSTAIN_MIRROR=str(MIRROR))
    if "pip could not bring the package" in output:
        pytest.skip(next(line for line in output.splitlines() if "pip could not bring the package" in line))
    assert output.startswith("exit 0"), output[-6000:]
    return project


@pytest.fixture(scope="module")
def results(project) -> Path:
    return project.folder / "results/small"


@needs_mirror
def test_the_small_scale_goes_through_every_rule_and_all_of_its_figures_tables_and_pages_exist(results, handful):
    study = handful.resolved(STUDY)
    assert list(study["figures"]) == ["kinds", "similarity", "refusal"]
    for figure in study["figures"]:
        assert (results / f"figures/{STUDY}/{figure}.png").stat().st_size > 5000
        assert read_csv(results / f"figures/{STUDY}/{figure}.csv")
    for table in ("summary", "comparisons", "claims"):
        assert read_csv(results / f"tables/{STUDY}/{table}.csv")
    page = (results / f"pages/{STUDY}/before-after.html").read_text(encoding="utf-8")
    assert all(f"<th>{arm}" in page for arm in study["arms"])
    assert sorted(path.name for path in (results / f"figures/{STUDY}").glob("*.png")) == sorted(
        f"{figure}.png" for figure in study["figures"]
    )
    assert "published" not in {path.name for path in results.glob(f"*/{STUDY}/*")}


@needs_mirror
def test_every_rate_of_every_run_counts_every_row_asked(results, handful):
    """Those that nobody could judge too, which are counted beside it."""
    study = handful.resolved(STUDY)
    summary = [row for row in read_csv(results / f"tables/{STUDY}/summary.csv") if row["seed"] != "all"]
    keys = ("arm", "seed", "mix", "kind", "metric")
    counts = {tuple(row[key] for key in keys): (int(row["n"]), int(row["judged"]), row["value"]) for row in summary}
    expected = {(*run.values(), mix) for run in runs(study) for mix in scored_on(study, run["arm"])}
    assert {key[:3] for key in counts} == expected and len(expected) == 3
    kinds = ["harmful", "unsafe", "benign", "look-alike", "ordinary"]
    for run_of in sorted(expected):
        valid = {}
        for kind in kinds:
            of_kind = {metric: counts[*run_of, kind, metric] for metric in ("refusal", "invalid", "unread", "cut")}
            lost = sum(round(float(of_kind[metric][2]) * ROWS) for metric in ("invalid", "unread"))
            valid[kind] = ROWS - lost
            assert {number for number, *_ in of_kind.values()} == {of_kind["invalid"][1]} == {ROWS}
            assert of_kind["refusal"][1] == valid[kind]
        assert counts[*run_of, "all", "correct-refusal"][:2] == (2 * ROWS, sum(valid[kind] for kind in kinds[:2]))
        assert counts[*run_of, "all", "false-refusal"][:2] == (3 * ROWS, sum(valid[kind] for kind in kinds[2:]))
        assert counts[*run_of, "all", "closeness"][0] == ROWS


@needs_mirror
def test_claims_on_what_the_small_scale_does_not_run_are_not_measured_and_few_rows_measure_nothing(results, handful):
    claims, asked = read_csv(results / f"tables/{STUDY}/claims.csv"), handful.asks(STUDY)["claims"]
    compared = set(handful.values(STUDY)["compared"])
    not_run = [not compared.issuperset(part["arms"]) for _, part in parts_of_all(asked)]
    assert [row["why"] == "not run at this scale" for row in claims] == not_run and 0 < sum(not_run) < len(not_run)
    assert {row["verdict"] for row in claims} == {NOT_MEASURED}
    for row, missing in zip(claims, not_run, strict=True):
        assert row["n"].isdigit() != missing and (row["unit"] == "") == missing
        assert [row[name] for name in ("value", "low", "high")] == [""] * 3 or not missing
    page = (results / "README.md").read_text(encoding="utf-8")
    assert page.count("not run at this scale") == sum(not_run)


@needs_mirror
def test_no_row_of_the_whole_data_is_too_long_to_be_trained_on_and_nine_of_ten_refusals_can_be_given(
    results, drawn, tmp_path
):
    study = SMALL.resolved(STUDY)
    base = [str(results / "bases/smollm2" / name) for name in ("tokenizer.json", "config.json")]
    for mix in training_mixes(study):
        (most,) = {study["recipes"][arm["recipe"]]["max_length"] for arm in study["arms"].values() if "recipe" in arm}
        examples, lengths = str(drawn.mix("small", mix) / "examples.jsonl"), {"max_length": most, "new_tokens": 0}
        render(examples, base, lengths, str(tmp_path / "tokens.jsonl"), str(tmp_path / "card.json"))
        rows = list(read_jsonl(tmp_path / "tokens.jsonl"))
        assert len(rows) == 256 and max(len(row["input_ids"]) for row in rows) <= most
        learned = [sum(row["completion_mask"]) for row in rows]
        assert sorted(learned)[int(0.9 * len(learned))] <= study["generation"]["max_new_tokens"] or mix != "standard"


def test_without_mirror_and_network_it_says_what_to_do(tmp_path):
    where = "corpora/do-not-answer/files/questions/url"
    project = Project(tmp_path / "project", SMALL.changed(where, "https://127.0.0.1:9/nothing.csv"))
    target = "results/small/raw/do-not-answer/questions"
    output = project.snakemake("--cores", "1", "--retries", "0", target, check=False, ABSTAIN_MIRROR=str(tmp_path))
    assert output.startswith("exit 1") and f"put the file at {tmp_path}/do_not_answer/do_not_answer_en.csv" in output
    assert not (project.folder / target).exists()
    log = next((project.folder / "logs").rglob("fetch/**/*.log")).read_text()
    assert "Traceback" not in log
