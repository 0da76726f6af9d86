"""The configuration: nothing is filled in, and a fault is told with its place, what was found and what is allowed."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from abstain.config import ConfigError, check_config

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "schemas" / "config.yaml"
RULES = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
SCALES = [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))]


def load(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


POCKET = load(SCALES[0])


def put(config: dict, where: str, value=None) -> dict:
    """A copy with the value at the path of keys, or without the last key when the value is `...`."""
    config = copy.deepcopy(config)
    *path, last = [int(part) if part.isdigit() else part for part in where.split("/")]
    node = config
    for part in path:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return config


def refusal(config: dict) -> str:
    """The message with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        check_config(config, SCHEMA)
    return str(caught.value)


def resolved(schema: dict) -> dict:
    """A schema with its reference followed."""
    found = schema
    if "$ref" in schema:
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = RULES if found is schema else found
            found = found[part]
        return {**resolved(found), **{key: value for key, value in schema.items() if key != "$ref"}}
    return found


def branch(schema: dict, value) -> dict:
    """The alternative that the value follows, or the schema itself where alternatives only narrow it."""
    schema = resolved(schema)
    for choice in schema.get("oneOf", []):
        if choice.get("type") == "object" and Draft202012Validator({**choice, "$defs": RULES["$defs"]}).is_valid(value):
            return choice
    return schema


