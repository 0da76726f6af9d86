"""Whether transformers can load a model as it is saved: of the weights nothing is read but their names and shapes.

    python -P -m abstain.models.fits FOLDER

Planning asks this in a process of its own, because it imports neither torch nor transformers. Prints what is wrong.
"""

import sys
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.models.loading import load_model

if __name__ == "__main__":
    try:
        load_model(Path(sys.argv[1]), "none", "float32", "meta")
    except AbstainError as error:
        print(error)
