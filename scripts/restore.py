"""Let Snakemake know what is finished, whatever the times of files say: after a copy, an archive, or a checkout of DVC.

    python scripts/restore.py [--configfile FILE ...]

Every record is compared with the tree: with code, configuration, numerics, and the bytes that were read and written.
"""

import argparse
import sys
from pathlib import Path

import yaml

from abstain.finished.restore import restore
from abstain.jobs.errors import AbstainError
from abstain.jobs.paths import HOME

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", default=[], help="the files of a scale, as Snakemake is given them")
    files = parser.parse_args().configfile
    scales = [yaml.safe_load(Path(file).read_text(encoding="utf-8")) for file in files or [HOME / "config.yaml"]]
    try:
        restore(Path("results", next(scale["scale"] for scale in scales if "scale" in scale)), files)
    except AbstainError as error:
        sys.exit(str(error))
