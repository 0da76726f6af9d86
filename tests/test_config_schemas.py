"""The schemas of the configuration: other keys are refused, each key is described and required, none has a default."""

import inspect
from importlib import import_module

import pytest
from conftest import ROOT, Settings
from described import SCHEMAS, Rules, keys_of_scale, keys_of_study, rules_of, subschemas
from jsonschema import Draft202012Validator

from abstain.corpora.readers import READERS
from abstain.scorers.detectors.registry import DETECTORS, TAUGHT
from abstain.settings.studies import SCALE_KEYS

OPEN = {  # records that a schema of their own describes; the outer one says by which
    "scale": {"/recipe"},
    "study": {"/scorers/additionalProperties", "/figures/additionalProperties"},
}
FREE = {"bases", "corpora", "files", "studies", "adapters", "recipes"}  # what holds names that a user chooses
FREE |= {
    "splits",
    "sizes",
    "prompts",
    "targets",
    "mixes",
    "gaps",
    "scorers",
    "scored",
    "arms",
    "figures",
    "by",
    "each",
    "parts",
    "per",
    "rows",
    "shares",
    "limits",
}
each_schema = pytest.mark.parametrize("name", SCHEMAS)


def objects(name: str) -> list[tuple[str, dict]]:
    """Every schema of an object, with its place, but those that a schema of their own describes."""
    found = [(path, schema) for path, schema in subschemas(SCHEMAS[name]) if schema.get("type") == "object"]
    assert OPEN.get(name, set()) <= {path for path, _ in found}
    return [(path, schema) for path, schema in found if path not in OPEN.get(name, set())]


@each_schema
def test_a_schema_is_a_schema(name):
    Draft202012Validator.check_schema(SCHEMAS[name])


@each_schema
def test_every_object_with_named_keys_refuses_all_others(name):
    named = [(path, schema) for path, schema in objects(name) if "properties" in schema]
    assert [path for path, schema in named if schema.get("additionalProperties") is not False] == []
    assert len(named) > {"scale": 10, "study": 6}.get(name, 0)


@each_schema
def test_every_map_with_free_names_says_what_its_values_are(name):
    assert [path for path, schema in objects(name) if "additionalProperties" not in schema] == []


@each_schema
def test_named_keys_are_only_ever_listed_in_an_object(name):
    listing = [(path, schema) for path, schema in subschemas(SCHEMAS[name]) if "properties" in schema]
    assert [path for path, schema in listing if schema.get("type") != "object"] == []


# What a base that is fetched may say beside its published tokenizer (absent, the published one counts), what a
# claim's sentence may say besides, and the scorers that a scale may run.
OPTIONAL = {"headline", "context", "end_token", "pad_token", "chat_template", "named_template", "date", "also"}
OPTIONAL |= set(SCHEMAS["study"]["properties"]["scorers"]["propertyNames"]["enum"])


@each_schema
def test_every_named_key_is_required_unless_a_choice_of_keys_is(name):
    for path, schema in objects(name):
        if "properties" in schema:
            chosen = {key for choice in schema.get("oneOf", []) for key in choice.get("required", [])}
            asked = set(schema.get("required", [])) | chosen
            assert asked <= set(schema["properties"]) <= asked | OPTIONAL, path


@each_schema
def test_a_choice_of_keys_names_no_key_of_its_own(name):
    for path, schema in subschemas(SCHEMAS[name]):
        for choice in schema.get("oneOf", []):
            if "type" not in choice:
                named = {*choice.get("properties", {}), *choice.get("required", [])}
                assert named <= set(schema.get("properties", {})), path


@each_schema
def test_no_default_hides_in_a_schema(name):
    assert [path for path, schema in subschemas(SCHEMAS[name]) if "default" in schema] == []
    assert "default:" not in (ROOT / f"schemas/{name}.yaml").read_text(encoding="utf-8")


@each_schema
def test_every_key_is_described(name):
    bare = [
        f"{path}/{key}"
        for path, schema in subschemas(SCHEMAS[name])
        for key, inner in schema.get("properties", {}).items()
        if not Rules(inner, SCHEMAS[name]).schema.get("description", "").strip()
    ]
    assert bare == []


