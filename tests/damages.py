"""Damaged configurations, made from a real one: what was done, the settings, and words that its one fault must hold."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from conftest import ROOT, Settings, load, studies_of
from described import Rules, keys_of_scale, keys_of_study

from abstain.settings.schema import ConfigError

Damage = tuple[str, Settings, list[str]]
SCALES = {"pocket": "config.yaml", "paper": "config/paper.yaml", "small": "config/small.yaml"}
FILES = {  # a scale's file with one of its studies alone; then a study's own file; and whether it is the latter
    f"{scale} with {study}": (path, study, False)
    for scale, path in SCALES.items()
    for study in load(ROOT / path)["studies"]
}
FILES |= {
    "safety-mode": ("config/paper.yaml", "safety-mode", True),
    "do-not-answer": ("config/paper.yaml", "do-not-answer", True),
}
MAY_LACK = ("also", "headline", "context")  # keys that a claim, or a length of a corpus, need not have


def faults_of(check: Callable, *arguments) -> list[str]:
    """The faults that a check finds, each on a line of its own; none when it is content."""
    try:
        check(*arguments)
    except ConfigError as error:
        message = str(error)
        assert "Traceback" not in message and message.endswith("Nothing was started. Correct it and run again.")
        return re.findall(r"^  - (.*)$", message, re.MULTILINE)
    return []


def faults(settings: Settings) -> list[str]:
    """The faults of settings, whose files are written into the working directory."""
    return faults_of(studies_of, settings, Path())


@dataclass(frozen=True)
class Whole:
    """A scale with what a study asks, and the file of the two that is damaged."""

    settings: Settings
    study: str | None

    @classmethod
    def of(cls, name: str) -> "Whole":
        path, study, is_own = FILES[name]
        return cls(alone(Settings.read(ROOT / path), study), study if is_own else None)

    @property
    def file(self) -> str:
        return "config.yaml" if self.study is None else self.settings.values(self.study)["file"]

    @property
    def value(self) -> dict:
        return self.settings.scale if self.study is None else self.settings.asks(self.study)

    def at(self, path: tuple):
        return at(self.value, path)

    def changed(self, path: tuple, value=None) -> "Whole":
        where = (*path,) if self.study is None else ("asks", self.study, *path)
        return Whole(self.settings.changed("/".join(map(str, where)), value), self.study)

    def listed(self) -> Iterator[tuple[tuple, Rules]]:
        """Every key that the schemas list; of records in a long list only those of the first and the last."""
        found = keys_of_scale(self.value) if self.study is None else keys_of_study(self.value)
        for path, rules in found.items():
            places = [k for k, part in enumerate(path) if isinstance(part, int)]
            if all(path[k] in (0, len(self.at(path[:k])) - 1) for k in places):
                yield path, rules


def alone(settings: Settings, study: str) -> Settings:
    """The settings with this study and no other, and its corpora."""
    one = settings.copy()
    one.scale["studies"] = {study: one.values(study)}
    one.scale["corpora"] = {name: one.scale["corpora"][name] for name in one.values(study)["corpora"]}
    return Settings(one.scale, {one.values(study)["file"]: one.asks(study)})


def at(value, path: tuple):
    for key in path:
        value = value[key]
    return value


def place(path: tuple) -> str:
    return ".".join(map(str, path)) or "the top level"


def leaves(value, path: tuple = ()) -> Iterator[tuple[tuple, object]]:
    """Every value that is no map or list, with its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))
    if not isinstance(value, dict | list):
        yield path, value


def without_keys(whole: Whole) -> Iterator[Damage]:
    """Every key that the schemas ask for, taken away; those of every record in a list too."""
    listed = keys_of_scale(whole.value) if whole.study is None else keys_of_study(whole.value)
    asked = [
        path for path in listed if path[-1] not in MAY_LACK and path[-2:-1] != ("scored",)
    ]  # a scale may run fewer
    for path in asked:
        yield f"{place(path)} removed", whole.changed(path, ...).settings, [f"{place(path[:-1])}: ", path[-1]]


def misspelt_keys(whole: Whole) -> Iterator[Damage]:
    """Every key that the schemas list, with its last two letters in the wrong order."""
    for path, _ in whole.listed():
        key = path[-1]
        swapped = key[:-2] + key[:-3:-1]
        wrong = swapped if swapped != key else key[1::-1] + key[2:]
        wrong = wrong if wrong != key else key + key
        damaged = whole.changed((*path[:-1], wrong), whole.at(path)).changed(path, ...)
        yield f"{place(path)} as {wrong}", damaged.settings, [".".join(map(str, path[:-1])), repr(wrong), key]


