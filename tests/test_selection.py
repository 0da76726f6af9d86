"""Recipes are chosen on the validation part: what that scale reads, what its settings differ in, what is chosen."""

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Settings, load
from damages import faults
from drawn import Drawn, needs_mirror
from snakemake.utils import update_config

from abstain.corpora.mixes import draw_mix
from abstain.corpora.readers import read_requests
from abstain.corpora.splits import parts_of
from abstain.corpora.templates import with_templates
from abstain.jobs.files import read_csv, read_jsonl, write_csv
from select_settings import COLUMNS, PLACE, SelectionError, chosen, select_settings

CHOSEN_FOR = {
    "selection": "config.yaml",
    "selection-small": "config/small.yaml",
}  # each scale of choice, and whose recipes
SELECTIONS = {name: Settings.read(ROOT / f"config/{name}.yaml") for name in CHOSEN_FOR}
SCALES = {name: Settings.read(ROOT / file) for name, file in CHOSEN_FOR.items()}
OVERLAYS = {
    (name, path.stem): load(path) for name in CHOSEN_FOR for path in sorted((ROOT / f"config/{name}").glob("*.yaml"))
}
CASES = [(name, study) for name, settings in SELECTIONS.items() for study in settings.scale["studies"]]
RENAMED = {
    "train": "train",
    "validation": "test",
    "test": "sealed",
}  # the parts of a scale, where its recipes are chosen
MAY_DIFFER = (
    "scale",
    "studies.*.file",  # seen from another folder
    "studies.*.seeds",
    "studies.*.compared",
    "studies.*.splits.*.by.*",  # the names of parts, see the test below
    "studies.*.splits.*.shares.*",
    "studies.*.scored.*",  # those that choose
    "studies.*.sizes.test.*",
    "studies.*.recipes.*.steps",  # what is chosen
    "studies.*.recipes.*.gradient_accumulation",
    "studies.*.recipes.*.learning_rate",
    "studies.*.recipes.*.warmup_steps",
    "studies.*.recipes.*.save_steps",
)


def leaves(value, path: tuple = ()) -> dict[str, object]:
    """Every value that is no map, by its dotted path."""
    if not isinstance(value, dict):
        return {".".join(path): value}
    return {place: leaf for key, inner in value.items() for place, leaf in leaves(inner, (*path, key)).items()}


def settings_of(name: str) -> dict[str, Settings]:
    """Every setting of a scale of choice by the name of its own scale, overlays put on as Snakemake does."""
    made = {SELECTIONS[name].scale["scale"]: SELECTIONS[name]}
    for overlay in (overlay for (whose, _), overlay in OVERLAYS.items() if whose == name):
        copy = SELECTIONS[name].copy()
        update_config(copy.scale, overlay)
        made[overlay["scale"]] = copy
    return made


def table_of(name: str) -> list[dict]:
    return read_csv(ROOT / f"results/{name}.csv")


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    """The examples that a study's split divides, by the scale of choice and the study."""
    made = Drawn(tmp_path_factory.mktemp("drawn"))

    @cache
    def corpus(name: str, source: str) -> list[dict]:
        if name == "selection-small":
            return list(read_jsonl(made.corpus(source) / "examples.jsonl"))
        files = SELECTIONS[name].scale["corpora"][source]["files"]
        found = read_requests(**{key: str(ROOT / file["path"]) for key, file in files.items()})
        return [{**example, "source": source} for example in found]

    return lambda name, study: [row for source in study["corpora"] for row in corpus(name, source)]


@pytest.mark.parametrize(
    ("name", "study"),
    [pytest.param(*case, marks=needs_mirror if case[0] == "selection-small" else ()) for case in CASES],
)
def test_no_mix_of_a_selection_holds_a_row_of_the_test_part_that_is_scored(name, study, pool):
    mine, theirs = SELECTIONS[name].resolved(study), SCALES[name].resolved(study)
    for title, mix in mine["mixes"].items():
        split = mine["splits"][mix["split"]]
        requests = with_templates(pool(name, mine), split)
        parts = parts_of(requests, split)
        before = parts_of(requests, theirs["splits"][mix["split"]])
        assert parts == [RENAMED.get(part) for part in before] and set(RENAMED.values()) <= set(parts)
        offered = [row for row, part in zip(requests, parts, strict=True) if part == mix["part"]]
        sealed = {row["id"] for row, part in zip(requests, before, strict=True) if part == "test"}
        taken = {example["id"] for example, _ in draw_mix(offered, mix)[0]}
        assert taken and len(sealed) > 1000 and taken & sealed == set(), title
    assert {mix["part"] for mix in mine["mixes"].values()} == {"train", "test"}


@pytest.mark.parametrize("name", CHOSEN_FOR)
def test_a_selection_is_its_scale_on_other_rows_and_in_nothing_else(name):
    studies = list(SELECTIONS[name].scale["studies"])
    scale = {**SCALES[name].scale, "studies": {study: SCALES[name].values(study) for study in studies}}
    named = {corpus for study in scale["studies"].values() for corpus in study["corpora"]}
    scale["corpora"] = {corpus: SCALES[name].scale["corpora"][corpus] for corpus in named}
    mine, theirs = leaves(SELECTIONS[name].scale), leaves(scale)
    differ = {path for path in mine | theirs if mine.get(path, ...) != theirs.get(path, ...)}
    assert [path for path in differ if not any(fnmatchcase(path, each) for each in MAY_DIFFER)] == []
    assert [SELECTIONS[name].asks(study) for study in studies] == [SCALES[name].asks(study) for study in studies]


