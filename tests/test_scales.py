"""The scales: small is the paper scale on another model, the paper scale is as published, no text is twice."""

import math
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from conftest import NEXT, ROOT, Settings, load
from damages import faults

from abstain.jobs.files import read_json
from abstain.settings.arms import PREFERENCES, arms_by, trained_arms

FILES = [
    ROOT / "config.yaml",
    *sorted((ROOT / "config").glob("*.yaml")),
    *sorted((ROOT / "config/studies").glob("*.yaml")),
]
SMALL, PAPER = Settings.read(ROOT / "config/small.yaml", NEXT), Settings.read(ROOT / "config/paper.yaml")
POCKET = Settings.read(ROOT / "config.yaml")
MAY_DIFFER = (  # the base, and what follows from it and from a night on two cores
    "scale",
    "device",
    "checkpoints",
    "bases.*",
    "studies.*.base",
    "studies.*.labelled",  # only what has run has replies to label
    "studies.*.compared",  # the published split is for the published model
    "studies.*.splits.published.*",
    "studies.*.recipes.published.*",
    "studies.*.sizes.*.rows*",  # one epoch of few rows, and no mix to stop by
    "studies.*.sizes.*.per*",
    "studies.*.recipes.standard.steps",
    "studies.*.recipes.standard.batch_size",  # what fits into 4 GB, and what is gathered for a step
    "studies.*.recipes.standard.gradient_accumulation",
    "studies.*.recipes.standard.save_steps",
    "studies.*.recipes.standard.early_stopping*",
    "studies.safety-mode.adapters.*",  # and few weights too
    "studies.*.recipes.standard.learning_rate",  # a small model learns little at the published rate
    "studies.*.recipes.longer.*",
    "studies.*.generation.max_new_tokens",  # a large model gives long answers, and thinks before them
    "studies.*.generation.batch_rows",
    *(f"studies.pii-sensitivity.recipes.gentle.{key}" for key in ("steps", "gradient_accumulation", "save_steps")),
    "studies.pii-sensitivity.recipes.gentle.optimiser",  # the published one has not the same bytes on every CPU
    "corpora.squad-*",  # the rebuilt development file alone, and its shorter passages
    "studies.missing-context.corpora",
    "studies.missing-context.splits.questions.each.squad-*",
    "studies.missing-context.recipes.standard.warmup_steps",
    "studies.missing-context.recipes.standard.max_length",
)
ASKS, VALUES = "asks/do-not-answer", "studies/do-not-answer"
EACH, CUTS = f"{VALUES}/splits/questions/each", f"{VALUES}/splits/published/each/do-not-answer/cuts"


def leaves(value, path: tuple = ()) -> dict[str, object]:
    """Every value that is no map, by its dotted path."""
    if not isinstance(value, dict):
        return {".".join(path): value}
    return {place: leaf for key, inner in value.items() for place, leaf in leaves(inner, (*path, key)).items()}


def test_small_and_paper_differ_in_the_base_and_what_it_implies_and_in_nothing_else():
    small, paper = leaves(SMALL.scale), leaves(PAPER.scale)
    differ = {path for path in small | paper if small.get(path, ...) != paper.get(path, ...)}
    allowed = {path: [pattern for pattern in MAY_DIFFER if fnmatchcase(path, pattern)] for path in differ}
    assert [path for path, patterns in allowed.items() if not patterns] == []
    assert {pattern for patterns in allowed.values() for pattern in patterns} == set(MAY_DIFFER)


def test_small_and_paper_ask_the_same_by_the_same_files_and_pocket_by_one_of_them():
    assert SMALL.files == PAPER.files
    named = [{name: study["file"] for name, study in scale.scale["studies"].items()} for scale in (SMALL, PAPER)]
    assert named[0] == named[1] and set(named[0].values()) == set(PAPER.files)
    assert POCKET.asks("do-not-answer") == PAPER.asks("do-not-answer")
    assert POCKET.values("do-not-answer")["file"] == f"config/{named[0]['do-not-answer']}"