def wrong_types(whole: Whole) -> Iterator[Damage]:
    """Every listed key with a value of a kind that it never takes, and with none where it needs one."""
    for path, rules in whole.listed():
        other = {"odd": [1]} if isinstance(whole.at(path), list) else [["odd"]]
        yield f"{place(path)} with {other}", whole.changed(path, other).settings, [place(path[:-1] or path)]
        if not rules.allows(None):
            yield f"{place(path)} with null", whole.changed(path, None).settings, [f"{place(path)}: ", "null"]


def values_that_yaml_changes(whole: Whole) -> Iterator[Damage]:
    """Words, numbers and keys that YAML reads as something else, and numbers that pass every bound."""
    for path, rules in whole.listed():
        value = whole.at(path)
        if isinstance(value, str) and path[-1] != "rows":
            damaged = whole.changed(path, yaml.safe_load("on"))
            yield f"{place(path)}: on", damaged.settings, [place(path), "True", "quotes"]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            text = yaml.safe_load("1e-3")
            assert text == "1e-3"
            for odd, words in ((text, ["'1e-3'"]), (float("nan"), ["nan"]), (float("inf"), ["inf"])):
                damaged = whole.changed(path, odd)
                yield f"{place(path)}: {odd!r}", damaged.settings, [place(path[:-1] or path), *words]
        if "integer" in rules.schema.get("type", []):
            yield f"{place(path)}: 16.0", whole.changed(path, 16.0).settings, [place(path), "16.0", "integer"]
        if isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()):
            damaged = whole.changed(path, {**value, yaml.safe_load("off"): next(iter(value.values()), {})})
            yield f"{place(path)}: off as a key", damaged.settings, [f"{place(path)}: ", "False", "quotes"]


NAMES = {"corpora", "evaluation", "split", "part", "prompt", "target", "ideal", "base", "conditions", "kinds", "x", "y"}
NAMES |= {"compared", "from", "says", "mix", "validation", "recipe", "adapter", "arms", "condition", "metric", "gaps"}


def lost_names(whole: Whole) -> Iterator[Damage]:
    """Every name that points to something, misspelt."""
    for path, name in leaves(whole.value):
        key = next(part for part in reversed(path) if isinstance(part, str))
        in_group = path[0] in ("gaps", "evaluation", "shortened") and whole.study is not None
        in_claim = path[0] == "claims" and key == "kind"
        if isinstance(name, str) and (key in NAMES or in_group or in_claim) and "splits" not in path:
            damaged = whole.changed(path, f"{name}y")
            shown = path[:2] if path[0] == "figures" and key in ("kinds", "x", "y") else path
            yield f"{place(path)}: {name}y", damaged.settings, [f"{place(shown)}: ", f"'{name}y'", name]


ASKED, GIVEN = ("prompts", "targets", "mixes", "arms", "gaps"), ("splits", "recipes", "adapters")


def lost_entries(whole: Whole) -> Iterator[Damage]:
    """Every base, corpus, split, recipe, prompt, target, mix, arm, gap taken away, where named and more remain."""
    study = next(iter(whole.settings.scale["studies"]))
    groups = [(key,) for key in ASKED]
    if whole.study is None:
        groups = [("bases",), ("corpora",), *(("studies", study, key) for key in GIVEN)]
    for group in groups:
        for name in whole.at(group):
            damaged = whole.changed((*group, name), ...).settings
            if len(whole.at(group)) > 1 and name in [
                value for _, value in leaves([damaged.asks(study), damaged.values(study)])
            ]:
                yield f"{place(group)}.{name} removed", damaged, [f"'{name}'"]


def circles(whole: Whole) -> Iterator[Damage]:
    """Arms that start from themselves, from each other, or under the base."""
    records = whole.value.get("arms", {})
    arms = [arm for arm, record in records.items() if record["from"] is not None]
    for arm in arms:
        damaged = whole.changed(("arms", arm, "from"), arm).settings
        yield f"{arm} from itself", damaged, [f"arms.{arm}.from: ", f"{arm} <- {arm}", "circle"]
        damaged = whole.changed(("arms", "base"), records[arm]).changed(("arms", "base", "from"), "base").settings
        yield f"base from {arm}", damaged, ["arms.base.from: ", "{from: null}"]
    if len(arms) > 1:
        first, second = arms[:2]
        damaged = whole.changed(("arms", first, "from"), second).changed(("arms", second, "from"), first).settings
        yield "two arms from each other", damaged, [f"{first} <- {second} <- {first}"]


DAMAGES: dict[str, Callable[[Whole], Iterator[Damage]]] = {
    "a key removed": without_keys,
    "a key misspelt": misspelt_keys,
    "a wrong type": wrong_types,
    "what YAML changes": values_that_yaml_changes,
    "a name that points nowhere": lost_names,
    "an entry removed that is named": lost_entries,
    "a circle of arms": circles,
}


@cache
def whole_of(name: str) -> Whole:
    return Whole.of(name)
