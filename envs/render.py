"""Render the conda environments from the locks: conda supplies Python and pip, pip what is locked, hash by hash.

python envs/render.py            write envs/*.yaml
python envs/render.py --check    only compare; exit 1 when one of them is not what the locks say
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASE, CPU, GPU = (ROOT / f"requirements/{name}.lock" for name in ("base", "cpu", "gpu"))
ENVIRONMENTS = {
    "data": [BASE],
    "splits": [BASE],
    "training": [BASE, CPU],
    "training.cuda": [BASE, GPU],
    "generation": [BASE, CPU],
    "generation.cuda": [BASE, GPU],
    "embedding": [BASE, CPU],
    "embedding.cuda": [BASE, GPU],
    "figures": [BASE],
}
HEAD = """\
# Written by envs/render.py from the locks; never edited.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def read_locks(locks: list[Path]) -> dict[str, dict]:
    """Return by package name its `pin`, its `hashes` and `via`: the packages and the groups that asked for it."""
    locked = {}
    for block in re.split(r"^(?=\w)", "".join(lock.read_text() for lock in locks), flags=re.MULTILINE)[1:]:
        pin = block.split()[0]
        locked[pin.split("==")[0]] = {
            "pin": pin,
            "hashes": re.findall(r"--hash=\S+", block),
            "via": set(re.findall(r"^ +# (?:via |  )(\S.*)$", block, flags=re.MULTILINE)),
        }
    return locked


def closure(locked: dict[str, dict], group: str) -> list[str]:
    """Return the names of all packages that a group of pyproject.toml needs, by following `via` until nothing is added.

    Complete, not minimal: `via` does not tell extras, so what dvc's fsspec[http] needs comes with every fsspec.
    """
    needed = {f"abstain (pyproject.toml:{group})"}
    while found := {name for name, package in locked.items() if package["via"] & needed} - needed:
        needed |= found
    return sorted(needed & locked.keys())


def render(environment: str) -> str:
    """Return the text of an environment's file; YAML folds a pin and its hashes into one line of requirements."""
    locked = read_locks(ENVIRONMENTS[environment])
    lines = []
    for name in closure(locked, group=environment.removesuffix(".cuda")):
        lines += [f"      - {locked[name]['pin']}\n", *(f"        {line}\n" for line in locked[name]["hashes"])]
    return HEAD + "".join(lines)


def main(check: bool) -> None:
    """Write every environment, or name the first that differs."""
    for environment in ENVIRONMENTS:
        path = ROOT / f"envs/{environment}.yaml"
        if not check:
            path.write_text(render(environment))
        elif not path.exists() or path.read_text() != render(environment):
            sys.exit(f"envs/{path.name} is not what requirements/*.lock say: run `make lock` and commit the result.")


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
