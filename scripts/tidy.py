"""Name the files below a scale's results that no job makes any more, and remove them.

    python scripts/tidy.py [--check] [--configfile FILE ...]

Such files are left by seeds, arms and studies that are gone. --check only names them; exit status 1 when there are any.
"""

import argparse
import sys

from abstain.finished.folder import enter_for
from abstain.finished.leftovers import counted, remove
from abstain.finished.plan import check_idle, leftovers_of
from abstain.jobs.errors import AbstainError


def tidy(configfiles: list[str], only_names: bool) -> int:
    """Print every leftover and remove it; 1 when there are any and they are only named."""
    if not only_names:
        check_idle()
    folder, files = leftovers_of(configfiles)
    print("".join(f"{file}\n" for file in files), end="")
    if only_names:
        print(f"{counted(files)} that no job makes any more" if files else "Nothing is left over.")
        return 1 if files else 0
    remove(folder, files)
    print(f"{counted(files)} removed." if files else "Nothing is left over.")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="remove nothing")
    parser.add_argument("--configfile", nargs="+", default=[], help="the files of a scale, as Snakemake is given them")
    arguments = parser.parse_args()
    try:
        sys.exit(tidy(enter_for(arguments.configfile), arguments.check))
    except AbstainError as error:
        sys.exit(str(error))
