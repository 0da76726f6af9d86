"""A finished run in a repository of its own, clones of it, and the commands that are run there.

Whatever the settings of the person who runs the tests: Git's and DVC's own are not read.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, Project

BARE = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "HOME": "/nowhere"}
WHO = {f"GIT_{role}_{what}": "t@t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(project: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    variables = {**os.environ, **BARE, **WHO}
    return subprocess.run(command, cwd=project, env=variables, check=True, capture_output=True, text=True).stdout


def commit(project: Path) -> str:
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "results")
    return git(project, "rev-parse", "--short", "HEAD").strip()


def call(folder: Path, command: str | list[str], fails: bool = False, **variables: str) -> str:
    """Run a command that must succeed, or fail, and give all that it printed; no traceback is ever shown."""
    apart = {f"DVC_{level}_CONFIG_DIR": f"{folder}.config" for level in ("GLOBAL", "SYSTEM")}
    apart |= {name: BARE[name] for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM")}
    apart |= {"DVC_SITE_CACHE_DIR": f"{folder}.site", "DVC_NO_ANALYTICS": "1"}
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment = {name: value for name, value in os.environ.items() if name != "ABSTAIN_REMOTE"}
    words = command.split() if isinstance(command, str) else command
    done = subprocess.run(
        words, cwd=folder, env={**environment, **WHO, **apart, **path, **variables}, capture_output=True, text=True
    )
    output = done.stdout + done.stderr
    assert (done.returncode != 0) == fails and "Traceback" not in output, output
    return output


def committed(project: Project, folder: Path) -> Project:
    """A copy of a finished run in a repository of its own: what Git is to track is committed, DVC has nothing yet."""
    copy = Project.copied(project.folder, folder)
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder)
    commit(folder)
    return copy


def cloned(project: Project, folder: Path) -> Project:
    """A fresh clone: what Git tracks, without the large folders, without Snakemake's notes."""
    call(project.folder, ["git", "clone", "--quiet", "--no-local", ".", str(folder)])
    clone = Project.__new__(Project)
    clone.folder = folder
    return clone


def pushed(project: Project, folder: Path) -> Project:
    """A copy of a finished run in a repository, its large folders sent to `remote` beside it as `make push` does."""
    origin = committed(project, folder / "origin")
    call(origin.folder, "python scripts/push.py", ABSTAIN_REMOTE=str(folder / "remote"))
    git(origin.folder, "add", "--all")
    git(origin.folder, "commit", "--quiet", "--message", "pushed")
    return origin


def pull(clone: Project, remote: Path, fails: bool = False) -> str:
    """What `make pull` prints."""
    return call(clone.folder, "python scripts/pull.py", fails, ABSTAIN_REMOTE=str(remote))


def objects(folder: Path) -> dict[str, Path]:
    """Every object of DVC below a folder, by the MD5 of its content."""
    return {f"{path.parent.name}{path.name}": path for path in folder.rglob("files/md5/*/*")}