def test_every_arm_of_the_study_is_compared_somewhere_and_every_mix_has_a_size_somewhere():
    scales = [scale.values("do-not-answer") for scale in (POCKET, SMALL, PAPER)]
    asked = PAPER.asks("do-not-answer")
    assert {arm for values in scales for arm in values["compared"]} == set(asked["arms"])
    assert {mix for values in scales for mix in values["sizes"]} == set(asked["mixes"])
    kinds = {(mix, row["kind"]) for mix, record in asked["mixes"].items() for row in record["rows"]}
    assert {(mix, kind) for values in scales for mix, sizes in values["sizes"].items() for kind in sizes} == kinds


def test_the_arms_of_the_small_scale_are_trained_on_equally_many_rows_for_one_epoch():
    study = SMALL.resolved("do-not-answer")
    for name, arm in trained_arms(study).items():
        rows, recipe = study["mixes"][arm["mix"]]["rows"], study["recipes"][arm["recipe"]]
        seen = recipe["steps"] * recipe["batch_size"] * recipe["gradient_accumulation"]
        assert sum(row["rows"] for row in rows) == seen == 256, name


def test_every_public_file_of_the_two_scales_is_pinned_by_the_same_hash():
    files = [corpus["files"] for scale in (SMALL, PAPER) for corpus in scale.scale["corpora"].values()]
    public = [file for named in files for file in named.values() if "path" not in file]
    assert all({"url", "in_mirror", "bytes", "sha256"} == set(file) for file in public)
    small, paper = SMALL.scale["corpora"], PAPER.scale["corpora"]
    assert small.keys() ^ paper.keys() == {"squad-rebuilt", "squad-train", "squad-dev"}
    assert all(small[name] == paper[name] for name in small.keys() & paper.keys())


def test_the_paper_scale_has_the_published_settings():
    study = PAPER.resolved("do-not-answer")
    base = PAPER.scale["bases"][study["base"]]
    assert base == {"hub": "Qwen/Qwen3-0.6B", "revision": "c1899de289a04d12100db370d81485cdf75e47ca"}
    for arm in trained_arms(study).values():
        recipe, adapter = study["recipes"][arm["recipe"]], study["adapters"][arm["adapter"]]
        layers = [layer.removesuffix("_proj") for layer in adapter["targets"]]
        assert (adapter["method"], adapter["rank"], adapter["alpha"], adapter["dropout"]) == ("lora", 32, 64, 0.05)
        assert layers == ["q", "k", "v", "o", "gate", "up", "down"]
        assert (recipe["learning_rate"], recipe["weight_decay"]) == (2e-4, 0.01)
        assert (recipe["batch_size"], recipe["gradient_accumulation"]) == (16, 2)
        assert (recipe["warmup_steps"], recipe["max_length"]) == (5, 256)
        assert recipe["early_stopping"] == {"steps": 10, "patience": 3}
        assert study["mixes"][arm["validation"]]["part"] == "validation"
    assert study["arms"]["published"]["quantisation"] == "nf4"
    assert all(len(values["seeds"]) >= 3 for values in PAPER.scale["studies"].values())


def test_the_paper_scale_trains_the_flag_as_published():
    study = PAPER.resolved("safety-mode")
    adapter, recipe = study["adapters"]["standard"], study["recipes"]["standard"]
    assert (adapter["rank"], adapter["alpha"], adapter["dropout"]) == (8, 16, 0.05)
    assert adapter["targets"] == ["q_proj", "v_proj"]
    assert (recipe["learning_rate"], recipe["max_length"]) == (2e-4, 512)
    assert (recipe["batch_size"], recipe["gradient_accumulation"]) == (1, 8)
    rows = sum(row["rows"] for row in study["mixes"]["standard"]["rows"])
    assert recipe["steps"] * 8 == rows  # one epoch


def test_the_paper_scale_trains_on_the_pairs_as_published():
    """Whose trainable parameters tests/test_families.py counts."""
    study = PAPER.resolved("polite-pairs")
    base = PAPER.scale["bases"][study["base"]]
    assert base["hub"] == "TinyLlama/TinyLlama-1.1B-Chat-v1.0" and base["revision"].startswith("fe8a4ea1ffed")
    published = read_json(ROOT / "tests/fixtures/architectures/tinyllama-1.1b.json")["adapter"]
    assert study["adapters"] == {"standard": published, "dora": published | {"method": "dora"}}
    recipe = study["recipes"]["standard"]
    assert (recipe["learning_rate"], recipe["max_length"]) == (5e-5, 512)
    assert recipe["batch_size"] * recipe["gradient_accumulation"] == 8
    assert recipe["steps"] == 3 * math.ceil(math.ceil(26 / recipe["batch_size"]) / recipe["gradient_accumulation"])
    for scale in (SMALL, PAPER):
        values = scale.values("polite-pairs")
        assert len(values["seeds"]) >= 5 and all(each["steps"] <= 40 for each in values["recipes"].values())


