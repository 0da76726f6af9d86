"""Faults of shape: where a configuration is not what its schema describes, key by key in plain words."""

import math
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from abstain.jobs.errors import AbstainError

WORDS = {"string": "text", "object": "a map of keys", "array": "a list", "integer": "an integer", "number": "a number"}
WORDS |= {"boolean": "true or false", "null": "null"}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, in a tenth of the time: every job reads these files


class ConfigError(AbstainError, ValueError):
    """A configuration that cannot be run; the message lists every fault."""


class Fault(NamedTuple):
    """What is wrong with a configuration: the dotted place, and what was found there and what to do."""

    place: str
    words: str

    def __str__(self) -> str:
        return f"{self.place or 'the top level'}: {self.words}"


def schema_faults(config: dict, schema: str | Path) -> list[Fault]:
    """Where a configuration is not what its schema describes; keys that are not text come alone."""
    if odd := list(_odd_keys(config)):
        return odd
    places: dict[tuple, list] = {}
    for error in _validator(str(schema)).iter_errors(config):
        for leaf in _leaves(error):
            places.setdefault(tuple(map(str, leaf.absolute_path)), []).append(leaf)
    return [fault for place in sorted(places) for fault in _faults_at(place, places[place])]


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name among `names` that was probably meant."""
    return next(iter(get_close_matches(name, sorted(names), 1, 0.7)), None)


@cache
def _validator(schema: str):
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    strict = Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
    rules = yaml.load(Path(schema).read_text(encoding="utf-8"), LOADER)
    return extend(Draft202012Validator, type_checker=strict)(rules)


def _is_integer(checker, value) -> bool:
    """No truth value, and no 16.0, which JSON Schema would let pass."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker, value) -> bool:
    """No truth value, no infinity, and no nan, which passes every bound."""
    return _is_integer(checker, value) or isinstance(value, float) and math.isfinite(value)


def _odd_keys(value, place: tuple = (), above: tuple = ()) -> Iterator[Fault]:
    """Keys that YAML did not read as text; `above` ends the walk through a record that contains itself."""
    if isinstance(value, dict | list) and id(value) not in above:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict) and not isinstance(key, str):
                yield Fault(_joined(place), f"the key {key!r} is not text. {_quoting(key)}")
            yield from _odd_keys(item, (*place, str(key)), (*above, id(value)))


def _joined(place: tuple) -> str:
    return ".".join(place)


def _leaves(error) -> Iterator:
    """The errors that an error consists of: those of the alternative that was probably meant, where that is clear."""
    choices = error.validator_value if error.validator == "oneOf" and isinstance(error.instance, dict) else []
    near = [sum(nearest(key, _keys(choice)) is not None for key in error.instance) for choice in choices]
    meant = [number for number, many in enumerate(near) if many == max(near) > 0]
    inner = [leaf for leaf in error.context if [leaf.schema_path[0]] == meant]
    if not inner or any(leaf.validator == "maxProperties" for leaf in inner):
        yield error
    else:
        for leaf in inner:
            yield from _leaves(leaf)


def _keys(choice: dict) -> set[str]:
    return {*choice.get("properties", {}), *choice.get("required", [])}


def _faults_at(place: tuple, errors: list) -> Iterator[Fault]:
    """The faults of one place; a misspelt key is one fault, though one key is unknown and another one missing."""
    errors = [error for error in errors if error.validator == "type"][:1] or errors  # the rest follows from it
    unknown = {key for error in errors for key in _unknown(error)}
    absent = {key for error in errors if error.validator == "required" for key in error.validator_value}
    absent -= {key for error in errors if error.validator == "required" for key in error.instance}
    has_its_keys = not unknown and not absent  # else no alternative that counts keys can be told from the others
    for error in errors:
        for key in sorted(_unknown(error)):
            known = set(error.schema["properties"])
            only = min(absent) if len(unknown) == len(absent) == 1 else None
            guess = nearest(key, known - set(error.instance)) or only
            absent.discard(guess)
            advice = (
                f"did you mean {guess!r}?" if guess else f"remove it; allowed: {', '.join(sorted(known)) or 'none'}"
            )
            yield Fault(_joined((*place, key)), f"unknown key {key!r}; {advice}")
    for error in errors:
        if error.validator == "required":
            for key in sorted(absent & set(error.validator_value)):
                absent.discard(key)
                known = error.schema.get("properties", {})
                near = nearest(key, set(error.instance) - set(known))
                found = f"; found {near!r}" if near else ""
                yield Fault(_joined(place), f"the key {key!r} is missing{found}.{_about(known.get(key, {}))}")
        elif not _unknown(error) and (error.validator != "oneOf" or has_its_keys):
            is_name = "propertyNames" in error.absolute_schema_path
            yield Fault(_joined((*place, error.instance) if is_name else place), _say(error))


def _unknown(error) -> set[str]:
    is_unknown = error.validator == "additionalProperties"
    return set(error.instance) - set(error.schema.get("properties", {})) if is_unknown else set()


def _say(error) -> str:
    """What was found, why it cannot be, and what the schema says of it."""
    value, rule, about = error.instance, error.validator_value, _about(error.schema)
    found = f"found {_short(value)}"
    if "propertyNames" in error.absolute_schema_path:
        return f"the name {_short(value)} cannot be used.{about}"
    if error.validator == "type":
        kinds = [rule] if isinstance(rule, str) else rule
        return f"{found}, which is not {' or '.join(WORDS[kind] for kind in kinds)}.{about}{_hint(value, kinds)}"
    if error.validator == "enum":
        guess = nearest(value, rule) if isinstance(value, str) else None
        hint = f"; did you mean {guess!r}?" if guess else "."
        return f"{found}, which is not one of {', '.join(map(str, rule))}{hint}{about}{_hint(value, ['string'])}"
    if error.validator == "oneOf":
        has = f"it has {', '.join(map(repr, sorted(value))) or 'none'}" if isinstance(value, dict) else found
        return f"must be exactly one of {' or '.join(_outline(choice) for choice in rule)}; {has}.{about}"
    return f"{found}, which {error.message.removeprefix(repr(value)).strip()[:160]}.{about}"


def _about(schema: dict) -> str:
    return f" {schema['description']}" if "description" in schema else ""


def _short(value) -> str:
    text = "nothing (null)" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _hint(value, kinds: list[str]) -> str:
    """What to write where YAML reads something else than was meant."""
    if {"integer", "number"} & set(kinds) and isinstance(value, str) and value[:1].isdecimal():
        return " YAML reads it as text: write the number without quotes, and 1e-3 as 0.001 or 1.0e-3."
    is_text_meant = "string" in kinds and not isinstance(value, str | dict | list | None)
    return f" {_quoting(value)}" if is_text_meant else ""


def _quoting(value) -> str:
    read = "on, off, yes and no as true and false" if isinstance(value, bool) else "it as no text"
    return f"YAML reads {read}: put it in quotes."


def _outline(choice: dict) -> str:
    if "required" in choice:
        kinds = {key: choice.get("properties", {}).get(key, {}).get("type") for key in choice["required"]}
        about = f" ({choice['description']})" if "description" in choice else ""
        return "{" + ", ".join(f"{key}: null" if kinds[key] == "null" else key for key in kinds) + "}" + about
    return repr(choice["const"]) if "const" in choice else WORDS[choice["type"]]