@pytest.mark.parametrize(("name", "setting"), OVERLAYS)
def test_an_overlay_changes_recipes_and_the_name_of_the_scale_alone(name, setting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changed = leaves(OVERLAYS[name, setting])
    assert changed.pop("scale") == f"{name}-{setting}"
    known = leaves(SELECTIONS[name].scale)
    assert changed and all(path.split(".")[2] == "recipes" and path in known for path in changed)
    assert faults(settings_of(name)[f"{name}-{setting}"]) == []


@pytest.mark.parametrize(("name", "study"), CASES)
def test_the_recipe_of_a_scale_is_the_one_that_the_table_names(name, study):
    rows = [row for row in table_of(name) if row["study"] == study]
    (named,) = {row["setting"] for row in rows if row["chosen"] == "yes"}
    assert named == chosen([{**row, "steps": int(row["steps"])} for row in rows])
    mine, theirs = (leaves(settings.values(study)["recipes"]) for settings in (SCALES[name], settings_of(name)[named]))
    for recipe in (mine, theirs):  # how often a broken run can be picked up again changes no result
        del recipe["standard.save_steps"]
    assert mine == theirs


@pytest.mark.parametrize("name", CHOSEN_FOR)
def test_the_table_has_every_setting(name):
    steps = {
        (study, setting, str(settings.values(study)["recipes"]["standard"]["steps"]))
        for setting, settings in settings_of(name).items()
        for study in settings.scale["studies"]
    }
    assert {(row["study"], row["setting"], row["steps"]) for row in table_of(name)} == steps


# The rule


def rates(steps: int, correct: float, false: float, condition: str = "on", **more: float) -> list[dict]:
    """The rows of one setting."""
    values = {"correct-refusal": correct, "false-refusal": false, **more}
    place = {"setting": f"s{steps}", "steps": steps, "arm": "lora", "condition": condition, "kind": "all"}
    return [{**place, "metric": metric, "value": str(value)} for metric, value in values.items()]


@pytest.mark.parametrize(
    ("settings", "best"),
    [
        ([(30, 0.80, 0.05), (60, 0.96, 0.06), (180, 0.98, 0.04)], "s60"),
        ([(180, 0.98, 0.04), (60, 0.95, 0.07), (30, 0.949, 0.04)], "s60"),  # just within, and just not
        ([(30, 0.98, 0.08), (60, 0.98, 0.05), (180, 0.99, 0.04)], "s60"),
        ([(30, 0.60, 0.05), (60, 0.90, 0.12), (180, 0.99, 0.40)], "s60"),  # none is; by 39, 9 and 35 points
        ([(30, 0.99, 0.0)], "s30"),
    ],
)
def test_the_fewest_steps_are_chosen_that_fall_short_in_no_number(settings, best):
    assert chosen([row for setting in settings for row in rates(*setting)]) == best


def test_each_prompt_and_each_metric_counts():
    rows = [*rates(30, 0.9, 0.1), *rates(60, 0.9, 0.1)]
    assert chosen(rows) == "s30"
    assert chosen([*rows, *rates(30, 0.9, 0.2, "off"), *rates(60, 0.9, 0.1, "off")]) == "s60"
    assert chosen([*rates(30, 1, 0, helpfulness=0.1), *rates(60, 1, 0, helpfulness=0.9)]) == "s60"
    assert chosen([*rates(30, 1, 1, closeness=0.56), *rates(60, 1, 1, closeness=0.77)]) == "s60"


# The program


def finished(scale: str, steps: int, value: float) -> str:
    """A run of a setting in the working directory, with one study of a base and a trained arm; gives its file."""
    arms = {"base": {"from": None}, "lora": {"from": "base", "recipe": "r"}}
    study = {"arms": arms, "recipes": {"r": {"steps": steps}}}
    results = Path("results", scale)
    (results / "tables/one").mkdir(parents=True)
    (results / "studies.yaml").write_text(yaml.safe_dump({"device": "cpu", "studies": {"one": study}}))
    place = {"study": "one", "condition": "on", "kind": "all", "low": 0, "high": 1, "n": 9, "value": value}
    asked = [("base", "all", "false-refusal"), ("lora", "1", "false-refusal"), ("lora", "all", "cut")]
    asked += [("lora", "all", metric) for metric in ("false-refusal", "helpfulness")]
    rows = [{**place, "arm": arm, "seed": seed, "metric": metric} for arm, seed, metric in asked]
    write_csv(results / "tables/one/summary.csv", rows, [*place, "arm", "seed", "metric"])
    Path(f"{scale}.yaml").write_text(f"scale: {scale}")
    return f"{scale}.yaml"


def test_the_table_holds_the_rates_of_trained_arms_over_their_seeds_by_steps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    select_settings([finished("long", 180, 0.1), finished("short", 30, 0.12)], "table.csv")
    assert list(read_csv("table.csv")[0]) == COLUMNS and set(PLACE) < set(COLUMNS)
    assert [
        (row["setting"], row["steps"], row["chosen"], row["metric"], row["value"]) for row in read_csv("table.csv")
    ] == [
        ("short", "30", "yes", "false-refusal", "0.12"),
        ("short", "30", "yes", "helpfulness", "0.12"),
        ("long", "180", "no", "false-refusal", "0.1"),
        ("long", "180", "no", "helpfulness", "0.1"),
    ]


def test_a_setting_that_was_not_run_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = [finished("long", 180, 0.1), finished("short", 30, 0.12)]
    Path("results/short/tables/one/summary.csv").unlink()
    with pytest.raises(SelectionError, match=r"^results/short/tables/one/summary.csv is not there: run `make select`"):
        select_settings(files, "table.csv")
    assert not Path("table.csv").exists()
