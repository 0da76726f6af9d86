"""Faults of files: of a scale's own file, told with the line, and of the files and folders that it names."""

import json
import shutil
from collections.abc import Iterator, Mapping
from inspect import signature
from pathlib import Path

import yaml

from abstain.corpora import READERS

LEAST_ROOM = 10_000_000  # bytes


def file_faults(path: str | Path) -> list[str]:
    """A file that is missing, empty, no UTF-8, no YAML or no map of keys, and keys that stand twice in one map."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
    except OSError as error:
        return [f"{path}: {error.strerror}; name a scale's file, such as config.yaml"]
    except UnicodeDecodeError as error:
        return [f"{path}: it is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"]
    except yaml.YAMLError as error:
        return [] if _is_json(text) else [f"{path}{_said(error)}. Look at indentation, colons, quotes and tabs there."]
    if root is None:
        return [f"{path}: it is empty; copy config.yaml and change what is to differ"]
    if not isinstance(root, yaml.MappingNode):
        return [f"{path}, line {root.start_mark.line + 1}: expected keys with values (scale: ...), found a {root.id}"]
    return [f"{path}, {fault}" for fault in _repeated(root)]


def _is_json(text: str) -> bool:
    """JSON with tabs is no YAML, but Snakemake reads it."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _said(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{place}: it is no YAML: {getattr(error, 'problem', None) or ' '.join(str(error).split())}"


def _repeated(node: yaml.Node, place: tuple = (), above: tuple = ()) -> Iterator[str]:
    """Keys that stand twice in a map, of which YAML would silently take the last."""
    lines: dict[str, int] = {}
    items = node.value if isinstance(node, yaml.CollectionNode) and node not in above else []
    for number, item in enumerate(items):
        key, value = item if isinstance(node, yaml.MappingNode) else (None, item)
        name = str(key.value if key else number)
        if name in lines:
            where = ".".join(place) or "the top level"
            told = f"the key {name!r} of {where} stands in line {lines[name]} already; keep one of them"
            yield f"line {key.start_mark.line + 1}: {told}"
        elif key:
            lines[name] = key.start_mark.line + 1
        yield from _repeated(value, (*place, name), (*above, node))


def file_name_faults(config: dict) -> Iterator[str]:
    """Corpora whose files do not have the names under which their reader knows them, which are its parameters."""
    for name, corpus in config["corpora"].items():
        reader, files = signature(READERS[corpus["reader"]]), corpus["files"]
        try:
            reader.bind(**files)
        except TypeError:
            yield (
                f"corpora.{name}.files: the reader {corpus['reader']!r} knows its files as "
                f"{' and '.join(reader.parameters)}, found {' and '.join(files)}; name them so"
            )


def own_file_faults(config: dict, root: str | Path) -> list[str]:
    """Files of one's own that are not there, as seen from the Snakefile's folder, or are empty."""
    own = [(f"{where}.path", file["path"]) for where, file in _corpus_files(config) if "path" in file]
    absent = [(where, path) for where, path in own if not Path(root, path).is_file()]
    empty = [(where, path) for where, path in own if Path(root, path).is_file() and not Path(root, path).stat().st_size]
    told = [f"{where}: there is no file {path!r}; paths start at the Snakefile's folder" for where, path in absent]
    return told + [f"{where}: the file {path!r} is empty; bring it back or name another" for where, path in empty]


def mirror_faults(config: dict, environment: Mapping[str, str]) -> list[str]:
    """A mirror that is named, would be asked, and is no folder."""
    named = {"ABSTAIN_MIRROR": environment.get("ABSTAIN_MIRROR"), "mirror": config["mirror"]}
    if not any("url" in file for _, file in _corpus_files(config)):
        return []
    return [
        f"{what}: there is no folder {folder!r}; correct it, or take it away and the files are downloaded"
        for what, folder in named.items()
        if folder and not Path(folder).expanduser().is_dir()
    ]


def room_faults(folder: str | Path) -> list[str]:
    """A disk so full that Snakemake could not even keep its notes and logs in the folder that it runs in."""
    free = shutil.disk_usage(folder).free
    return [] if free >= LEAST_ROOM else [f"{folder}: the disk has {free / 1e6:.1f} MB free; at least 10 MB are needed"]


def _corpus_files(config: dict) -> list[tuple[str, dict]]:
    corpora = config["corpora"].items()
    return [(f"corpora.{name}.files.{key}", file) for name, corpus in corpora for key, file in corpus["files"].items()]
