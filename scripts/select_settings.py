"""Which recipes do best on the validation part: one table of all settings, which says of each study what is chosen.

    python scripts/select_settings.py SCALE_FILE ...

Each file names the scale of one setting; what its run has left below results/<scale>/ is read (`make select` runs them
all), and results/<scale of the first>.csv is written.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_csv, write_csv
from abstain.settings.arms import ALL, trained_arms

BETTER = {"correct-refusal": 1, "false-refusal": -1, "helpfulness": 1, "closeness": 1}  # whether more is better
MARGIN = 0.03  # of a share or a cosine: so far below the best is as good
PLACE = ["arm", "condition", "kind", "metric"]
COLUMNS = ["study", "setting", "steps", "chosen", *PLACE, "value", "low", "high", "n"]


class SelectionError(AbstainError, ValueError):
    """A setting whose run is not finished."""


def select_settings(files: list[str], table: str) -> None:
    """Write the validation numbers of every setting's trained arms, study by study; raises SelectionError."""
    rows = [row for file in files for row in rates_of(Path("results", _read(Path(file))["scale"]))]
    studies: dict[str, list[dict]] = {}
    for row in rows:
        studies.setdefault(row["study"], []).append(row)
    best = {study: chosen(found) for study, found in studies.items()}
    marked = [{**row, "chosen": "yes" if row["setting"] == best[row["study"]] else "no"} for row in rows]
    write_csv(table, sorted(marked, key=lambda row: (row["study"], row["steps"])), COLUMNS)


def rates_of(results: Path) -> Iterator[dict]:
    """The numbers of a finished setting over its seeds, each with the steps of its arm's recipe."""
    for study, record in _read(results / "studies.yaml")["studies"].items():
        arms = trained_arms(record)
        for row in read_csv(_existing(results / f"tables/{study}/summary.csv")):
            if row["arm"] in arms and row["seed"] == ALL and row["metric"] in BETTER:
                steps = record["recipes"][arms[row["arm"]]["recipe"]]["steps"]
                yield {**{key: row[key] for key in COLUMNS if key in row}, "setting": results.name, "steps": steps}


def chosen(rows: list[dict]) -> str:
    """The setting with the fewest steps that is within MARGIN of the best in every number.

    If no setting is, the one whose largest shortfall is smallest. Every row of a study is a number: metrics, prompts
    and kinds of requests are not pooled, because a model that refuses all it is asked may have learned no category.
    """
    gains = [(tuple(row[key] for key in PLACE), row, BETTER[row["metric"]] * float(row["value"])) for row in rows]
    best = {place: max(gain for other, _, gain in gains if other == place) for place, _, _ in gains}
    short: dict[str, float] = {}
    for place, row, gain in gains:
        short[row["setting"]] = max(short.get(row["setting"], 0.0), round(best[place] - gain, 6))
    allowed = max(MARGIN, min(short.values()))
    fit = [row for row in rows if short[row["setting"]] <= allowed]
    return min(fit, key=lambda row: row["steps"])["setting"]


def _read(path: Path) -> dict:
    return yaml.safe_load(_existing(path).read_text(encoding="utf-8"))


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise SelectionError(f"{path} is not there: run `make select`, which runs every setting first")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="+", help="a file that names the scale of a setting")
    try:
        files = parser.parse_args().file
        select_settings(files, f"results/{_read(Path(files[0]))['scale']}.csv")
    except AbstainError as error:
        sys.exit(str(error))
