"""Files of replies that two readers labelled: the columns that they have, and the words that a reader may write."""

import csv
from collections.abc import Iterator
from pathlib import Path

from abstain.settings.schema import Fault

READERS = ("first", "second")
YES = ("yes", "refuse", "partial")  # what a reader says of a reply that has what the label asks for
NO = ("no", "answer", "invalid")
LABELS = {"refusal": (), "on-topic": (), "politeness": (), "engagement": (), "length-adherence": ("unit", "most")}
OF_A_RUN = ("arm", "seed", "mix", "id", "sha256")  # a reply that a model of the scale gave
WRITTEN = ("request", "reply")  # a reply that was written to be labelled


def column(label: str) -> str:
    """The column of a label, after `first_` and `second_`."""
    return label.replace("-", "_")


def label_faults(config: dict, root: str | Path) -> Iterator[Fault]:
    """Files of labelled replies that cannot be read: one fault for each file, the first that is found."""
    for name, study in config["studies"].items():
        if study["labelled"] is not None:
            found = file_fault(Path(root, study["labelled"]))
            if found:
                yield Fault(f"studies.{name}.labelled", f"{study['labelled']}: {found}")


def file_fault(path: Path) -> str | None:
    """What is wrong with a file of labelled replies, and what to do; None where it can be read."""
    if not path.is_file():
        return "there is no such file; paths start at the Snakefile's folder"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            columns = rows.fieldnames or []
            return columns_fault(columns) or next(
                (words for row in rows if (words := row_fault(row, rows.line_num))), None
            )
    except (UnicodeDecodeError, csv.Error) as error:
        return f"it is no CSV file in UTF-8: {error}"


def columns_fault(columns: list[str]) -> str | None:
    """What is wrong with the names of the columns."""
    needed = WRITTEN if "reply" in columns else OF_A_RUN
    if missing := [name for name in needed if name not in columns]:
        return f"line 1: there is no column {', '.join(missing)}; a reply is named by {', '.join(needed)}"
    known = {f"{reader}_{column(label)}" for label in LABELS for reader in READERS}
    given = [name for name in columns if name.startswith(tuple(f"{reader}_" for reader in READERS))]
    if unknown := [name for name in given if name not in known]:
        return f"line 1: nothing judges {', '.join(unknown)}; known are {', '.join(sorted(known))}"
    for label, more in LABELS.items():
        both = [f"{reader}_{column(label)}" for reader in READERS]
        lacking = [name for name in (*both, *more) if name not in columns]
        if any(name in columns for name in both) and lacking:
            return f"line 1: {label} is labelled, and there is no column {', '.join(lacking)}"
    return None if given else f"line 1: no reader says anything; known are {', '.join(sorted(known))}"


def row_fault(row: dict, line: int) -> str | None:
    """What is wrong with a row."""
    if None in row or None in row.values():
        return f"line {line}: it has more or fewer values than there are columns"
    for label in LABELS:
        values = {name: row[name] for reader in READERS if (name := f"{reader}_{column(label)}") in row}
        for name, word in values.items():
            if word not in ("", *YES, *NO):
                return f"line {line}: {name} is {word!r}; a reader says {', '.join((*YES, *NO))}, or nothing"
        if label == "length-adherence" and any(values.values()) and not is_length(row):
            return f"line {line}: a length has a unit (sentences or words) and a whole number, the most of it"
    return None


def is_length(row: dict) -> bool:
    """Whether a row says of what, and how much at most."""
    return row["unit"] in ("sentences", "words") and row["most"].isdecimal()
