"""Compare every published file with the list of hashes that came with the project, and say where they first part.

    python scripts/verify.py results/pocket

The reference is the list as committed (git), else the list on disk. Exit status 1 when anything differs or is missing.
"""

import argparse
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from abstain.files import sha256

FLOW = (
    "bases",
    "raw",
    "corpora",
    "splits",
    "rendered",
    "initial",
    "adapters",
    "checkpoints",
    "predictions",
    "scores",
    "closeness",
    "tables",
    "figures",
)


def verify(folder: Path) -> int:
    """Print a verdict for each file that is not identical, a count of verdicts, and the first divergence; 0 if none."""
    reference = parse(reference_list(folder))
    verdicts = {path: judge(folder / path, value) for path, value in reference.items()}
    wrong = sorted((path for path in verdicts if verdicts[path] != "identical"), key=_place)
    for path in wrong:
        print(f"{verdicts[path]:12} {path}")
    counts = Counter(verdicts.values())
    print(f"{folder}: " + ", ".join(f"{counts[name]} {name}" for name in sorted(counts)))
    if wrong:
        print(f"The first file that parts, in the order of the flow, is {wrong[0]}; look at its record and log.")
    return 1 if wrong else 0


def reference_list(folder: Path) -> str:
    """The committed list of hashes, or the one on disk when this is no git checkout."""
    path = folder / "SHA256SUMS"
    try:
        git = ["git", "-C", str(folder), "show", f"HEAD:./{path.name}"]
        shown = subprocess.run(git, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git
        shown = None
    if shown is not None and shown.returncode == 0:
        return shown.stdout
    if path.is_file():
        print(f"no committed list found: comparing with {path} as it is on disk")
        return path.read_text(encoding="utf-8", errors="replace")
    raise SystemExit(f"there is no {path}, neither committed nor on disk; run `make reproduce` first")


def parse(text: str) -> dict[str, str]:
    """`sha256sum`'s lines to a map from path to hash; SystemExit when there is none, or one is something else."""
    lines = [line for line in text.splitlines() if line]
    damaged = [line for line in lines if not re.fullmatch(r"[0-9a-f]{64}  .+", line)]
    if damaged or not lines:
        found = f"the line {damaged[0][:80]!r}" if damaged else "nothing"
        raise SystemExit(f"the list of hashes is damaged: it holds {found}; bring SHA256SUMS back from git")
    return {line[66:]: line[:64] for line in lines}


def judge(path: Path, value: str) -> str:
    """identical, different, or missing."""
    if not path.is_file():
        return "missing"
    return "identical" if sha256(path) == value else "different"


def _place(path: str) -> tuple[int, str]:
    step = path.split("/")[0]
    return (FLOW.index(step) if step in FLOW else len(FLOW), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results/pocket"))
    sys.exit(verify(parser.parse_args().folder))
