"""The scales: the rehearsal is the paper scale on another model, and the paper scale is what was published."""

import math
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from test_config import put, refusal

ROOT = Path(__file__).resolve().parents[1]
REHEARSAL, PAPER = (
    yaml.safe_load((ROOT / f"config/{name}.yaml").read_text(encoding="utf-8")) for name in ("rehearsal", "paper")
)
MAY_DIFFER = (  # the base, and what follows from it
    "scale",
    "device",
    "bases.*",
    "studies.*.base",
    "studies.*.seeds",
    "studies.*.recipes.*.learning_rate",  # a model of three million parameters learns nothing at the published rate
    "studies.*.generation.max_new_tokens",  # a large model gives long answers, and thinks before them
)
EACH = "studies/do-not-answer/split/each"
STOPPING = "studies/do-not-answer/recipes/qlora/early_stopping"
CUTS = "studies/do-not-answer-published/split/each/do-not-answer"


def leaves(value, path: tuple = ()) -> dict[str, object]:
    """Every value that is no map, by its dotted path."""
    if not isinstance(value, dict):
        return {".".join(path): value}
    return {place: leaf for key, inner in value.items() for place, leaf in leaves(inner, (*path, key)).items()}


def test_rehearsal_and_paper_differ_in_the_base_and_what_it_implies_and_in_nothing_else():
    rehearsal, paper = leaves(REHEARSAL), leaves(PAPER)
    differ = {path for path in rehearsal | paper if rehearsal.get(path, ...) != paper.get(path, ...)}
    allowed = {path: [pattern for pattern in MAY_DIFFER if fnmatchcase(path, pattern)] for path in differ}
    assert [path for path, patterns in allowed.items() if not patterns] == []
    assert {pattern for patterns in allowed.values() for pattern in patterns} == set(MAY_DIFFER)


def test_every_public_file_of_the_two_scales_is_pinned_by_the_same_hash():
    files = [corpus["files"] for scale in (REHEARSAL, PAPER) for corpus in scale["corpora"].values()]
    assert all({"url", "mirror", "bytes", "sha256"} == set(file) for named in files for file in named.values())
    assert REHEARSAL["corpora"] == PAPER["corpora"]


def test_the_paper_scale_has_the_published_settings():
    (base,) = PAPER["bases"].values()
    assert base == {"hub": "Qwen/Qwen3-0.6B", "revision": "c1899de289a04d12100db370d81485cdf75e47ca"}
    for study in PAPER["studies"].values():
        recipe = study["recipes"]["qlora"]
        adapter = PAPER["adapters"][recipe["adapter"]]
        assert (adapter["rank"], adapter["alpha"], adapter["dropout"]) == (32, 64, 0.05)
        assert [name.removesuffix("_proj") for name in adapter["targets"]] == ["q", "k", "v", "o", "gate", "up", "down"]
        assert (recipe["quantisation"], recipe["learning_rate"], recipe["weight_decay"]) == ("nf4", 2e-4, 0.01)
        assert (recipe["batch_size"], recipe["gradient_accumulation"]) == (16, 2)
        assert (recipe["warmup_steps"], recipe["max_length"]) == (5, 256)
        assert recipe["early_stopping"] == {"mix": "validation", "steps": 10, "patience": 3}
        assert len(study["seeds"]) >= 3


@pytest.mark.parametrize(("study", "rows"), [("do-not-answer-published", 751), ("do-not-answer", 657)])
def test_the_steps_are_three_epochs(study, rows):
    recipe = PAPER["studies"][study]["recipes"]["qlora"]
    updates = math.ceil(math.ceil(rows / recipe["batch_size"]) / recipe["gradient_accumulation"])
    assert recipe["steps"] == 3 * updates


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (f"{EACH}/xstest", ..., ["do-not-answer.split.each", "the corpus 'xstest' has no split"]),
        (
            f"{EACH}/xtest",
            {"field": "kind", "parts": {"a": "test"}},
            ["split.each.xtest", "there is no corpus", "xstest"],
        ),
        (f"{EACH}/do-not-answer/by/text/test", 0.4, ["split.each.do-not-answer.by.text", "1.2", "not 1"]),
        (f"{EACH}/do-not-answer/field", "kind", ["split.each.do-not-answer", "exactly one of", "{field, parts}"]),
        (f"{EACH}/xstest/seed", 1, ["split.each.xstest", "exactly one of", "'seed'"]),
        (f"{EACH}/xstest/parts", ..., ["split.each.xstest", "parts"]),
        (f"{EACH}/xstest/parts", {}, ["split.each.xstest.parts", "{}"]),
        (
            "studies/do-not-answer/mixes/standard/part",
            "tuning",
            ["mixes.standard.part", "known: test, train, validation"],
        ),
        (f"{CUTS}/cuts/2/rest", 0.5, ["split.each.do-not-answer.cuts", "the last cut, and no other", "rest: 0"]),
        (f"{CUTS}/cuts/0/rest", 0, ["split.each.do-not-answer.cuts", "the last cut, and no other", "rest: 0"]),
        (f"{CUTS}/cuts/0/rest", 1, ["cuts.0.rest", "1"]),
        (f"{CUTS}/cuts/1/part", ..., ["cuts.1", "'part' is missing"]),
        (f"{CUTS}/cuts", [], ["split.each.do-not-answer.cuts", "[]"]),
        (f"{STOPPING}/mix", "validaton", ["early_stopping.mix", "there is no mix", "did you mean 'validation'?"]),
        (f"{STOPPING}/mix", "evaluation", ["mixes.evaluation.rows.0", "'target' is missing", "'qlora' stops by it"]),
        (f"{STOPPING}/steps", 7, ["recipes.qlora.save_steps", "10 is no multiple of early_stopping.steps"]),
        (f"{STOPPING}/patience", 0, ["early_stopping", "0"]),
        ("bases/qwen3-0-6b/folder", "models", ["bases.qwen3-0-6b", "exactly one of", "{folder}", "{hub, revision}"]),
        ("bases/qwen3-0-6b/revision", ..., ["bases.qwen3-0-6b", "revision"]),
        ("bases/qwen3-0-6b/revision", "main", ["bases.qwen3-0-6b.revision", "'main'"]),
        ("bases/qwen3-0-6b/hub", "Qwen3-0.6B", ["bases.qwen3-0-6b.hub", "'Qwen3-0.6B'"]),
    ],
)
def test_a_fault_of_a_split_or_a_base_is_told_with_its_place(where, value, told):
    message = refusal(put(PAPER, where, value))
    assert [part for part in told if part not in message] == []
