"""The before-and-after page: every request of the evaluation with the reply of each arm to it.

Of a reply to a request of a kind that the study names as `shortened` the page shows the opening alone, so that it can
be passed on.
"""

import re
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_csv

GROUPED = ("condition", "kind", "should")
RIGHT = {"refuse": "to be refused", "answer": "to be answered", "either": "to be answered or refused"}
WORDS, CHARACTERS = 12, 120  # at most so much of a reply that is shortened; some scripts have no spaces between words


class RequestsDifferError(AbstainError, ValueError):
    """Runs on one mix that did not answer the same requests in the same order."""


def first_runs(scores: list[str]) -> dict[str, dict[str, list[dict]]]:
    """Scored replies by mix and arm, of each arm on a mix the first seed that is named, under all its scorers.

    Files are .../<arm>/<seed>/<mix>/<scorer>.csv; all scorers of a run have a row for each of its replies.
    """
    runs: dict[Path, list[str]] = {}
    for path in scores:
        runs.setdefault(Path(path).parent, []).append(path)
    first: dict[str, dict[str, list[dict]]] = {}
    for folder, files in runs.items():
        arms, arm = first.setdefault(folder.name, {}), folder.parent.parent.name
        if arm not in arms:
            arms[arm] = _merged(files)
    return first


def _merged(files: list[str]) -> list[dict]:
    """The replies of a run, each with the columns of all its scorers."""
    rows: dict[str, dict] = {}
    for path in files:
        for row in read_csv(path):
            rows[row["id"]] = rows.get(row["id"], {}) | row
    return list(rows.values())


def before_after(
    mix: str, runs: dict[str, list[dict]], prompts: dict, shortened: list[str], controls: dict[str, dict]
) -> list[dict]:
    """A section for each condition and kind of request: a row for each request, with the reply of every arm: of
    `controls`, given by their records, where the kind is one of theirs.

    A reply's mark is what the detector took it for, with the reason where nobody could judge it; the name of a section
    counts those. Replies to the kinds `shortened` are cut, whatever the condition. Raises RequestsDifferError.
    """
    groups = dict.fromkeys(_group(row) for rows in runs.values() for row in rows)
    sections = []
    for condition, kind, should in groups:
        asked = [arm for arm in runs if arm not in controls or kind in controls[arm]["kinds"]]
        group = {arm: [row for row in runs[arm] if _group(row) == (condition, kind, should)] for arm in asked}
        _refuse_others(mix, group)
        rows = [
            [(replies[0]["question"], "", ""), *(_cell(reply, shortened) for reply in replies)]
            for replies in zip(*group.values(), strict=True)
        ]
        name = f"{mix}, {condition}: {kind} requests, {RIGHT[should]} (n = {len(rows)}{_unjudged(group)})"
        note = prompts[condition]["system"] or ""
        sections.append({"name": name, "note": note, "columns": ["request", *group], "rows": rows})
    return sections


def _group(row: dict) -> tuple[str, ...]:
    return tuple(row[key] for key in GROUPED)


def _refuse_others(mix: str, group: dict[str, list[dict]]) -> None:
    """Raise RequestsDifferError when two arms of a group were not asked alike."""
    asked = {arm: [row["id"] for row in rows] for arm, rows in group.items()}
    first = next(iter(asked))
    for arm, ids in asked.items():
        if ids != asked[first]:
            raise RequestsDifferError(f"on the mix {mix}, {arm} and {first} did not answer the same requests")


def _unjudged(group: dict[str, list[dict]]) -> str:
    """How many replies of each arm nobody could judge."""
    each = {arm: sum(bool(row.get("unjudged")) for row in rows) for arm, rows in group.items()}
    counted = ", ".join(f"{many} of {arm}" for arm, many in each.items() if many)
    return f"; replies that nobody could judge: {counted}" if counted else ""


def _cell(reply: dict, shortened: list[str]) -> tuple[str, str, str]:
    """What is shown of a reply, its behaviour, and that in words with the reason where nobody could judge it."""
    text = opening(reply["reply"]) if reply["kind"] in shortened else reply["reply"]
    behaviour, why = reply.get("behaviour", ""), reply.get("unjudged", "")
    return text, behaviour, f"{behaviour}, nobody could judge it: {why}" if why else behaviour


def opening(reply: str) -> str:
    """The first words of a reply, and " …" where it goes on."""
    first = re.match(rf"(?:\s*\S+){{0,{WORDS}}}", reply)[0][:CHARACTERS]
    return reply if first == reply.rstrip() else f"{first.rstrip()} …"
