"""The page that opens a scale's results: numbers by their unit, and each study's claims, replies and figures."""

from pathlib import Path

from abstain.jobs.files import read_csv
from abstain.pages.controls import about_controls
from abstain.settings.arms import ALL

NONE = "none"  # where there is no number
COUNTED = ("cut", "invalid", "unread")  # metrics over every reply, of which the page gives counts


def percent(value: str) -> str:
    """A share in percent."""
    return f"{100 * float(value):.1f}" if value else NONE


def cosine(value: str) -> str:
    """A cosine."""
    return f"{float(value):.3f}" if value else NONE


def nats(value: str) -> str:
    """A mean change of log-likelihoods."""
    return f"{float(value):+.3f}" if value else NONE


def words(value: str) -> str:
    """A mean number of words."""
    return f"{float(value):.1f}" if value else NONE


UNITS = {"share": percent, "cosine": cosine, "nats": nats, "words": words}


def measured(value: str, unit: str) -> str:
    """A number of a table as its unit is written."""
    return UNITS[unit](value)


def study_section(
    name: str,
    record: dict,
    figures: list[str],
    claims: list[str],
    summaries: list[str],
    corrected: list[str],
    labelled: list[str],
) -> dict:
    """What the page says of a study: record, controls, claims, corrected rates, cut replies, how far detectors agree
    with readers of its own replies, and the captions of its figures.
    """
    captions = [Path(path) for path in figures if Path(path).parent.name == name]
    drawn = [{"name": path.stem, "caption": path.read_text(encoding="utf-8").strip()} for path in captions]
    replies = counted(_rows_of(name, summaries))
    by_number = parted(_rows_of(name, claims))
    judged = [claim_line(parts) for parts in by_number.values()]
    rates = rates_by_kind(_rows_of(name, corrected))
    found = {"claims": judged, "corrected": rates, "replies": replies, "figures": drawn}
    found["labelled"] = _rows_of(name, labelled)
    found["headlines"] = {key: claim_line(by_number[str(number)]) for key, number in record["headlines"].items()}
    return {**record, "name": name, "controls": about_controls(record["controls"], record["targets"]), **found}


def parted(rows: list[dict]) -> dict[str, list[dict]]:
    """The rows of a table of claims by the number of the claim: a row for each part."""
    claims: dict[str, list[dict]] = {}
    for row in rows:
        claims.setdefault(row["claim"], []).append(row)
    return claims


def claim_line(parts: list[dict]) -> dict[str, str]:
    """A claim as the page shows it: the sentence of its first part, the numbers of all, the verdict and its reason."""
    whys = dict.fromkeys(part["why"] for part in parts if part["why"])
    return {
        "sentence": parts[0]["sentence"],
        "numbers": "<br>".join(_numbers(part) for part in parts),
        "verdict": parts[0]["verdict"],
        "why": "; ".join(whys),
        **{key: "<br>".join(part[key] or "–" for part in parts) for key in ("n", "judged", "clusters")},
        "power": "<br>".join(percent(part["power"]) if part["power"] else "–" for part in parts),
    }


def _numbers(part: dict) -> str:
    if not part["value"]:
        return f"{part['arms']}: –"
    value, low, high = (measured(part[key], part["unit"]) for key in ("value", "low", "high"))
    return f"{part['arms']}: {value} ({low} to {high})"


def _rows_of(study: str, tables: list[str]) -> list[dict]:
    return [row for path in tables if Path(path).parent.name == study for row in read_csv(path)]


def rates_by_kind(rows: list[dict]) -> dict:
    """Corrected rates with a column for each kind and a row for each arm under each condition of each mix."""
    kinds, lines = list(dict.fromkeys(row["kind"] for row in rows)), {}
    for row in rows:
        ends = [percent(row[f"corrected_{key}"]) for key in ("value", "low", "high")]
        cell = f"{percent(row['value'])} → {ends[0]} ({ends[1]} to {ends[2]})"
        lines.setdefault(tuple(row[key] for key in ("mix", "condition", "arm")), {})[row["kind"]] = cell
    cells = [{"place": place, "cells": [found.get(kind, "–") for kind in kinds]} for place, found in lines.items()]
    known = {key: percent(rows[0][key]) for key in ("sensitivity", "specificity")} if rows else {}
    return {"kinds": kinds, "rows": cells, **known}


def agreement_line(row: dict[str, str]) -> str:
    """Accuracy and kappa of a table of agreement, each with its interval where there is one, as cells of the page."""
    ends = f" ({percent(row['low'])} to {percent(row['high'])})" if row["low"] else ""
    bounds = f" ({float(row['kappa_low']):.3f} to {float(row['kappa_high']):.3f})" if row["kappa_low"] else ""
    accuracy = f"{percent(row['accuracy'])}{ends}" if row["accuracy"] else "–"
    return f"{accuracy} | {float(row['kappa']):.3f}{bounds}" if row["kappa"] else f"{accuracy} | –"


def counted(summary: list[dict]) -> list[dict]:
    """For each arm, over all its runs and mixes: how many replies it gave, and how many count in each of COUNTED."""
    arms: dict[str, dict] = {}
    for row in summary:
        if row["metric"] in COUNTED and row["seed"] != ALL:
            replies, hits = arms.setdefault(row["arm"], {}).get(row["metric"], (0, 0))
            arms[row["arm"]][row["metric"]] = (
                replies + int(row["n"]),
                hits + round(float(row["value"]) * int(row["n"])),
            )
    return [{"arm": arm, "n": found[COUNTED[0]][0], **_shares(found)} for arm, found in arms.items()]


def _shares(found: dict[str, tuple[int, int]]) -> dict[str, str]:
    return {metric: f"{hits} ({100 * hits / replies:.1f} %)" for metric, (replies, hits) in found.items()}
