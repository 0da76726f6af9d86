"""Recipes are chosen on the validation part: what that scale reads, what its settings differ in, what is chosen."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Settings, load
from damages import faults
from snakemake.utils import update_config

from abstain.corpora.mixes import draw_mix
from abstain.corpora.readers import read_requests
from abstain.corpora.splits import parts_of
from abstain.jobs.files import read_csv, write_csv
from select_settings import COLUMNS, PLACE, SelectionError, chosen, select_settings

POCKET, SELECTION = (Settings.read(ROOT / path) for path in ("config.yaml", "config/selection.yaml"))
OVERLAYS = {path.stem: load(path) for path in sorted((ROOT / "config/selection").glob("*.yaml"))}
STUDIES = list(SELECTION.scale["studies"])
TABLE = ROOT / "results/selection.csv"
RENAMED = {"train": "train", "validation": "test", "test": "sealed"}  # the parts of pocket, at the selection
MAY_DIFFER = (
    "scale",
    "studies.*.file",  # seen from another folder
    "studies.*.seeds",
    "studies.*.compared",
    "studies.*.splits.*.by.*",  # the names of parts, see the test below
    "studies.*.sizes.test.*",
    "studies.*.recipes.*.steps",  # what is chosen
    "studies.*.recipes.*.warmup_steps",
    "studies.*.recipes.*.save_steps",
)


def leaves(value, path: tuple = ()) -> dict[str, object]:
    """Every value that is no map, by its dotted path."""
    if not isinstance(value, dict):
        return {".".join(path): value}
    return {place: leaf for key, inner in value.items() for place, leaf in leaves(inner, (*path, key)).items()}


def settings_of() -> dict[str, Settings]:
    """Every setting by the name of its scale, overlays put on as Snakemake does."""
    made = {SELECTION.scale["scale"]: SELECTION}
    for overlay in OVERLAYS.values():
        copy = SELECTION.copy()
        update_config(copy.scale, overlay)
        made[overlay["scale"]] = copy
    return made


@pytest.fixture(scope="module")
def requests() -> list[dict]:
    files = SELECTION.scale["corpora"]["safety-requests"]["files"]
    found = read_requests(**{key: str(ROOT / file["path"]) for key, file in files.items()})
    return [{**example, "source": "safety-requests"} for example in found]


@pytest.mark.parametrize("study", STUDIES)
def test_no_mix_of_the_selection_holds_a_row_of_the_test_part_of_pocket(study, requests):
    mine, theirs = SELECTION.resolved(study), POCKET.resolved(study)
    for name, mix in mine["mixes"].items():
        parts = parts_of(requests, mine["splits"][mix["split"]])
        before = parts_of(requests, theirs["splits"][mix["split"]])
        assert parts == [RENAMED.get(part) for part in before] and set(RENAMED.values()) < set(parts)
        offered = [row for row, part in zip(requests, parts, strict=True) if part == mix["part"]]
        sealed = {row["id"] for row, part in zip(requests, before, strict=True) if part == "test"}
        taken = {example["id"] for example, _ in draw_mix(offered, mix)[0]}
        assert taken and len(sealed) > 1000 and taken & sealed == set(), name
    assert {mix["part"] for mix in mine["mixes"].values()} == {"train", "test"}


def test_the_selection_is_the_pocket_scale_on_other_rows_and_in_nothing_else():
    pocket = {**POCKET.scale, "studies": {study: POCKET.values(study) for study in STUDIES}}
    named = {corpus for study in pocket["studies"].values() for corpus in study["corpora"]}
    pocket["corpora"] = {name: POCKET.scale["corpora"][name] for name in named}
    mine, theirs = leaves(SELECTION.scale), leaves(pocket)
    differ = {path for path in mine | theirs if mine.get(path, ...) != theirs.get(path, ...)}
    assert [path for path in differ if not any(fnmatchcase(path, each) for each in MAY_DIFFER)] == []
    assert [SELECTION.asks(study) for study in STUDIES] == [POCKET.asks(study) for study in STUDIES]


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_changes_recipes_and_the_name_of_the_scale_alone(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changed = leaves(OVERLAYS[name])
    assert changed.pop("scale") == f"selection-{name}"
    known = leaves(SELECTION.scale)
    assert changed and all(path.split(".")[2] == "recipes" and path in known for path in changed)
    assert faults(settings_of()[f"selection-{name}"]) == []


@pytest.mark.parametrize("study", STUDIES)
def test_the_recipe_of_pocket_is_the_one_that_the_table_names(study):
    rows = [row for row in read_csv(TABLE) if row["study"] == study]
    (named,) = {row["setting"] for row in rows if row["chosen"] == "yes"}
    assert named == chosen([{**row, "steps": int(row["steps"])} for row in rows])
    mine, theirs = (leaves(settings.values(study)["recipes"]) for settings in (POCKET, settings_of()[named]))
    for recipe in (mine, theirs):  # how often a broken run can be picked up again changes no result
        del recipe["standard.save_steps"]
    assert mine == theirs


def test_the_table_has_every_setting():
    steps = {
        (study, name, str(settings.values(study)["recipes"]["standard"]["steps"]))
        for name, settings in settings_of().items()
        for study in STUDIES
    }
    assert {(row["study"], row["setting"], row["steps"]) for row in read_csv(TABLE)} == steps


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
