"""Really run: another evaluation trains nothing again, also where an arm starts from another arm."""

import html
from pathlib import Path

import pytest
from conftest import Project, Settings
from plans import jobs

from abstain.jobs.files import read_csv, read_jsonl
from abstain.settings.arms import ALL, UNSEEDED

STUDY = "do-not-answer"
RUNS = [("qlora", "2"), ("qlora", "10"), ("again", "2"), ("again", "10")]
TRAINED = {"initialise", "train_sft", "merge"}


@pytest.fixture(scope="module")
def settings(small) -> Settings:
    """A study in which an arm starts from another arm, with two seeds of which the first is the larger as text."""
    changed = small.changed(f"studies/{STUDY}/seeds", [2, 10])
    arms = changed.asks(STUDY)["arms"]
    arms["again"] = {**arms["qlora"], "from": "qlora", "quantisation": "none"}
    scored = {"refusal": {"detector": "exact"}, "closeness": {}}
    changed.values(STUDY).update(compared=["base", "qlora", "again"], scored=scored)
    changed.asks(STUDY)["targets"]["short"] = ["I cannot."]
    return changed


@pytest.fixture(scope="module")
def chained(tmp_path_factory, settings) -> Project:
    """Its finished run; tests change a copy."""
    project = Project(tmp_path_factory.mktemp("chained") / "project", settings)
    project.snakemake(STUDY, "--cores", "2")
    return project


def weights(project: Project) -> dict[str, int]:
    """When each file of adapters and checkpoints was written."""
    folders = [project.folder / f"results/pocket/{step}" for step in ("initial", "adapters", "checkpoints")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(project.folder)): path.stat().st_mtime_ns for path in files}


def test_another_evaluation_trains_nothing_again_but_a_recipe_changed_with_it_does(chained, settings, tmp_path):
    """Run, not planned: Snakemake knows what training need not do again only once the audit has passed."""
    project, before = Project.copied(chained.folder, tmp_path / "project"), weights(chained)
    assert len(before) == 2 * (2 + 2 * (3 + 7))  # two seeds; the step-0 adapter; two arms, adapter and checkpoint

    def run(*targets: str, check: bool = True) -> set[str]:
        project.write(changed)
        return jobs(project.snakemake(*targets, "--cores", "2", check=check))

    changed = settings.copy()
    study, sizes = changed.asks(STUDY), changed.values(STUDY)["sizes"]["test"]
    sizes["harmful"]["rows"] -= 1
    study["scorers"] |= {"refusal": {"targets": ["short"]}, "closeness": {"ideal": "short", "kinds": ["harmful"]}}
    changed.values(STUDY)["scored"] |= {"refusal": {"detector": "prefix-match"}}
    again = run(STUDY)
    assert {job.split()[0] for job in again} >= {"calibrate", "audit", "render", "predict", "score_text", "summarise"}
    assert not TRAINED & {job.split()[0] for job in again} and weights(project) == before
    assert f"render {STUDY}/test" in again and f"render {STUDY}/standard" not in again

    study["mixes"]["test"]["part"] = "train"  # a leak, and with it another recipe
    changed.values(STUDY)["recipes"]["standard"]["learning_rate"] *= 2
    assert not {"render", "predict", *TRAINED} & {job.split()[0] for job in run(STUDY, check=False)}
    assert weights(project) == before

    study["mixes"]["test"]["part"] = "test"
    sizes["benign"]["rows"] -= 1
    adapter = f"results/pocket/adapters/{STUDY}/qlora/2/adapter_model.safetensors"
    assert f"train_sft {STUDY}/qlora/2" in run(adapter) and weights(project)[adapter] > before[adapter]


def order(path: Path) -> list[tuple[str, str]]:
    """Trained arms and their seeds as they first come in a table."""
    found = dict.fromkeys((row["arm"], row["seed"]) for row in read_csv(path))
    return [(arm, seed) for arm, seed in found if seed not in (UNSEEDED, ALL)]


def test_seeds_keep_the_order_of_the_record_in_tables_figures_and_pages(chained):
    results = chained.folder / "results/pocket"
    assert order(results / f"tables/{STUDY}/summary.csv") == RUNS
    for path in (results / "figures").glob(f"{STUDY}/*.csv"):
        assert order(path) == RUNS, path
    page = html.unescape((results / f"pages/{STUDY}/before-after.html").read_text(encoding="utf-8"))
    replies = {seed: _replies(results, "qlora", seed) for seed in ("2", "10")}
    assert replies["2"] != replies["10"]
    assert [reply for reply in replies["2"] if reply not in page] == []
    assert [reply for reply in replies["10"] if reply not in page] != []


def _replies(results: Path, arm: str, seed: str) -> list[str]:
    return [row["reply"] for row in read_jsonl(results / f"predictions/{STUDY}/{arm}/{seed}/test.jsonl")]
