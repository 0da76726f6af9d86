"""What the schemas say, for tests that walk through them: every schema by name, and every key that a record has."""

from collections.abc import Iterator
from functools import cache

from conftest import ROOT, load
from jsonschema import Draft202012Validator

SCHEMAS = {
    path.relative_to(ROOT / "schemas").with_suffix("").as_posix(): load(path)
    for path in [ROOT / "schemas/scale.yaml", ROOT / "schemas/study.yaml", *sorted((ROOT / "schemas").glob("*/*.yaml"))]
}


class Rules:
    """A schema, with the document in which its references are."""

    def __init__(self, schema: dict, whole: dict):
        self.whole, self.schema = whole, schema
        if "$ref" in schema:
            found = whole["$defs"][schema["$ref"].removeprefix("#/$defs/")]
            self.schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}

    def inner(self, schema: dict) -> "Rules":
        return Rules(schema, self.whole)

    def allows(self, value) -> bool:
        return Draft202012Validator({**self.schema, "$defs": self.whole.get("$defs", {})}).is_valid(value)

    def followed(self, value) -> "Rules":
        """The alternative that the value follows, or these rules where alternatives only narrow them."""
        chosen = [case["then"] for case in self.schema.get("allOf", []) if self.inner(case["if"]).allows(value)]
        chosen += [choice for choice in self.schema.get("oneOf", []) if choice.get("type") == "object"]
        fitting = [self.inner(each) for each in chosen if self.inner(each).allows(value)]
        return fitting[0] if fitting else self

    def keys(self, value, path: tuple = ()) -> Iterator[tuple[tuple, "Rules"]]:
        """Every key of the value that the rules list by name: its path, and the rules of what it holds."""
        rules = self.followed(value)
        if isinstance(value, dict):
            for key, item in value.items():
                listed = rules.schema.get("properties", {}).get(key)
                if listed is not None:
                    yield (*path, key), rules.inner(listed)
                yield from rules.inner(listed or _others(rules.schema)).keys(item, (*path, key))
        elif isinstance(value, list):
            for place, item in enumerate(value):
                yield from rules.inner(rules.schema.get("items", {})).keys(item, (*path, place))


def _others(schema: dict) -> dict:
    others = schema.get("additionalProperties", {})
    return others if isinstance(others, dict) else {}


@cache
def rules_of(name: str) -> Rules:
    """A schema by its name: scale, study, plots/gap, scorers/refusal."""
    return Rules(SCHEMAS[name], SCHEMAS[name])


def keys_of_scale(scale: dict) -> dict[tuple, Rules]:
    """Every listed key of a scale, by its path."""
    return dict(rules_of("scale").keys(scale))


def keys_of_study(study: dict) -> dict[tuple, Rules]:
    """Every listed key of a study's file, with those of its figures and scorers, by its path."""
    found = dict(rules_of("study").keys(study))
    for name, figure in study["figures"].items():
        found |= rules_of(f"plots/{figure['plot']}").keys(figure, ("figures", name))
    for name, record in study["scorers"].items():
        found |= rules_of(f"scorers/{name}").keys(record, ("scorers", name))
    return found


def subschemas(schema: dict, path: str = "") -> Iterator[tuple[str, dict]]:
    """Every schema within a schema, with its place; those that only narrow the one around them are left out."""
    yield path, schema
    for word in ("properties", "$defs"):
        for name, inner in schema.get(word, {}).items():
            yield from subschemas(inner, f"{path}/{name}")
    for word in ("additionalProperties", "items", "propertyNames"):
        if isinstance(schema.get(word), dict):
            yield from subschemas(schema[word], f"{path}/{word}")
    for number, inner in enumerate(schema.get("oneOf", [])):
        if "type" in inner:
            yield from subschemas(inner, f"{path}/{number}")
