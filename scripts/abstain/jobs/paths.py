"""How records name files: the same wherever the project lies and from wherever it is run."""

import os
from pathlib import Path

HOME = Path(__file__).resolve().parents[3]  # the project's folder, in which the Snakefile is
MADE = ("results", "pretraining")  # folders of what a run makes, in the folder that it runs in


def named(path: str | Path) -> str:
    """A file as records name it: from the folder of the run or of the project, whichever is nearer to the file."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link in the way keeps its name
    roots = sorted((Path.cwd(), HOME), key=lambda root: -len(root.parts))
    root = next((root for root in roots if absolute.is_relative_to(root)), HOME)
    return os.path.relpath(absolute, root)


def found(name: str) -> Path:
    """Where a file is that a record names."""
    return Path(name) if Path(name).parts[0] in MADE else HOME / name
