"""A damaged configuration: one fault that says which file, which line, where and what to do, before any job.

Every damage is made from a real file: its keys are taken away, misspelt and given wrong values one by one, and its
names are made to point nowhere.
"""

import copy
import re
from pathlib import Path

import pytest
import yaml
from conftest import Settings
from damages import DAMAGES, FILES, faults, whole_of


@pytest.fixture(autouse=True)
def fast_yaml(monkeypatch, tmp_path):
    """The same YAML in C, for there are hundreds of files; they are written where the test runs."""
    monkeypatch.setattr(yaml, "SafeLoader", yaml.CSafeLoader)
    monkeypatch.setattr(yaml, "SafeDumper", yaml.CSafeDumper)
    monkeypatch.chdir(tmp_path)


def amiss(settings: Settings, words: list[str]) -> str | None:
    """What is wrong with how settings are refused: in one fault, with file, line of the key, place and these words."""
    said = faults(settings)
    found = re.match(r"(\S+?)(?:, line (\d+))?: ([^:]+): ", said[0]) if len(said) == 1 else None
    if found is None or len(said[0]) > 600 or [word for word in words if word not in said[0]]:
        return f"{said or 'not noticed'} instead of one, with {words}"
    file, line, place = found.groups()
    if line is None:  # what the top level lacks has no line
        return None if place == "the top level" and "is missing" in said[0] else f"{said[0]}: without a line"
    text = Path(file).read_text(encoding="utf-8")
    key = innermost(yaml.safe_load(text), place)
    is_there = re.match(r" *(- )*" + ("" if key.isdigit() else f"'?{key}'?:"), text.splitlines()[int(line) - 1])
    return None if is_there else f"{said[0]}: {key!r} is not in that line"


def innermost(value, dotted: str) -> str:
    """The last key of a dotted place that a record has."""
    last = ""
    for key in dotted.split("."):
        items = dict(enumerate(value)) if isinstance(value, list) else value if isinstance(value, dict) else {}
        items = {str(name): item for name, item in items.items()}
        if key not in items:
            break
        last, value = key, items[key]
    return last


def sampled(damages, kind: str) -> list:
    """A third of the damages, always the same; all of a removed key, which must never pass."""
    return list(damages)[:: 1 if kind == "a key removed" else 3]


CASES = [
    (name, kind)
    for name in FILES
    for kind, damages in DAMAGES.items()
    if next(damages(whole_of(name)), None)
    and (not name.startswith("small") or kind == "a key removed")  # else as paper
]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_damaged_file_is_refused_in_one_fault_with_file_line_and_place(name, kind):
    whole = whole_of(name)
    before = copy.deepcopy(whole.settings)
    judged = {what: amiss(settings, words) for what, settings, words in sampled(DAMAGES[kind](whole), kind)}
    assert {what: wrong for what, wrong in judged.items() if wrong} == {}
    assert whole.settings == before


@pytest.mark.parametrize("name", FILES)
def test_there_are_more_than_two_hundred_damaged_configurations_of_each_file(name):
    whole = whole_of(name)
    made = {repr((settings.scale, settings.files)) for make in DAMAGES.values() for _, settings, _ in make(whole)}
    assert len(made) > 200 and repr((whole.settings.scale, whole.settings.files)) not in made