@each_schema
def test_every_schema_has_a_title_and_says_what_it_is_of(name):
    assert SCHEMAS[name]["title"].strip() and SCHEMAS[name]["description"].strip()


@pytest.mark.parametrize("path", ["config.yaml", "config/paper.yaml", "config/small.yaml"])
def test_the_schemas_list_every_key_of_every_scale_and_study_but_free_names(path):
    settings = Settings.read(ROOT / path)
    records = [(settings.scale, keys_of_scale(settings.scale))]
    records += [(study, keys_of_study(study)) for study in settings.files.values()]
    for record, listed in records:
        unlisted = [place for place in places_of(record) if place not in listed]
        assert [place for place in unlisted if place[-2] not in FREE and place[-3] not in ("by", "sizes")] == []
        assert set(listed) <= set(places_of(record)) and len(listed) > 60


def places_of(value, path: tuple = ()) -> list[tuple]:
    """The path of every key of a record."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [place for key, item in items for place in places_of(item, (*path, key))]
    return [path, *inner] if path and isinstance(path[-1], str) else inner


# The schemas and the programs


def test_a_study_and_its_scale_have_no_key_in_common_and_the_program_knows_which_the_scale_gives():
    given = set(SCHEMAS["scale"]["$defs"]["study"]["properties"])
    assert given == {"file", *SCALE_KEYS}
    assert given & set(SCHEMAS["study"]["properties"]) == set()


def test_a_reader_of_the_schema_is_one_that_exists():
    assert sorted(SCHEMAS["scale"]["$defs"]["corpus"]["properties"]["reader"]["enum"]) == sorted(READERS)


def test_a_detector_of_the_schema_is_one_that_exists():
    scored = SCHEMAS["scale"]["$defs"]["study"]["properties"]["scored"]["properties"]
    by_detector = [
        record["properties"]["detector"] for record in scored.values() if "detector" in record.get("properties", {})
    ]
    assert len(by_detector) == 2
    for each in by_detector:
        assert sorted(Rules(each, SCHEMAS["scale"]).schema["enum"]) == sorted(DETECTORS | TAUGHT)


def schemas_in(folder: str) -> list[str]:
    return [name.removeprefix(f"{folder}/") for name in SCHEMAS if name.startswith(f"{folder}/")]


def test_every_scorer_of_the_schema_has_a_module_and_a_schema_of_its_own():
    names = SCHEMAS["study"]["properties"]["scorers"]["propertyNames"]["enum"]
    assert sorted(names) == schemas_in("scorers")
    assert list(SCHEMAS["scale"]["$defs"]["study"]["properties"]["scored"]["properties"]) == names
    for name in names:
        scorer = import_module(f"abstain.scorers.{name}")
        assert scorer.METRICS and all(
            callable(getattr(scorer, part)) for part in ("cost", "names", "settings", "label")
        )


def test_every_plot_of_the_schema_has_a_module_and_a_schema_of_its_own():
    names = SCHEMAS["study"]["properties"]["figures"]["additionalProperties"]["properties"]["plot"]["enum"]
    assert sorted(names) == schemas_in("plots")
    for name in names:
        plot = import_module(f"abstain.plots.{name}")
        assert list(inspect.signature(plot.needs).parameters) == ["record"] and callable(plot.draw)
        assert rules_of(f"plots/{name}").schema["properties"]["plot"]["const"] == name


def test_every_method_of_the_schema_has_a_record_of_its_own():
    recipe = SCHEMAS["scale"]["$defs"]["recipe"]
    cases = {case["if"]["properties"]["method"]["const"]: case["then"]["$ref"] for case in recipe["allOf"]}
    assert set(cases) == set(recipe["properties"]["method"]["enum"])
    for method, reference in cases.items():
        record = SCHEMAS["scale"]["$defs"][reference.removeprefix("#/$defs/")]
        assert record["properties"]["method"]["const"] == method
