"""Records and examples against their schemas."""

from conftest import ROOT, load
from jsonschema import Draft202012Validator

SCHEMAS = {name: load(ROOT / f"schemas/{name}.yaml") for name in ("record", "example")}
VALIDATORS = {
    "record": Draft202012Validator(SCHEMAS["record"]),
    "corpora": Draft202012Validator(SCHEMAS["example"]),
    "splits": Draft202012Validator({**SCHEMAS["example"], "$ref": "#/$defs/of_mix"}),
}


def faults(value: dict, schema: str) -> list[str]:
    """What a schema says against a value, with the place."""
    return [f"{error.json_path}: {error.message}" for error in VALIDATORS[schema].iter_errors(value)]