def test_the_paper_scale_tells_labels_apart_as_published_and_prefers_at_the_published_rate_and_a_gentle_one():
    study = PAPER.resolved("pii-sensitivity")
    base = {"hub": "Qwen/Qwen2.5-1.5B-Instruct", "revision": "989aa7980e4cf806f80c7fef2b1adb7bc71aa306"}
    assert PAPER.scale["bases"][study["base"]] == base
    adapter, sft = study["adapters"]["standard"], study["recipes"]["standard"]
    assert (adapter["rank"], adapter["alpha"], adapter["dropout"]) == (16, 16, 0.1)
    assert adapter["targets"] == ["q_proj", "v_proj"] and study["arms"]["sft"]["quantisation"] == "nf4"
    assert (sft["optimiser"], sft["learning_rate"], sft["batch_size"]) == ("paged_adamw_8bit", 2e-4, 2)
    for arm, rate in (("dpo-published", 2e-4), ("dpo-gentle", 2e-5)):
        recipe = study["recipes"][study["arms"][arm]["recipe"]]
        assert (recipe["method"], recipe["learning_rate"], recipe["batch_size"]) == ("dpo", rate, 2)
        assert study["arms"][arm]["from"] == "sft" and recipe["beta"] == 0.1
    rates = {name: recipe["learning_rate"] for name, recipe in SMALL.resolved("pii-sensitivity")["recipes"].items()}
    assert rates["published"] == 2e-4 and 5e-6 <= rates["gentle"] <= 5e-5


def test_at_the_small_scale_a_preference_takes_60_steps_at_most_and_reads_each_pair_once():
    study = SMALL.resolved("pii-sensitivity")
    for arm in arms_by(study, PREFERENCES).values():
        recipe, rows = study["recipes"][arm["recipe"]], study["mixes"][arm["mix"]]["rows"]
        pairs = recipe["steps"] * recipe["batch_size"] * recipe["gradient_accumulation"]
        assert recipe["steps"] <= 60 and sum(row["rows"] for row in rows) == pairs


@pytest.mark.parametrize(("arm", "rows"), [("published", 751), ("qlora", 416), ("contrast", 416)])
def test_the_steps_are_three_epochs(arm, rows):
    study = PAPER.resolved("do-not-answer")
    recipe = study["recipes"][study["arms"][arm]["recipe"]]
    updates = math.ceil(math.ceil(rows / recipe["batch_size"]) / recipe["gradient_accumulation"])
    assert recipe["steps"] == 3 * updates


