"""Compare every published file with the list of hashes that came with the project, and say what differs, and why.

    python scripts/verify.py results/pocket [--report logs/pocket/verify.json]

The list is the committed one; where Git cannot give it, the published copy (published/<scale>.sha256), which no run
writes. Without either there is no verdict. Exit status 1 unless every file is identical, or absent because it is not
kept; also when something is old in this tree, or when both lists are there and differ.
"""

import argparse
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import write_json
from abstain.verdicts.contents import TOLERANCE
from abstain.verdicts.files import UNEXPECTED, Verdict, judge_all
from abstain.verdicts.reference import find_reference, making
from abstain.verdicts.tree import old_since
from abstain.verdicts.why import Finding, explain

SHOWN = 4  # jobs and files of one line


def verify(folder: Path, report: Path | None = None) -> int:
    """Print the verdicts, the causes and what is old; write the same for machines; 1 when there is anything, else 0."""
    try:
        reference = find_reference(folder)
        verdicts = judge_all(folder, reference)
        old = old_since(folder)
        findings = explain(folder, reference, verdicts)
    except AbstainError as error:
        print(error)
        if report:
            write_json(report, {"folder": str(folder), "status": 1, "no_verdict": str(error)})
        return 1
    notes = [*reference.notes, *filter(None, [reference.contradiction])]
    status = int(bool(old or reference.contradiction) or not all(verdict.is_right for verdict in verdicts.values()))
    for line in (*notes, *_lines(folder, reference.source, verdicts), *_why(findings), *_old(folder, old)):
        print(line)
    if report:
        content = {"folder": str(folder), "status": status, "reference": reference.source, "git": list(notes)}
        content |= {"tolerance": TOLERANCE, "counts": dict(Counter(verdict.word for verdict in verdicts.values()))}
        content |= {"files": {path: verdict._asdict() for path, verdict in verdicts.items()}, "old": old}
        content |= {"causes": [{**asdict(each), "cause": _record(each)} for each in findings]}
        write_json(report, content)
    return status


def _record(finding: Finding) -> dict:
    return {**finding.cause._asdict(), "text": str(finding.cause)}


def _lines(folder: Path, source: str, verdicts: dict[str, Verdict]) -> list[str]:
    """A line for each file that is not as published, a count of verdicts, and the first that differs."""
    wrong = {path: verdict for path, verdict in verdicts.items() if not verdict.is_right}
    width = max((len(verdict.word) for verdict in wrong.values()), default=0)
    lines = [
        f"{verdict.word:{width}}  {path}" + f"  ({verdict.detail})" * bool(verdict.detail)
        for path, verdict in wrong.items()
    ]
    counts = Counter(verdict.word for verdict in verdicts.values())
    lines.append(f"{folder} against {source}: " + ", ".join(f"{counts[word]} {word}" for word in sorted(counts)))
    differing = [path for path, verdict in wrong.items() if verdict.word != UNEXPECTED]
    if differing:
        lines.append(f"The first file that differs, in the order of the flow, is {differing[0]}.")
    if counts[UNEXPECTED]:
        lines.append("Of what is unexpected `make tidy` removes what no job makes any more.")
    return lines


def _why(findings: list[Finding]) -> list[str]:
    """A line for each first cause, with the ways from it to tables and figures below it."""
    lines = ["Why:"] if findings else []
    for each in findings:
        lines.append(f"  {each.cause} [{_some(_name(job) for job in each.jobs)}]")
        lines += [f"    {way}: {_some(files)}" for way, files in each.reaches.items()]
        lines += [f"    not yet reached, {way}: {_some(files)}" for way, files in each.threatens.items()]
    return lines


def _old(folder: Path, old: dict[str, int]) -> list[str]:
    """What has changed in the tree since the results were made."""
    again = f"run {making(folder)} to make them again"
    lines = [f"These results are old: the tree is not what they were made from; {again}."]
    return [*lines, *(f"  {sentence} ({jobs} job{'s' * (jobs > 1)})" for sentence, jobs in old.items())] if old else []


def _name(job: str) -> str:
    return job.removeprefix("records/").removesuffix(".json")


def _some(names) -> str:
    names = list(names)
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results/pocket"))
    parser.add_argument("--report", type=Path, help="write the same as JSON to this file")
    sys.exit(verify(**vars(parser.parse_args())))
