"""Packages: whether those that are installed are the ones that a job's environment locks.

Another build of a locked version (torch for CUDA) counts as the same. Another version is refused unless a person
declares it, by name and version; the record then says so. Names and versions are read off the folders that pip leaves
beside what it installs: 7 ms for all, where importlib.metadata takes 200.
"""

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import sha256

VARIABLE = "ABSTAIN_OTHER_VERSIONS"  # declared: "numpy==2.4.5 pandas==3.0.2"
SUFFIX = ".dist-info"
PIN = re.compile(r"([\w.-]+)==(\S+)")


class VersionError(AbstainError):
    """An installed package that is neither what the environment locks nor what is declared."""


def environment_of(code: Iterable[str]) -> str:
    """The environment among the files of a job's program."""
    (environment,) = (path for path in code if Path(path).parent.name == "envs")
    return environment


def locked(text: str) -> dict[str, str]:
    """The version of each package that the text of an environment names, by the package's normal name."""
    return {_normal(name): version for name, version in re.findall(rf"^ +- {PIN.pattern}", text, flags=re.MULTILINE)}


def declared() -> dict[str, str]:
    """The versions that a person declares for this run; raises VersionError for what is not `package==version`."""
    pins = os.environ.get(VARIABLE, "").replace(",", " ").split()
    if wrong := [pin for pin in pins if not PIN.fullmatch(pin)]:
        raise VersionError(
            f"{VARIABLE} holds {wrong[0]!r}, which declares no version; write {VARIABLE}='numpy==2.4.5 pandas==3.0.2'"
        )
    return {_normal(name): version for name, version in (pin.split("==") for pin in pins)}


def folders() -> dict[str, Path]:
    """The folder that pip leaves beside each installed package, by the package's normal name."""
    found: dict[str, Path] = {}
    for place in sys.path:
        if os.path.isdir(place):  # noqa: PTH112 - an entry may be "", the current folder
            for entry in os.scandir(place or "."):
                if entry.name.endswith(SUFFIX):
                    found.setdefault(_normal(entry.name.removesuffix(SUFFIX).rpartition("-")[0]), Path(entry.path))
    return found


def version_of(folder: Path) -> str:
    """The installed version, from the name of the folder that pip leaves: name-version.dist-info."""
    return folder.name.removesuffix(SUFFIX).rpartition("-")[2]


def others(environment: str | Path) -> list[tuple[str, str | None, str]]:
    """Installed packages that are neither as locked nor as declared: name, version found, version wanted."""
    pins, given = locked(Path(environment).read_text(encoding="utf-8")), declared()
    found = {name: version_of(folder) for name, folder in folders().items()}
    return [
        (name, found.get(name), given.get(name, version))
        for name, version in pins.items()
        if (name in found or name in given) and release(found.get(name)) != release(given.get(name, version))
    ]


def expected(environment: str | Path) -> dict:
    """What a record says of the packages of a job in this environment: its lock, and what is declared otherwise."""
    given, otherwise = declared(), []
    if given:
        pins = locked(Path(environment).read_text(encoding="utf-8"))
        names = [name for name in sorted(given) if name in pins and release(given[name]) != release(pins[name])]
        otherwise = [f"{name}=={given[name]}" for name in names]
    return {"lock": sha256(environment), "match": otherwise or True}


def check_packages(environment: str | Path) -> dict:
    """The same, once the installed packages are so; raises VersionError for the first that is not."""
    for name, found, wanted in others(environment):
        place = f"{VARIABLE} declares" if name in declared() else f"{environment} locks"
        raise VersionError(
            f"{name} {found} is installed and {place} {wanted}: install what is locked (`make .venv`), "
            f"or declare what you have with {VARIABLE}={name}=={found}"
            if found
            else f"{name} is not installed and {place} {wanted}: install it, or take it out of {VARIABLE}"
        )
    return expected(environment)


def check_declared() -> None:
    """Raise VersionError for a malformed declaration, or one of a version that is not installed."""
    installed = {name: version_of(folder) for name, folder in folders().items()} if declared() else {}
    for name, version in declared().items():
        if release(installed.get(name)) != release(version):
            here = f"{name} {installed[name]} is installed" if name in installed else f"{name} is not installed"
            raise VersionError(f"{here} and {VARIABLE} declares {version}: declare what is installed, or nothing")


def release(version: str | None) -> str:
    """A version without the build: 2.13.0 of 2.13.0+cpu."""
    return (version or "").partition("+")[0]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