def test_the_cuts_are_the_published_ones():
    study = PAPER.whole("do-not-answer")
    split = study["splits"][study["mixes"][study["arms"]["published"]["mix"]]["split"]]["each"]["do-not-answer"]
    assert [(cut["part"], cut["rest"]) for cut in split["cuts"]] == [("train", 0.2), ("validation", 0.05), ("test", 0)]
    assert (split["stratify"], split["seed"]) == (["risk_area"], 42)


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        (f"{EACH}/xstest", ..., ["splits.questions.each: ", "the corpus 'xstest' has no split"]),
        (f"{EACH}/xtest", {"field": "kind", "parts": {"a": "test"}}, ["each.xtest: ", "no corpus", "xstest"]),
        (f"{EACH}/do-not-answer/shares/test", 0.6, ["each.do-not-answer.shares: ", "1.2", "not 1"]),
        (f"{EACH}/do-not-answer/templates", 1.5, ["each.do-not-answer.templates: ", "1.5"]),
        (f"{EACH}/do-not-answer/shares", ..., ["each.do-not-answer: ", "exactly one of", "{templates, shares, "]),
        (f"{CUTS.removesuffix('/cuts')}/templates", ..., ["each.do-not-answer: ", "'templates' is missing"]),
        (f"{EACH}/do-not-answer/field", "kind", ["each.do-not-answer: ", "exactly one of", "{field, parts}"]),
        (f"{EACH}/xstest/seed", 1, ["each.xstest: ", "exactly one of", "'seed'"]),
        (f"{EACH}/xstest/parts", ..., ["each.xstest: ", "parts"]),
        (f"{EACH}/xstest/parts", {}, ["each.xstest.parts: ", "{}"]),
        (f"{ASKS}/mixes/standard/part", "tuning", ["mixes.standard.part: ", "known: test, train, validation"]),
        (f"{CUTS}/2/rest", 0.5, ["each.do-not-answer.cuts: ", "the last cut, and no other", "rest: 0"]),
        (f"{CUTS}/0/rest", 0, ["each.do-not-answer.cuts: ", "the last cut, and no other", "rest: 0"]),
        (f"{CUTS}/0/rest", 1, ["cuts.0.rest: ", "1"]),
        (f"{CUTS}/1/part", ..., ["cuts.1: ", "'part' is missing"]),
        (CUTS, [], ["each.do-not-answer.cuts: ", "[]"]),
        (f"{ASKS}/arms/qlora/validation", "validaton", ["qlora.validation: ", "no mix", "did you mean 'validation'?"]),
        (
            f"{ASKS}/arms/qlora/validation",
            "test",
            ["mixes.test.rows.0: ", "'target' is missing", "'qlora' stops by it"],
        ),
        (
            f"{VALUES}/recipes/standard/early_stopping/steps",
            7,
            ["standard.save_steps: ", "10 is no multiple of early_st"],
        ),
        (f"{VALUES}/recipes/standard/early_stopping/patience", 0, ["early_stopping", "0"]),
        (
            "bases/qwen3-0-6b/folder",
            "models",
            ["bases.qwen3-0-6b.folder: ", "unknown key 'folder'", "allowed: ", "hub"],
        ),
        ("bases/qwen3-0-6b/revision", ..., ["bases.qwen3-0-6b: ", "revision"]),
        ("bases/qwen3-0-6b/revision", "main", ["bases.qwen3-0-6b.revision: ", "'main'"]),
        ("bases/qwen3-0-6b/hub", "Qwen3-0.6B", ["bases.qwen3-0-6b.hub: ", "'Qwen3-0.6B'"]),
        ("bases/qwen3-0-6b/end_tokn", "</s>", ["bases.qwen3-0-6b.end_tokn: ", "did you mean 'end_token'?"]),
        ("bases/qwen3-0-6b", {"folder": "models/pocket", "date": "1 May"}, ["bases.qwen3-0-6b: ", "it has 'date'"]),
        ("bases/qwen3-0-6b", {}, ["bases.qwen3-0-6b: ", "exactly one of", "{folder}", "{hub, revision}"]),
    ],
)
def test_a_fault_of_a_split_or_a_base_is_refused_with_its_place(tmp_path, monkeypatch, where, value, words):
    monkeypatch.chdir(tmp_path)
    (said,) = faults(PAPER.changed(where, value))
    assert [word for word in words if word not in said] == []


# Nothing is written twice


LONG = 40  # characters; a text of fewer may well be the same by chance


def texts(value, path: tuple = ()) -> dict[tuple, str]:
    """Every long text of a record, by its place."""
    if isinstance(value, str):
        return {path: value} if len(value) >= LONG else {}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {place: text for key, item in items for place, text in texts(item, (*path, key)).items()}


WRITTEN_AGAIN = ("title", "licence", "url", "in_mirror", "sha256")


def is_about_a_corpus(path: Path, place: tuple) -> bool:
    """Title, licence, address or hash of a file, which every scale says that reads it."""
    return path.parent.name != "studies" and place[0] == "corpora" and place[-1] in WRITTEN_AGAIN


def test_no_long_text_is_in_two_files_of_configuration():
    """A claim, a caption, a question or a prompt is written in one place and named in others."""
    long = {path: texts(load(path)) for path in FILES}
    assert sum(map(len, long.values())) > 40 and all(long.values())
    again = [
        (path.name, place, other.name, text)
        for path, mine in long.items()
        for other, theirs in long.items()
        for place, text in mine.items()
        if path != other and not is_about_a_corpus(path, place)
        if any(text in each for each in theirs.values())
    ]
    assert again == []
