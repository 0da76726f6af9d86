"""What is done again after a change: exactly the jobs that it concerns, and whatever is missing."""

import pytest
import yaml
from conftest import Settings
from plans import TABLES, deleted, edited, jobs, plan, rules, wanted

from abstain.settings.arms import scores
from abstain.studies.plan import score_rule

RESULTS = "results/pocket"
SCORES = {"score_text", "score_embedding"}  # at this scale no scorer asks the checkpoint


@pytest.mark.parametrize(
    ("path", "again"),
    [
        (
            "scripts/abstain/models/resume.py",
            {"train_sft", "merge", "predict"} | SCORES | TABLES,
        ),
        ("envs/generation.yaml", {"predict"} | SCORES | TABLES),
        ("scripts/abstain/scorers/refusal.py", {"score_text", "score_embedding"} | TABLES),
        ("scripts/abstain/scorers/detectors/rules.py", {"check_detector", "score_embedding"} | TABLES),
        ("scripts/abstain/tables/statistics.py", {"check_detector"} | TABLES),
        ("report/page.html.jinja", {"present", "checksum", "all"}),
        ("config.yaml", set()),
        ("config/studies/safety-mode.yaml", set()),
    ],
)
def test_an_edit_reruns_exactly_the_rules_that_it_concerns(miniature, path, again):
    with edited(miniature, path):
        assert rules(plan(miniature)) == again


def jobs_of_scorer(settings: Settings, scorer: str) -> set[str]:
    """The jobs of a scorer and of all that follows, for the studies that name it."""
    found = {"describe", "checksum", "all"}
    for study in settings.scale["studies"]:
        record = settings.resolved(study)
        if scorer in record["scorers"]:
            for each in (each for each in scores(record) if each["scorer"] == scorer):
                found.add(f"{score_rule(record, each['scorer'])} {'/'.join((study, *each.values()))}")
            found |= {f"{step} {study}" for step in ("summarise", "present")}
            found |= {f"plot {study}/{figure}" for figure in record["figures"]}
    return found


@pytest.mark.parametrize(("scorer", "studies"), [("refusal", 2), ("closeness", 1), ("answer", 1)])
def test_an_edit_of_a_scorer_scores_again_what_it_scores_and_nothing_of_a_study_without_it(
    miniature, small, scorer, studies
):
    expected = jobs_of_scorer(small, scorer)
    assert sum(job.startswith("summarise") for job in expected) == studies
    with edited(miniature, f"scripts/abstain/scorers/{scorer}.py"):
        assert jobs(plan(miniature)) == expected


def test_an_edit_of_a_plot_draws_its_figures_again_and_no_other(miniature):
    with edited(miniature, "scripts/abstain/plots/gap.py"):
        assert jobs(plan(miniature)) == {"plot safety-mode/gap", "describe", "checksum", "all"}


@pytest.mark.parametrize(
    ("where", "value", "again"),
    [
        ("studies/do-not-answer/scored/refusal/detector", "prefix-match", {"score_text"} | TABLES),
        ("studies/do-not-answer/clusters", [], SCORES | TABLES),
        ("asks/do-not-answer/claims/0/direction", "lower", TABLES),
        ("asks/do-not-answer/figures/refusal/caption", "Other words.", {"plot", "describe", "checksum", "all"}),
        ("asks/do-not-answer/question", "Why?", {"present", "describe", "checksum", "all"}),
    ],
)
def test_a_changed_record_reruns_what_reads_it_in_its_study(miniature, small, where, value, again):
    changed = small.changed(where, value)
    before, after = ({"config.yaml": each.scale, **each.files} for each in (small, changed))
    (path,) = [name for name in before if before[name] != after[name]]
    with edited(miniature, path, yaml.safe_dump(after[path], sort_keys=False, allow_unicode=True)):
        found = plan(miniature)
    assert rules(found) == again | {"resolve"}
    assert [job for job in jobs(found) if "safety-mode" in job] == []


# The default target


def test_the_default_target_asks_for_every_file_that_the_list_of_hashes_holds(miniature):
    lines = (miniature.folder / RESULTS / "SHA256SUMS").read_text().splitlines()
    listed = {f"{RESULTS}/{line[66:]}" for line in lines}
    asked = wanted(plan(miniature, "--forcerun", "all"), "all")
    assert len(listed) > 100
    assert asked == listed | {
        f"{RESULTS}/{name}" for name in ("SHA256SUMS", "environment.json", "records/checksum.json")
    }


@pytest.mark.parametrize(
    ("path", "job"),
    [
        ("adapters/safety-mode/lora/1/losses.csv", "train_sft safety-mode/lora/1"),
        ("checkpoints/do-not-answer/qlora/1/gate.json", "merge do-not-answer/qlora/1"),
        ("pages/safety-mode/before-after.html", "present safety-mode"),
        (
            "scores/do-not-answer/base/unseeded/test/closeness.csv",
            "score_embedding do-not-answer/base/unseeded/test/closeness",
        ),
        ("records/score_text/safety-mode/qlora/1/test/refusal.json", "score_text safety-mode/qlora/1/test/refusal"),
        ("corpora/safety-requests/quarantine.jsonl", "normalise safety-requests"),
        ("records/resolve.json", "resolve"),
        ("figures/safety-mode/gap.txt", "plot safety-mode/gap"),
    ],
)
def test_a_missing_file_is_made_again_whichever_it_is(miniature, path, job):
    with deleted(miniature, f"{RESULTS}/{path}"):
        assert job in jobs(plan(miniature))
