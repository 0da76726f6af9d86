"""Files of configuration: what makes one unreadable, and on which line each of its keys is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from abstain.settings.schema import LOADER, Fault


@dataclass(frozen=True)
class Document:
    """A file of configuration."""

    path: Path

    @cached_property
    def value(self) -> dict:
        """What the file holds."""
        text = self.path.read_text(encoding="utf-8")
        return json.loads(text) if _is_json(text) else yaml.load(text, LOADER)

    @cached_property
    def lines(self) -> dict[tuple[str, ...], int]:
        """The line of each key and item, by its path from the top; JSON that is no YAML has none."""
        text = self.path.read_text(encoding="utf-8")
        try:
            return dict(_lines(yaml.compose(text, LOADER)))
        except yaml.YAMLError:
            return {}

    def depth(self, place: str) -> int:
        """How many keys of a dotted place, from the top, the file has."""
        keys = tuple(place.split("."))
        return next((n for n in range(len(keys), 0, -1) if keys[:n] in self.lines), 0)

    def where(self, place: str) -> str:
        """The file, and the line of the innermost key of a dotted place that it has."""
        line = self.lines.get(tuple(place.split("."))[: self.depth(place)])
        return f"{self.path}, line {line}" if line else str(self.path)


def located(fault: Fault, documents: list[Document]) -> str:
    """A fault as one line: the file that has most of its place (the last of several), the line, the key, the words."""
    best = max(reversed(documents), key=lambda document: document.depth(fault.place), default=None)
    return f"{best.where(fault.place)}: {fault}" if best else str(fault)


def file_faults(path: str | Path) -> list[str]:
    """A file that is missing, empty, no UTF-8, no YAML or no map of keys, and keys that occur twice in one map."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        root = yaml.compose(text, LOADER)
        yaml.load(text, LOADER)  # what can be composed may yet hold no value, such as {{question}} without quotes
    except OSError as error:
        return [f"{path}: {error.strerror}; name a file of configuration, such as config.yaml"]
    except UnicodeDecodeError as error:
        return [f"{path}: it is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"]
    except (yaml.YAMLError, ValueError) as error:  # a ValueError is of a date or number that cannot be
        advice = "Look at indentation, colons, quotes and tabs there."
        return [] if _is_json(text) else [f"{path}{_problem(error)}. {advice}"]
    if root is None:
        return [f"{path}: it is empty; copy a file of the same kind and change what is to differ"]
    if not isinstance(root, yaml.MappingNode):
        return [f"{path}, line {root.start_mark.line + 1}: expected keys with values (scale: ...), found a {root.id}"]
    return [f"{path}, {fault}" for fault in _repeated(root)]


def _is_json(text: str) -> bool:
    """JSON with tabs is no YAML, but Snakemake reads it."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{place}: it is no YAML: {getattr(error, 'problem', None) or ' '.join(str(error).split())}"


def _items(node: yaml.Node, above: tuple) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Name, node of the name and node of the value for each entry; none below a node that contains itself."""
    if isinstance(node, yaml.MappingNode) and node not in above:
        yield from ((str(key.value), key, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode) and node not in above:
        yield from ((str(number), value, value) for number, value in enumerate(node.value))


def _lines(node: yaml.Node, place: tuple = (), above: tuple = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    for name, key, value in _items(node, above):
        yield (*place, name), key.start_mark.line + 1
        yield from _lines(value, (*place, name), (*above, node))


def _repeated(node: yaml.Node, place: tuple = (), above: tuple = ()) -> Iterator[str]:
    """Keys that occur twice in a map, of which YAML would silently take the last."""
    first: dict[str, int] = {}
    for name, key, value in _items(node, above):
        line = key.start_mark.line + 1
        if name in first:
            where = ".".join(place) or "the top level"
            yield f"line {line}: the key {name!r} of {where} is in line {first[name]} already; keep one of them"
        first[name] = line
        yield from _repeated(value, (*place, name), (*above, node))
