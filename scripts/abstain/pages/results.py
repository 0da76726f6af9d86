"""The page that opens a scale's results: numbers by their unit, and each study's claims and figures."""

from pathlib import Path

from abstain.jobs.files import read_csv

NONE = "none"  # where there is no number


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


def study_section(name: str, record: dict, claims: list[str], figures: list[str]) -> dict:
    """What the page says of a study: its record, the claims of its table, the captions of its figures."""
    tables = [path for path in claims if Path(path).parent.name == name]
    captions = [Path(path) for path in figures if Path(path).parent.name == name]
    drawn = [{"name": path.stem, "caption": path.read_text(encoding="utf-8").strip()} for path in captions]
    return {**record, "name": name, "claims": [row for path in tables for row in read_csv(path)], "figures": drawn}
