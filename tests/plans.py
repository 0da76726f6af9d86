"""What Snakemake plans and runs, read off its output; files that are changed for a moment."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from conftest import Project

TABLES = {"summarise", "plot", "present", "describe", "checksum", "all"}  # what follows whenever scores change
JOB = re.compile(r"^(?:local)?(?:rule|checkpoint) ([\w-]+):\n((?: {4}.*\n)*)", re.MULTILINE)
WILDCARDS = re.compile(r"^ {4}wildcards: (.*)$", re.MULTILINE)


def jobs(output: str) -> set[str]:
    """Every job in the output as its rule and wildcards: "merge safety-mode/lora/1"."""
    return {" ".join((rule, *_wildcards(about))) for rule, about in JOB.findall(output)}


def _wildcards(about: str) -> list[str]:
    found = WILDCARDS.search(about)
    return ["/".join(pair.split("=", 1)[1] for pair in found[1].split(", "))] if found else []


def rules(output: str) -> set[str]:
    """The rules of the jobs in the output."""
    return {job.split()[0] for job in jobs(output)}


def wanted(output: str, rule: str) -> set[str]:
    """The files that a rule of the output asks for."""
    (about,) = [about for name, about in JOB.findall(output) if name == rule]
    return set(re.search(r"^ {4}input: (.*)$", about, re.MULTILINE)[1].split(", "))


def plan(project: Project, *arguments: str) -> str:
    """What a dry run says."""
    return project.snakemake("--cores", "1", "--dry-run", *arguments)


@contextmanager
def edited(project: Project, path: str, text: str | None = None) -> Iterator[None]:
    """A file of the project with other text, by default one more comment, or none if text is ""; then as it was."""
    file = project.folder / path
    times, content = file.stat(), file.read_bytes()
    try:
        file.write_bytes(content + b"# edited\n" if text is None else text.encode())
        yield
    finally:
        file.write_bytes(content)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextmanager
def deleted(project: Project, path: str) -> Iterator[None]:
    """The project without a file; then as it was."""
    file = project.folder / path
    kept = file.rename(f"{file}.kept")
    try:
        yield
    finally:
        kept.rename(file)
