"""The configuration: nothing is filled in, and a fault has its place, what was found and what is allowed."""

import re
from pathlib import Path

import pytest
from conftest import NEXT, ROOT, Settings, load, refusal, studies_of
from damages import faults, place
from snakemake.utils import update_config

from abstain.settings.studies import SCALE_KEYS
from abstain.studies.check import read_studies

SCALES = [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))]
each_scale = pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Tests write settings into the working directory."""
    monkeypatch.chdir(tmp_path)


@each_scale
def test_a_scale_and_its_studies_are_valid_as_committed(path):
    settings = Settings.read(path)
    studies = read_studies(settings.scale, [path], ROOT, is_main=True)
    assert list(studies) == list(settings.scale["studies"])


def test_what_joins_the_small_scale_next_is_valid_as_an_overlay():
    scale, added = ROOT / "config/small.yaml", load(NEXT)
    config = load(scale)
    update_config(config, added)
    studies = read_studies(config, [scale, NEXT], ROOT, is_main=True)
    assert list(studies) == list(config["studies"]) and not added["studies"].keys() & load(scale)["studies"].keys()
    merged = Settings.read(scale, NEXT)
    assert all(merged.resolved(name) == study for name, study in studies.items())


@each_scale
def test_a_scale_is_named_like_its_file(path):
    assert Settings.read(path).scale["scale"] == ("pocket" if path.parent == ROOT else path.stem)


def test_every_study_file_belongs_to_a_scale():
    named = {(path.parent / file).resolve() for path in SCALES for file in Settings.read(path).files}
    assert named == {path.resolve() for path in (ROOT / "config/studies").glob("*.yaml")}


@each_scale
def test_a_resolved_study_has_what_its_file_asks_and_what_the_scale_gives_side_by_side(path):
    settings = Settings.read(path)
    for name, study in studies_of(settings, Path()).items():
        asked, given = settings.asks(name), {key: settings.values(name)[key] for key in SCALE_KEYS}
        whole, chosen = {**asked, **given}, {"mixes", "arms", "evaluation", "figures", "scorers"}
        assert asked.keys() & given.keys() == set() and whole == settings.whole(name)
        assert whole.keys() - study.keys() == {"compared", "scored", "sizes"} and study.keys() <= whole.keys()
        assert {key: study[key] for key in study.keys() - chosen} == {key: whole[key] for key in study.keys() - chosen}
        assert study == settings.resolved(name)


ASKS, VALUES = ("asks", "safety-mode"), ("studies", "safety-mode")
FILE = {"asks": "config/studies/safety-mode.yaml", "studies": "config.yaml"}
SHAPES = {
    "misspelt top key": (("corpra",), {}, ["corpra: ", "'corpra'", "allowed: bases, checkpoints, corpora"]),
    "odd top key": (("mood",), {}, ["mood: ", "bases, checkpoints, corpora, device, gate"]),
    "misspelt study key": ((*VALUES, "seedz"), [1], ["'seedz'", "seeds"]),
    "misspelt recipe key": ((*VALUES, "recipes/standard/lerning_rate"), 1, ["'lerning_rate'", "learning_rate"]),
    "misspelt split key": ((*VALUES, "splits/requests/seeds"), 1, ["'seeds'", "seed"]),
    "misspelt row key": ((*ASKS, "mixes/standard/rows/3/promt"), "x", ["'promt'", "prompt"]),
    "misspelt claim key": ((*ASKS, "claims/0/atleast"), 1, ["'atleast'", "at_least"]),
    "misspelt arm key": ((*ASKS, "arms/lora/mixture"), "standard", ["'mixture'", "mix, quantisation, recipe"]),
    "misspelt adapter key": ((*VALUES, "adapters/standard/r"), 16, ["'r'", "rank"]),
    "misspelt file key": (("corpora", "safety-requests/files/acts/file"), "x", ["'file'", "path"]),
    "misspelt scorer key": ((*VALUES, "scored/refusal/detectr"), "x", ["'detectr'", "detector"]),
    "key of another plot": ((*ASKS, "figures/gap/conditions"), ["flag-on"], ["'conditions'", "gaps, kinds, mix, plot"]),
    "a figure without arms": ((*ASKS, "figures/gap/arms"), [], ["figures.gap.arms", "[]"]),
    "an arm of a figure twice": ((*ASKS, "figures/gap/arms"), ["lora", "lora"], ["figures.gap.arms"]),
    "text for a number": ((*VALUES, "recipes/standard/steps"), "120", ["'120'", "integer"]),
    "fraction of a step": ((*VALUES, "recipes/standard/steps"), 1.5, ["1.5", "integer"]),
    "truth for a number": ((*VALUES, "splits/requests/seed"), True, ["True", "integer"]),
    "number for text": ((*ASKS, "question"), 3, ["3", "not text", "quotes"]),
    "one seed, no list": ((*VALUES, "seeds"), 1, ["1", "a list"]),
    "no seed": ((*VALUES, "seeds"), [], ["[]"]),
    "a seed twice": ((*VALUES, "seeds"), [1, 1], ["[1, 1]"]),
    "a seed beyond 32 bits": ((*VALUES, "seeds/0"), 2**32, ["4294967295"]),
    "no study": (("studies",), {}, ["{}"]),
    "no gate": (("gate", "float32/same_replies"), 1.5, ["1.5", "Least share"]),
    "unknown device": (("device",), "tpu", ["'tpu'", "cpu", "cuda"]),
    "unknown detector": ((*VALUES, "scored/refusal/detector"), "mood", ["'mood'", "abstain-rules", "prefix-match"]),
    "unknown reader": (("corpora", "safety-requests/reader"), "pdf", ["'pdf'", "requests", "chats"]),
    "unknown method": ((*VALUES, "recipes/standard/method"), "ppo", ["'ppo'", "sft"]),
    "unknown plot": ((*ASKS, "figures/gap/plot"), "pie", ["'pie'", "frontier"]),
    "unknown should": ((*ASKS, "mixes/test/rows/0/should"), "obey", ["'obey'", "refuse"]),
    "unknown scorer": ((*ASKS, "scorers/mood"), {}, ["'mood'", "refusal, closeness, abstention"]),
    "unknown scorer of a scale": ((*VALUES, "scored/answr"), {}, ["scored.answr: ", "'answr'", "answer"]),
    "a detector where none is asked": ((*VALUES, "scored/answer/detector"), "exact", ["unknown key", "allowed: none"]),
    "a refusal without a detector": ((*VALUES, "scored/refusal"), {}, ["scored.refusal: ", "'detector' is missing"]),
    "nothing that is scored": ((*VALUES, "scored"), {}, ["scored: ", "{}"]),
    "a refusal without targets": ((*ASKS, "scorers/refusal/targets"), [], ["refusal.targets: ", "[]"]),
    "a detector in a study": ((*ASKS, "scorers/refusal/detector"), "exact", ["unknown key 'detector'", "targets"]),
    "a name with capitals": (("scale",), "Pocket", ["'Pocket'", "a-z0-9"]),
    "a study with a space": (("studies", "safety mode"), {}, ["'safety mode'", "joined by hyphens"]),
    "rows as a share": ((*VALUES, "sizes/standard/harmful/rows"), 0.5, ["0.5", "integer", "all"]),
    "no rows": ((*VALUES, "sizes/standard/harmful/rows"), 0, ["0", "How many"]),
    "a size of no kind": ((*VALUES, "sizes/standard"), {}, ["sizes.standard", "{}"]),
    "rows in a study": ((*ASKS, "mixes/standard/rows/0/rows"), 5, ["unknown key 'rows'", "kind, prompt"]),
    "no arm": ((*VALUES, "compared"), [], ["[]"]),
    "an arm twice": ((*VALUES, "compared"), ["base", "base"], ["non-unique"]),
    "half of a length": (
        ("corpora", "safety-requests/longest"), {"question": 9}, ["the key 'reference' is missing"],
    ),
    "dropout of one": ((*VALUES, "adapters/standard/dropout"), 1, ["1"]),
    "learning rate of zero": ((*VALUES, "recipes/standard/learning_rate"), 0, ["0", "Peak"]),
    "closeness without an ideal": ((*ASKS, "scorers/closeness"), {}, ["'ideal' is missing"]),
    "an ideal that is a list": ((*ASKS, "scorers/closeness"), {"ideal": ["refusal"]}, ["closeness.ideal", "not text"]),
    "a cluster that score files have already": ((*VALUES, "clusters"), ["kind"], ["clusters.0", "'kind'"]),
    "a gap of one prompt": ((*ASKS, "gaps/standard"), ["flag-on"], ["['flag-on']"]),
    "a gap with itself": ((*ASKS, "gaps/moved"), ["moved-on", "moved-on"], ["non-unique"]),
    "a claim on an arm twice": ((*ASKS, "claims/4/arms"), ["lora", "lora"], ["non-unique"]),
    "a claim with two bounds": ((*ASKS, "claims/0/at_most"), 1, ["at_least", "at_most", "direction"]),
    "a row that is both trained and scored": (
        (*ASKS, "mixes/standard/rows/0/should"), "refuse", ["exactly one of", "target", "should"],
    ),
    "an unpinned file": (
        ("corpora", "safety-requests/files/acts"), {"url": "https://example.org/a"},
        ["'bytes' is missing", "'in_mirror' is missing", "'sha256' is missing"],
    ),
    "a file that is not downloaded over https": (
        ("corpora", "safety-requests/files/acts"),
        {"url": "http://example.org/a", "in_mirror": "a", "bytes": 1, "sha256": "0" * 64},
        ["acts.url", "http://example.org/a", "https://"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "words"), SHAPES.values(), ids=SHAPES)
def test_a_fault_of_shape_is_refused_with_its_file_its_place_the_finding_and_what_is_allowed(
    pocket, path, value, words
):
    said = refusal(pocket.changed("/".join(path), value), Path())
    file, where = FILE.get(path[0], "config.yaml"), "/".join(path).removeprefix("asks/safety-mode/").split("/")
    assert re.search(
        rf"^  - {file}(, line \d+)?: {re.escape(place(where[:-1]) if where[1:] else '')}", said, re.MULTILINE
    )
    assert [word for word in words if word not in said] == []
    assert said.endswith("Nothing was started. Correct it and run again.")


def test_all_faults_of_shape_are_listed_at_once(pocket):
    odd = (
        pocket.changed("device", "tpu").changed("gate/float32/tolerance", 0).changed("studies/do-not-answer/seeds", [])
    )
    places = [fault.split(": ")[1] for fault in faults(odd)]
    assert places == ["device", "gate.float32.tolerance", "studies.do-not-answer.seeds"]
    odd = pocket.changed("asks/safety-mode/question", 3).changed("asks/safety-mode/scorers/refusal/targets", [])
    odd = odd.changed("asks/do-not-answer/seed", 3)
    assert [fault.split(": ")[1] for fault in faults(odd)] == ["question", "seed"]


@pytest.mark.parametrize(("study", "row"), [("pii-sensitivity", "preferences/rows/0"), ("polite-pairs", "test/rows/0")])
@pytest.mark.parametrize("key", ["kind", "prompt"])
def test_a_row_that_prefers_or_was_seen_and_lacks_a_key_has_one_fault(pocket, study, row, key):
    (said,) = faults(pocket.changed(f"asks/{study}/mixes/{row}/{key}", ...))
    assert f"the key {key!r} is missing" in said


def test_a_fault_of_a_study_file_that_two_studies_have_is_listed_once(pocket):
    both = pocket.changed("studies/again", pocket.values("safety-mode"))
    assert list(studies_of(both, Path())) == list(both.scale["studies"])
    for where, value in (("question", 3), ("claims/0/arms", ["nobody"]), ("claims/0/metric", "mood")):
        assert len(faults(both.changed(f"asks/safety-mode/{where}", value))) == 1


@pytest.mark.parametrize(
    ("judged", "right", "wrong"),
    [
        ({"direction": "lower"}, ["lora", "base"], ["lora"]),
        ({"at_least": 0.5}, ["lora"], ["lora", "base"]),
        ({"at_most": 0.5}, ["lora"], ["lora", "base"]),
    ],
)
def test_a_direction_needs_two_arms_and_a_bound_one(pocket, judged, right, wrong):
    claim = {
        "sentence": "x",
        "metric": "correct-refusal",
        "kind": "all",
        "mix": "test",
        "condition": "flag-on",
        **judged,
    }
    where = "asks/safety-mode/claims/0"
    assert faults(pocket.changed(where, {**claim, "arms": right})) == []
    (said,) = faults(pocket.changed(where, {**claim, "arms": wrong}))
    assert f"claims.0.arms: found {wrong}" in said
    assert ("is of one arm" if len(right) == 1 else "is of two arms") in said


# Arms


def test_a_circle_of_arms_is_listed_arm_by_arm(pocket):
    settings = pocket.changed("asks/safety-mode/arms/lora/from", "qlora")
    (said,) = faults(settings.changed("asks/safety-mode/arms/qlora/from", "lora"))
    assert "arms.lora.from: " in said and "lora <- qlora <- lora" in said
    (said,) = faults(pocket.changed("asks/safety-mode/arms/lora/from", "lora"))
    assert "arms.lora.from: " in said and "circle, lora <- lora;" in said


def test_a_chain_of_arms_is_no_circle(pocket):
    assert faults(pocket.changed("asks/safety-mode/arms/qlora/from", "lora")) == []


def test_a_base_that_starts_from_an_arm_is_refused(pocket):
    arm = {**pocket.asks("safety-mode")["arms"]["lora"], "from": "lora"}
    (said,) = faults(pocket.changed("asks/safety-mode/arms/base", arm))
    assert "arms.base.from: " in said and "{from: null}" in said
