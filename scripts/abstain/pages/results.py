"""The page that opens a scale's results: numbers by their unit, and each study's claims, replies and figures."""

from pathlib import Path

from abstain.jobs.files import read_csv
from abstain.settings.arms import ALL

NONE = "none"  # where there is no number
COUNTED = ("cut", "invalid", "unread")  # metrics over every reply, of which the page gives counts


def percent(value: str) -> str:
    """A share in percent."""
    return f"{100 * float(value):.1f}" if value else NONE


def cosine(value: str) -> str:
    """A cosine."""
    return f"{float(value):.3f}" if value else NONE


UNITS = {"share": percent, "cosine": cosine}


def measured(value: str, unit: str) -> str:
    """A number of a table as its unit is written."""
    return UNITS[unit](value)


def study_section(name: str, record: dict, claims: list[str], summaries: list[str], figures: list[str]) -> dict:
    """What the page says of a study: its record, its claims, how many replies are cut, its figures' captions."""
    captions = [Path(path) for path in figures if Path(path).parent.name == name]
    drawn = [{"name": path.stem, "caption": path.read_text(encoding="utf-8").strip()} for path in captions]
    replies = counted(_rows_of(name, summaries))
    return {**record, "name": name, "claims": _rows_of(name, claims), "replies": replies, "figures": drawn}


def _rows_of(study: str, tables: list[str]) -> list[dict]:
    return [row for path in tables if Path(path).parent.name == study for row in read_csv(path)]


def counted(summary: list[dict]) -> list[dict]:
    """For each arm, over all its runs and mixes: how many replies it gave, and how many count in each of COUNTED."""
    arms: dict[str, dict] = {}
    for row in summary:
        if row["metric"] in COUNTED and row["seed"] != ALL:
            asked, hits = arms.setdefault(row["arm"], {}).get(row["metric"], (0, 0))
            arms[row["arm"]][row["metric"]] = (asked + int(row["n"]), hits + round(float(row["value"]) * int(row["n"])))
    return [{"arm": arm, "n": found[COUNTED[0]][0], **_shares(found)} for arm, found in arms.items()]


def _shares(found: dict[str, tuple[int, int]]) -> dict[str, str]:
    return {metric: f"{hits} ({100 * hits / asked:.1f} %)" for metric, (asked, hits) in found.items()}
