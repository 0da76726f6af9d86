"""Stamps: how Snakemake learns that a job's record does not agree with the tree.

Snakemake decides by the times of files, which say nothing after a clone, an archive or a touch. So each job has a stamp
among its inputs: older than everything while the record agrees with the tree, new as soon as it does not.
"""

import os
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from abstain.jobs.agreement import contradictions, read_record
from abstain.jobs.paths import named

OLD = (1, 1)  # seconds since 1970: access and change of a stamp that asks for nothing
OLDER = "it is a record of an older version: make it again with `make reproduce`"
NOT_READ = ("after", "stamp")  # inputs that are only waited for


@cache
def stamp(path: str, rule, wildcards) -> None:
    """Write a job's stamp (a rule for these wildcards), once in a process, because the job's own run changes the files.

    The stamp is empty and old while the job's record agrees with what the job would be given now, and for a job without
    a record, which Snakemake plans anyway. Otherwise it is new and holds the reasons, which are also printed. It then
    holds the time too, so that it differs from every earlier stamp and no cached hash matches it.
    """
    (file,) = paths(rule.output.record, wildcards)
    reasons = _reasons(file, rule, wildcards) if Path(file).is_file() else []
    print("".join(f"{file}: {reason}\n" for reason in reasons), end="", file=sys.stderr)
    write(Path(path), reasons)


def _reasons(file: str, rule, wildcards) -> list[str]:
    """Why a job with this record is to be done again; of a record that this version does not write, that alone."""
    record = read_record(file)
    if record is None or "packages" not in record:
        return [OLDER]
    read = {name: {named(p) for p in paths(value, wildcards)} for name, value in inputs_of(rule, wildcards).items()}
    code = read.pop("code", set())
    params = {name: value_of(value, wildcards) for name, value in rule.params.items()}
    return list(contradictions(record, code, set().union(*read.values()), params))


def write(path: Path, reasons: list[str]) -> None:
    """Write a stamp that asks for a run, for these reasons, or for nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if reasons:
        path.write_text("\n".join([*reasons, str(time.time_ns()), ""]), encoding="utf-8")
    else:
        if not path.is_file() or path.stat().st_size:
            path.write_text("", encoding="utf-8")
        os.utime(path, OLD)


def inputs_of(rule, wildcards) -> dict:
    """The files that a job reads, by the name under which it gets them, as a rule's `input` states them."""
    by_name = dict(rule.input.items())
    unpacked = [value for value in rule.input if callable(value) and value not in by_name.values()]
    found = {name: value_of(value, wildcards) for name, value in by_name.items() if name not in NOT_READ}
    return found | {name: file for value in unpacked for name, file in value(wildcards).items()}


def paths(value, wildcards: Mapping) -> list[str]:
    """One path or several, with the wildcards filled in."""
    value = value_of(value, wildcards)
    return [value] if isinstance(value, str) else list(value)


def value_of(value, wildcards):
    """What Snakemake makes of a value in a rule for these wildcards: functions called, texts filled in."""
    if callable(value):
        return value(wildcards)
    if isinstance(value, str):
        return value.format(**dict(wildcards.items()))
    return [value_of(each, wildcards) for each in value] if isinstance(value, list) else value