def listed_keys(schema: dict, value, path: tuple = ()) -> Iterator[tuple[tuple, dict]]:
    """Every key of the value that the schema lists by name: its path, and the schema of what it holds."""
    schema = branch(schema, value)
    if isinstance(value, dict):
        for key, item in value.items():
            inner = schema.get("properties", {}).get(key)
            if inner is not None:
                yield (*path, key), inner
            yield from listed_keys(schema["additionalProperties"] if inner is None else inner, item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from listed_keys(schema.get("items", {}), item, (*path, place))


def subschemas(schema, path: str = "") -> Iterator[tuple[str, dict]]:
    """Every schema within the schema, with its place."""
    yield path, schema
    for word in ("properties", "$defs"):
        for name, inner in schema.get(word, {}).items():
            yield from subschemas(inner, f"{path}/{name}")
    for word in ("additionalProperties", "items", "propertyNames"):
        if isinstance(schema.get(word), dict):
            yield from subschemas(schema[word], f"{path}/{word}")
    for number, inner in enumerate(schema.get("oneOf", [])):
        if "type" not in inner:  # it narrows the schema that it stands in and names no key of its own
            assert set(inner.get("properties", {})) <= set(schema.get("properties", {})), f"{path}/{number}"
            continue
        yield from subschemas(inner, f"{path}/{number}")


@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_a_scale_is_valid_as_it_stands(path):
    check_config(load(path), SCHEMA)


@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_a_scale_is_named_like_its_file(path):
    assert load(path)["scale"] == ("pocket" if path.parent == ROOT else path.stem)


STUDY = "studies/safety-mode"
FAULTS = {
    "misspelt top key": ("corpra", {}, ["the top level", "'corpra'", "corpora"]),
    "misspelt study key": (f"{STUDY}/seedz", [1], ["studies.safety-mode", "'seedz'", "seeds"]),
    "misspelt recipe key": (
        f"{STUDY}/recipes/lora/lerning_rate",
        1,
        ["recipes.lora", "'lerning_rate'", "learning_rate"],
    ),
    "misspelt split key": (f"{STUDY}/split/seeds", 1, ["safety-mode.split", "'seeds'", "seed"]),
    "misspelt row key": (f"{STUDY}/mixes/standard/rows/3/promt", "x", ["standard.rows.3", "'promt'", "prompt"]),
    "misspelt claim key": (f"{STUDY}/claims/0/atleast", 1, ["claims.0", "'atleast'", "at_least"]),
    "misspelt arm key": (f"{STUDY}/arms/lora/mixture", "standard", ["arms.lora", "'mixture'", "mix, recipe"]),
    "misspelt adapter key": ("adapters/rank-16/r", 16, ["adapters.rank-16", "'r'", "rank"]),
    "misspelt file key": ("corpora/safety-requests/files/acts/file", "x", ["files.acts", "'file'", "path"]),
    "text for a number": (f"{STUDY}/recipes/lora/steps", "120", ["recipes.lora.steps", "'120'", "integer"]),
    "fraction of a step": (f"{STUDY}/recipes/lora/steps", 1.5, ["recipes.lora.steps", "1.5", "integer"]),
    "truth for a number": (f"{STUDY}/split/seed", True, ["split.seed", "True", "integer"]),
    "number for text": (f"{STUDY}/question", 3, ["question", "3", "not text", "quotes"]),
    "one seed, no list": (f"{STUDY}/seeds", 1, ["safety-mode.seeds", "1", "a list"]),
    "no seed": (f"{STUDY}/seeds", [], ["safety-mode.seeds", "[]"]),
    "a seed twice": (f"{STUDY}/seeds", [1, 1], ["safety-mode.seeds", "[1, 1]"]),
    "no study": ("studies", {}, ["studies", "{}"]),
    "unknown device": ("device", "tpu", ["device", "'tpu'", "cpu", "cuda"]),
    "unknown detector": ("detector", "mood", ["detector", "'mood'", "abstain-rules", "prefix-match"]),
    "unknown reader": ("corpora/safety-requests/reader", "pdf", ["reader", "'pdf'", "requests", "chats"]),
    "unknown method": (f"{STUDY}/recipes/lora/method", "ppo", ["recipes.lora.method", "'ppo'", "sft"]),
    "unknown plot": (f"{STUDY}/figures/gap/plot", "pie", ["figures.gap.plot", "'pie'", "frontier"]),
    "unknown should": (f"{STUDY}/mixes/evaluation/rows/0/should", "obey", ["rows.0.should", "'obey'", "refuse"]),
    "a name with capitals": ("scale", "Pocket", ["scale", "'Pocket'", "a-z0-9"]),
    "rows as a share": (f"{STUDY}/mixes/standard/rows/0/rows", 0.5, ["rows.0.rows", "0.5", "integer", "all"]),
    "dropout of one": ("adapters/rank-16/dropout", 1, ["adapters.rank-16.dropout", "1"]),
    "learning rate of zero": (f"{STUDY}/recipes/lora/learning_rate", 0, ["learning_rate", "0", "Peak"]),
    "unpinned file": (
        "corpora/safety-requests/files/acts",
        {"url": "https://example.org/a"},
        ["files.acts", "'bytes' is missing", "'mirror' is missing", "'sha256' is missing"],
    ),
    "file that is not downloaded over https": (
        "corpora/safety-requests/files/acts",
        {"url": "http://example.org/a", "mirror": "a", "bytes": 1, "sha256": "0" * 64},
        ["files.acts.url", "http://example.org/a", "https://"],
    ),
    "a row that is both trained and scored": (
        f"{STUDY}/mixes/standard/rows/0/should",
        "refuse",
        ["standard.rows.0", "exactly one of", "target", "should"],
    ),
    "a claim with two bounds": (f"{STUDY}/claims/0/at_most", 1, ["claims.0", "at_least", "at_most", "direction"]),
    "gap of one prompt": (f"{STUDY}/gaps/standard", ["flag-on"], ["gaps.standard", "['flag-on']"]),
    "unknown base": (f"{STUDY}/base", "bigger", ["safety-mode.base", "'bigger'", "known: pocket"]),
    "unknown corpus": (f"{STUDY}/corpora", ["nowhere"], ["safety-mode.corpora", "'nowhere'", "known: safety-requests"]),
    "unknown arm to start from": (
        f"{STUDY}/arms/lora/from",
        "sft",
        ["arms.lora.from", "'sft'", "known: base, lora, qlora"],
    ),
    "unknown mix": (f"{STUDY}/arms/lora/mix", "heavy", ["arms.lora.mix", "'heavy'", "known: evaluation, standard"]),
    "unknown recipe": (f"{STUDY}/arms/lora/recipe", "soup", ["arms.lora.recipe", "'soup'", "known: lora, qlora"]),
    "unknown adapter": (
        f"{STUDY}/recipes/lora/adapter",
        "rank-9",
        ["recipes.lora.adapter", "'rank-9'", "known: rank-16"],
    ),
    "unknown evaluation": (f"{STUDY}/evaluation", "exam", ["evaluation", "'exam'", "known: evaluation, standard"]),
    "unknown part": (f"{STUDY}/mixes/standard/part", "dev", ["mixes.standard.part", "'dev'", "known: test, train"]),
    "unknown prompt": (
        f"{STUDY}/mixes/standard/rows/0/prompt",
        "on",
        ["mixes.standard.rows.0.prompt", "'on'", "flag-on", "moved-off"],
    ),
    "unknown target": (
        f"{STUDY}/mixes/standard/rows/0/target",
        "no",
        ["mixes.standard.rows.0.target", "'no'", "overview, refusal"],
    ),
    "unknown ideal": (
        f"{STUDY}/ideal",
        "kindness",
        ["ideal", "'kindness'", "known: answer, framing, overview, refusal"],
    ),
    "an ideal that is a list": (
        f"{STUDY}/ideal",
        ["refusal"],
        ["safety-mode.ideal", "['refusal']", "list of `targets`"],
    ),
    "a figure of closeness without an ideal": (
        f"{STUDY}/figures/gap",
        {"plot": "similarity", "conditions": ["flag-on"], "caption": "x"},
        ["safety-mode.figures.gap", "'flag-on'", "`ideal`"],
    ),
    "a claim on closeness without an ideal": (
        f"{STUDY}/claims/0",
        {"sentence": "x", "metric": "closeness", "condition": "flag-on", "arms": ["lora"], "at_least": 0.5},
        ["safety-mode.claims.0", "'flag-on'", "`ideal`"],
    ),
    "closeness where nothing should be refused": (
        "studies/do-not-answer/mixes/evaluation/rows/0/should",
        "either",
        ["do-not-answer.figures.similarity", "do-not-answer.claims.1", "'plain'", "rows that should be refused"],
    ),
    "unknown prompt of a gap": (f"{STUDY}/gaps/moved", ["moved-on", "off"], ["gaps", "'off'", "moved-off"]),
    "unknown arm of a claim": (
        f"{STUDY}/claims/0/arms",
        ["dpo"],
        ["claims.0.arms.0", "'dpo'", "known: base, lora, qlora"],
    ),
    "unknown condition of a claim": (f"{STUDY}/claims/0/condition", "on", ["claims.0.condition", "'on'", "flag-on"]),
    "unknown condition of a figure": (
        f"{STUDY}/figures/gap/conditions",
        ["x"],
        ["figures.gap.conditions.0", "'x'", "moved"],
    ),
    "an arm that starts from itself": (f"{STUDY}/arms/lora/from", "lora", ["arms", "circle", "lora <- lora"]),
    "a base that starts from an arm": (
        f"{STUDY}/arms/base",
        {"from": "lora", "mix": "standard", "recipe": "lora"},
        ["arms.base.from", "{from: null}"],
    ),
    "shares below one": (f"{STUDY}/split/by/act/train", 0.3, ["split.by.act", "0.8999", "not 1"]),
    "shares above one": (f"{STUDY}/split/by/wording/test", 0.5, ["split.by.wording", "1.1", "not 1"]),
    "an evaluation row without should": (
        f"{STUDY}/mixes/evaluation/rows/2",
        {"kind": "benign", "prompt": "flag-on", "target": "answer", "rows": 1, "per": {}},
        ["mixes.evaluation.rows.2", "'should' is missing"],
    ),
}


@pytest.mark.parametrize(("where", "value", "told"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_refused_with_its_place_the_finding_and_what_is_allowed(where, value, told):
    message = refusal(put(POCKET, where, value))
    assert [part for part in told if part not in message] == []
    assert "Nothing was started" in message


def test_a_circle_of_arms_is_told_arm_by_arm():
    config = put(POCKET, f"{STUDY}/arms/lora/from", "qlora")
    message = refusal(put(config, f"{STUDY}/arms/qlora/from", "lora"))
    assert "lora <- qlora <- lora" in message


def test_a_chain_of_arms_is_no_circle():
    check_config(put(POCKET, f"{STUDY}/arms/qlora/from", "lora"), SCHEMA)


def test_all_faults_of_a_kind_are_told_at_once():
    faults = [
        line for line in refusal({**POCKET, "device": "tpu", "detector": "mood"}).splitlines() if line[:4] == "  - "
    ]
    assert [line.split(":")[0] for line in faults] == ["  - detector", "  - device"]


def test_a_detector_of_the_schema_is_one_that_exists():
    from abstain.refusal import DETECTORS

    assert sorted(RULES["properties"]["detector"]["enum"]) == sorted(DETECTORS)


def test_a_reader_of_the_schema_is_one_that_exists():
    from abstain.corpora import READERS

    assert sorted(RULES["$defs"]["corpus"]["properties"]["reader"]["enum"]) == sorted(READERS)


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(RULES)


def test_every_object_with_named_keys_refuses_all_others():
    places = [(path, schema) for path, schema in subschemas(RULES) if "properties" in schema]
    assert [path for path, schema in places if schema.get("additionalProperties") is not False] == []
    assert len(places) > 10


def test_every_map_with_free_names_says_what_its_values_are():
    maps = [(path, schema) for path, schema in subschemas(RULES) if schema.get("type") == "object"]
    assert [path for path, schema in maps if "additionalProperties" not in schema] == []


def test_every_named_key_is_required_unless_a_choice_of_keys_is():
    for path, schema in subschemas(RULES):
        if "properties" in schema:
            chosen = {key for choice in schema.get("oneOf", []) for key in choice.get("required", [])}
            assert set(schema.get("required", [])) | chosen == set(schema["properties"]), path


def test_no_default_hides_in_the_schema():
    assert [path for path, schema in subschemas(RULES) if "default" in schema] == []


def test_every_key_is_described():
    bare = []
    for path, schema in subschemas(RULES):
        for name, inner in schema.get("properties", {}).items():
            if "description" not in resolved(inner):
                bare.append(f"{path}/{name}")
    assert bare == []


@pytest.mark.parametrize(
    ("judged", "right", "wrong"),
    [
        ({"direction": "lower"}, ["lora", "base"], ["lora"]),
        ({"at_least": 0.5}, ["lora"], ["lora", "base"]),
        ({"at_most": 0.5}, ["lora"], ["lora", "base"]),
    ],
)
def test_a_direction_needs_two_arms_and_a_bound_one(judged, right, wrong):
    claim = {"sentence": "x", "metric": "correct-refusal", "condition": "flag-on", **judged}
    check_config(put(POCKET, f"{STUDY}/claims/0", {**claim, "arms": right}), SCHEMA)
    message = refusal(put(POCKET, f"{STUDY}/claims/0", {**claim, "arms": wrong}))
    assert f"claims.0.arms: found {wrong}" in message
    assert ("is of one arm" if len(right) == 1 else "is of two arms") in message


def test_an_arm_that_trains_on_the_evaluation_is_refused():
    message = refusal(put(POCKET, f"{STUDY}/arms/lora/mix", "evaluation"))
    assert "studies.safety-mode.mixes.evaluation.rows.0 (and 15 more): the key 'target' is missing" in message
    assert "'should'" not in message


def test_an_evaluation_on_rows_to_train_on_is_refused():
    message = refusal(put(POCKET, f"{STUDY}/evaluation", "standard"))
    assert "studies.safety-mode.mixes.standard.rows.0 (and 5 more): the key 'should' is missing" in message
    assert "'target'" not in message


def test_a_gap_with_the_name_of_a_prompt_is_refused():
    message = refusal(put(POCKET, f"{STUDY}/gaps/flag-on", ["flag-on", "flag-off"]))
    assert "studies.safety-mode.gaps.flag-on: a prompt has the same name" in message
