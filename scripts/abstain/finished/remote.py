"""DVC's side of the results: its remote, and the objects that hold the bytes of the large folders."""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_json, write_text

VARIABLE = "ABSTAIN_REMOTE"
LOCK = Path("dvc.lock")
LOGGERS = ("dvc", "dvc_data", "dvc_objects")
NO_REMOTE = (
    f"there is no remote: set {VARIABLE} to a folder or an address (ssh://..., s3://...), or a default remote of DVC "
    "(`dvc remote add --local --default NAME ADDRESS`)"
)


class RemoteError(AbstainError):
    """DVC, or the remote, could not do what it was asked for."""


class Object(NamedTuple):
    """Bytes that DVC keeps: of a file, or the listing of a folder."""

    file: str  # in the project
    md5: str
    place: Path  # in DVC's cache


def repository():
    """DVC's repository here; objects of its remote are checked when they are fetched. No file is written for that."""
    from dvc.repo import Repo

    address = os.environ.get(VARIABLE)
    remote = {"remote": "abstain", "remote_config": {"url": address, "verify": True}}
    with dvc():
        try:
            repo = Repo(**(remote if address else {"remote_config": {"verify": True}}))
        except ValueError as error:
            raise RemoteError(NO_REMOTE) if "Missing remote name" in str(error) else error from None
        repo.cloud.get_remote()  # an address that DVC does not know
    return repo


def address_of(repo) -> str:
    """Where the remote is."""
    return repo.config["remote"][repo.config["core"]["remote"]]["url"]


@contextmanager
def dvc() -> Iterator[None]:
    """Whatever DVC and its libraries raise inside becomes a RemoteError, with what they logged as errors before.

    Their warnings are not shown: what is wrong is said by name afterwards.
    """
    lines: list[str] = []
    listener = logging.Handler(logging.ERROR)
    listener.emit = lambda entry: lines.append(f"{entry.getMessage()}: {(entry.exc_info or [None, ''])[1]}")
    logging.getLogger().addHandler(listener)
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    except AbstainError:
        raise
    except Exception as error:
        raise RemoteError("\n".join(f"DVC: {line}" for line in [*lines, str(error)])) from error
    finally:
        logging.getLogger().removeHandler(listener)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def stages_of(repo, scale: str) -> list[str]:
    """The stages of dvc.yaml that have the large folders of a scale's results: one, or one for each study."""
    with dvc():
        names = [getattr(stage, "name", None) or "" for stage in repo.index.stages]
    stages = sorted(name for name in names if name == f"experiment@{scale}" or name.startswith(f"{scale}@"))
    if not stages:  # DVC would take no stage for every stage
        raise RemoteError(f"dvc.yaml has no stage for results of a scale {scale!r}")
    return stages


def objects(repo, stages: list[str]) -> Iterator[Object]:
    """Every object that dvc.lock asks for; those of a folder's files follow its listing, where that is whole."""
    locked = yaml.safe_load(LOCK.read_text(encoding="utf-8"))["stages"] if LOCK.exists() else {}
    for out in (out for stage in stages for out in locked.get(stage, {"outs": []})["outs"]):
        listing = _object(repo, out["path"], out["md5"])
        yield listing
        if listing.place.is_file() and is_whole(listing):
            for entry in read_json(listing.place):
                yield _object(repo, f"{out['path']}/{entry['relpath']}", entry["md5"])


def _object(repo, file: str, md5: str) -> Object:
    return Object(file, md5, Path(os.path.relpath(Path(repo.cache.local.path, md5[:2], md5[2:]))))


def is_whole(each: Object) -> bool:
    """Whether an object in the cache holds the bytes that it is named by."""
    with each.place.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == each.md5.removesuffix(".dir")


def check_cache(repo, stages: list[str]) -> None:
    """Raise RemoteError with every object in DVC's cache that is damaged."""
    found = [each for each in objects(repo, stages) if each.place.is_file() and not is_whole(each)]
    if found:
        lines = [f"{each.file}: its object in DVC's cache is damaged: {each.place}" for each in found]
        raise RemoteError("\n".join([*lines, "nothing was sent or fetched; delete these objects and run again"]))


def fetch(repo, stages: list[str]) -> int:
    """Bring what the cache lacks, and give the number of objects.

    RemoteError when the remote is a folder that is not there, and with every object that the remote lacks or that is
    damaged there; nothing is put in place then.
    """
    remote = repo.cloud.get_remote()
    if remote.fs.protocol == "local" and not Path(remote.path).is_dir():
        raise RemoteError(f"there is no folder {remote.path}: correct {VARIABLE}, or bring the folder back")
    try:
        with dvc():
            number = repo.fetch(targets=stages)
    except RemoteError as error:
        if "failed to connect" in str(error):
            raise
        failed, number = error, 0
    else:
        failed = None
    missing = [each for each in objects(repo, stages) if not each.place.is_file()]
    if missing:
        where = f"its object is missing or damaged in {address_of(repo)}"
        lines = [f"{each.file}: {where}: {each.md5}" for each in missing]
        raise RemoteError("\n".join([*lines, "nothing was put in place"])) from failed
    if failed:
        raise failed
    return number


def put_in_place(repo, stages: list[str]) -> None:
    """Bring the files from the cache to their places; a file that would be lost by it is named and kept."""
    with dvc():
        repo.checkout(targets=stages)


def record(repo, stages: list[str]) -> bool:
    """Note in dvc.lock what the large folders hold, bytes into the cache; whether the lock has changed by it.

    The lock stays as it was when one of the stages cannot be recorded.
    """
    before = LOCK.read_text(encoding="utf-8") if LOCK.exists() else None
    try:
        with dvc():
            for stage in stages:
                repo.commit(target=stage, force=True)
    except RemoteError:
        LOCK.unlink(missing_ok=True) if before is None else write_text(LOCK, before)
        raise
    return LOCK.read_text(encoding="utf-8") != before


def send(repo, stages: list[str]) -> int:
    """Send what the remote lacks, and give the number of objects."""
    with dvc():
        return repo.push(targets=stages)
