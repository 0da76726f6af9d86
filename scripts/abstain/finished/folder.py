"""The folder whose results a program is about, from wherever and with whatever paths it is called."""

import os
from collections.abc import Iterator
from pathlib import Path

import yaml

from abstain.jobs.errors import AbstainError
from abstain.jobs.paths import HOME


class CallError(AbstainError):
    """A program was called with something that it cannot work with."""


def enter(*paths: str) -> list[str]:
    """Go to the project's folder, unless there are results in this one; gives the paths as they are seen from there.

    A path that leads to nothing here, and not into that folder, is taken as one that is seen from there already.
    """
    place = Path.cwd() if Path("results").is_dir() else HOME
    found = [_seen(path, place) for path in paths]
    os.chdir(place)
    return found


def _seen(path: str, place: Path) -> str:
    for absolute in _absolutes(path):
        if absolute.is_relative_to(place) or absolute.exists():
            return os.path.relpath(absolute, place)
    return path


def _absolutes(path: str) -> Iterator[Path]:
    """A path from the root, as it is written and with the links before its name followed."""
    yield Path(os.path.abspath(path))  # noqa: PTH100 - a link in the way keeps its name
    yield Path(os.path.realpath(Path(path).parent), Path(path).name)


def enter_for(configfiles: list[str]) -> list[str]:
    """The same for the files of a scale; raises CallError for the first that cannot be read."""
    files = enter(*configfiles)
    for file in files:
        _text(file)
    return files


def _text(file: str | Path) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise CallError(f"{file}: {error.strerror}; name a file of configuration, such as config.yaml") from None
    except UnicodeDecodeError:
        raise CallError(f"{file}: it is not UTF-8 text; save it as UTF-8") from None


def _value(file: str | Path) -> dict:
    try:
        value = yaml.safe_load(_text(file))
    except (yaml.YAMLError, ValueError):
        raise CallError(f"{file}: it is no YAML; `snakemake --dry-run --configfile {file}` says where") from None
    return value if isinstance(value, dict) else {}


def results_of(configfiles: list[str]) -> Path:
    """The folder of results of a scale with these files; raises CallError when none of them names a scale."""
    values = [_value(file) for file in configfiles or [HOME / "config.yaml"]]
    names = [value["scale"] for value in values if "scale" in value]
    if not names:
        listed = " ".join(configfiles)
        raise CallError(f"{listed}: no scale is named; an overlay comes after its scale: config.yaml {listed}")
    return Path("results", names[-1])
