"""Let Snakemake know what is finished, whatever the times of files say: after a copy, an archive, or a checkout of DVC.

    python scripts/restore.py [--configfile FILE ...]

Every record is compared with the tree: with code, configuration, numerics, and the bytes that were read and written.
"""

import argparse
import sys

from abstain.finished.folder import enter_for, results_of
from abstain.finished.restore import restore
from abstain.jobs.errors import AbstainError

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", default=[], help="the files of a scale, as Snakemake is given them")
    try:
        files = enter_for(parser.parse_args().configfile)
        restore(results_of(files), files)
    except AbstainError as error:
        sys.exit(str(error))
