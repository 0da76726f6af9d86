"""The before-and-after page: every request of the evaluation with the reply of each arm to it.

Of a reply to a request of a kind that the study names as `shortened` the page shows the opening alone, so that it can
be passed on.
"""

import re
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_csv, read_jsonl

GROUPED = ("condition", "kind", "should")
RIGHT = {"refuse": "to be refused", "answer": "to be answered", "either": "to be answered or refused"}
MARKS = {
    "behaviour": "",
    "grade": "SQuAD: ",
    "answer": "answer: ",
    "reading": "read as ",
}  # words of scorers on a reply
WORDS, CHARACTERS = 12, 120  # at most so much of a reply that is shortened; some scripts have no spaces between words


class RequestsDifferError(AbstainError, ValueError):
    """Runs on one mix that did not answer the same requests in the same order."""


def first_runs(scores: list[str], examples: list[str]) -> dict[str, dict[str, list[dict]]]:
    """Scored replies by mix and arm: those of an arm's first listed seed on the mix, with the columns of all scorers.

    Files are .../<arm>/<seed>/<mix>/<scorer>.csv, each with a row for every reply of its run. In a result row `asked`
    is the user's whole text; `right` or `reference`, if the request has one, is the opening of its right answer or of a
    reference reply. These come from the mix's file of `examples`, <mix>/examples.jsonl.
    """
    requests = {
        Path(path).parent.name: {row["id"]: _request_fields(row) for row in read_jsonl(path)} for path in examples
    }
    runs: dict[Path, list[str]] = {}
    for path in scores:
        runs.setdefault(Path(path).parent, []).append(path)
    first: dict[str, dict[str, list[dict]]] = {}
    for folder, files in runs.items():
        arms, arm = first.setdefault(folder.name, {}), folder.parent.parent.name
        if arm not in arms:
            arms[arm] = [requests[folder.name][row["id"]] | row for row in _merged(files)]
    return first


def _request_fields(example: dict) -> dict:
    """What the user said in an example; `right`, its right answer, or `reference`, a reply that would do, if any."""
    kind, text = ("right" if "references" in example else "reference"), example.get("reference")
    known = {kind: opening(text)} if isinstance(text, str) and text else {}
    return {"asked": example["messages"][-1]["content"], **known}


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
    """A section for each condition and kind of request, with a row for each request and a column for each arm's reply.

    `controls` holds the records of the controls, which have a column only for their own kinds. A reply's mark gives the
    scorers' labels, or why it could not be judged; a section's name counts such replies. A request's mark is its right
    answer or a reference, also cut. Replies to the kinds `shortened` are cut under every condition. Raises
    RequestsDifferError when arms answered different requests.
    """
    groups = dict.fromkeys(_group(row) for rows in runs.values() for row in rows)
    sections = []
    for condition, kind, should in groups:
        arms = [arm for arm in runs if arm not in controls or kind in controls[arm]["kinds"]]
        group = {arm: [row for row in runs[arm] if _group(row) == (condition, kind, should)] for arm in arms}
        _refuse_others(mix, group)
        rows = [
            [_request(replies[0]), *(_cell(reply, shortened) for reply in replies)]
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
    ids_by_arm = {arm: [row["id"] for row in rows] for arm, rows in group.items()}
    first = next(iter(ids_by_arm))
    for arm, ids in ids_by_arm.items():
        if ids != ids_by_arm[first]:
            raise RequestsDifferError(f"on the mix {mix}, {arm} and {first} did not answer the same requests")


def _unjudged(group: dict[str, list[dict]]) -> str:
    """How many replies of each arm nobody could judge."""
    each = {arm: sum(bool(row.get("unjudged")) for row in rows) for arm, rows in group.items()}
    counted = ", ".join(f"{many} of {arm}" for arm, many in each.items() if many)
    return f"; replies that nobody could judge: {counted}" if counted else ""


def _request(reply: dict) -> tuple[str, str, str]:
    """What is shown of the request of a reply: all that the user said, and what would be right where that is known."""
    known = {"right": reply.get("truth") or reply.get("right"), "reference": reply.get("reference")}
    return reply["asked"], "", "; ".join(f"{name}: {text}" for name, text in known.items() if text)


def _cell(reply: dict, shortened: list[str]) -> tuple[str, str, str]:
    """What is shown of a reply, its behaviour, and the scorers' words with the reason where nobody could judge it."""
    text = opening(reply["reply"]) if reply["kind"] in shortened else reply["reply"]
    words, why = [f"{whose}{reply[key]}" for key, whose in MARKS.items() if reply.get(key)], reply.get("unjudged", "")
    words += [f"nobody could judge it: {why}"] if why else []
    return text, reply.get("behaviour", ""), ", ".join(words)


def opening(reply: str) -> str:
    """The first words of a reply, and " …" where it goes on."""
    first = re.match(rf"(?:\s*\S+){{0,{WORDS}}}", reply)[0][:CHARACTERS]
    return reply if first == reply.rstrip() else f"{first.rstrip()} …"
