"""Why files differ: followed through records to the first jobs that differ, and from there to tables and figures."""

import json
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from abstain.jobs.agreement import read_record
from abstain.jobs.files import read_json, sha256
from abstain.verdicts.causes import ABSENT, MACHINE, NEW, WITHOUT_RECORD, Cause, causes, machines
from abstain.verdicts.files import IDENTICAL, IS_LINK, LINK, MISSING, RECORDS, UNEXPECTED, Verdict
from abstain.verdicts.reference import Reference

ENDS = ("tables/", "figures/")  # what a reader of the results looks at


@dataclass
class Finding:
    """A first cause, the jobs at which it enters, and what it reaches: tables and figures by the way to them."""

    cause: Cause
    jobs: list[str]
    reaches: dict[str, list[str]] = field(default_factory=dict)
    threatens: dict[str, list[str]] = field(default_factory=dict)  # what depends on it and does not part yet


class Run:
    """The jobs of a folder of results by the paths of their records, as published and as they are here."""

    def __init__(self, folder: Path, reference: Reference, verdicts: dict[str, Verdict]):
        self.folder, self.reference, self.verdicts = folder, reference, verdicts
        jobs = [path for path in verdicts if path.startswith(RECORDS) and path.endswith(".json")]
        self.now = {path: read_record(folder / path) for path in jobs}
        self.before = {path: self._published(path) for path in jobs}
        self.makers = {file: job for job in jobs for file in (job, *self.outputs(job))}

    def _published(self, path: str) -> dict | None:
        if self.verdicts[path].word == IDENTICAL:
            return self.now[path]
        content = self.reference.read(path)
        return None if content is None else json.loads(content)

    def _names(self, job: str, key: str) -> set[str]:
        return {below(name) for record in (self.before[job], self.now[job]) for name in (record or {}).get(key, ())}

    def outputs(self, job: str) -> list[str]:
        """The files that a job wrote, in the published run or here."""
        return sorted(self._names(job, "outputs"))

    @cached_property
    def inputs(self) -> dict[str, set[str]]:
        """What each job reads of the results."""
        return {job: {file for file in self._names(job, "inputs") if file in self.makers} for job in self.now}

    @cached_property
    def readers(self) -> dict[str, list[str]]:
        """The jobs that read each file."""
        found = defaultdict(list)
        for job, files in self.inputs.items():
            for file in files:
                found[file].append(job)
        return found

    @cached_property
    def order(self) -> dict[str, int]:
        """The order of the flow: for each job the length of the longest chain of jobs that ends with it."""
        depth: dict[str, int] = {}

        def of(job: str) -> int:
            """The number of jobs on the longest way to a job, itself too."""
            if job not in depth:
                depth[job] = 0  # a damaged record may name what it wrote as read
                depth[job] = 1 + max((of(self.makers[file]) for file in self.inputs[job]), default=0)
            return depth[job]

        return {job: of(job) for job in self.now}

    def parts(self, file: str) -> bool:
        """Whether a file is not as published."""
        return not self.verdicts.get(file, Verdict(IDENTICAL)).is_right

    def carries(self, job: str, file: str) -> bool:
        """Whether a job read other bytes of a file than the published run did."""
        one, other = (hashes(record, "inputs").get(file) for record in (self.before[job], self.now[job]))
        return one != other

    def rule(self, job: str) -> str:
        """The rule of a job."""
        return (self.now[job] or self.before[job] or {"rule": job.split("/")[1].removesuffix(".json")})["rule"]

    def causes(self, job: str) -> Iterator[Cause]:
        """What parted at a job itself."""
        before, now = self.before[job], self.now[job]
        if now is None and not (self.folder / job).is_file():
            yield self._changed(job, job) if self.verdicts[job].word == LINK else ABSENT
        elif (before is None or now is None) and not self.parts(job):
            return  # it cannot be read as a record, but is as published
        elif before is None or now is None:
            new = self.verdicts[job].word == UNEXPECTED
            yield NEW if new else self._changed(job, job) if now is None else WITHOUT_RECORD
        else:
            own = list(causes(before, now, self._names_in_records(job), self.reference)) if before != now else []
            read = [file for file in self.inputs[job] if self.carries(job, file)]
            yield from own
            yield from (cause for file in read for cause in self._other_than_written(job, file))
            written = [file for file in self.outputs(job) if self.parts(file)]
            for file in written:
                if self.verdicts[file].word == MISSING:
                    yield ABSENT
                elif self.verdicts[file].word == LINK or self._is_changed(file, now):
                    yield self._changed(job, file)
                elif not own and not read:
                    yield machines(self.reference, self._machine)
            if self.parts(job) and not (own or read or written):
                yield self._changed(job, job)

    def _names_in_records(self, job: str) -> set[str]:
        """What a job read of other jobs, by the names that records have for it."""
        records = (self.before[job], self.now[job])
        return {name for record in records for name in record["inputs"] if below(name) in self.makers}

    def _other_than_written(self, job: str, file: str) -> Iterator[Cause]:
        maker, value = self.now[self.makers[file]], hashes(self.now[job], "inputs").get(file)
        if maker is not None and value is not None and hashes(maker, "outputs").get(file, value) != value:
            yield Cause("read", f"{file} was not as {maker['rule']} wrote it when it was read", value)

    def _changed(self, job: str, file: str) -> Cause:
        if self.verdicts[file].word == LINK:
            link = self.verdicts[file].detail.partition(IS_LINK)[0]  # the file, or a folder that it is in
            return Cause("file", f"{link} was replaced by a link", link)
        return Cause("file", f"{file} was changed after {self.rule(job)} wrote it", file)

    def _is_changed(self, file: str, record: dict) -> bool:
        return (path := self.folder / file).is_file() and sha256(path) != hashes(record, "outputs").get(file)

    @cached_property
    def _machine(self) -> dict | None:
        try:
            return read_json(self.folder / MACHINE)
        except (OSError, ValueError):
            return None


def below(name: str) -> str:
    """A file as the list names it: results/<scale>/tables/x.csv is tables/x.csv."""
    return "/".join(name.split("/")[2:]) if name.startswith("results/") else name


def hashes(record: dict | None, key: str) -> dict[str, str]:
    """What a record says that its job read or wrote, by names as the list has them."""
    return {below(name): value for name, value in (record or {}).get(key, {}).items()}


def explain(folder: Path, reference: Reference, verdicts: dict[str, Verdict]) -> list[Finding]:
    """Every first cause of what differs, in the order of the flow."""
    run, having = Run(folder, reference, verdicts), defaultdict(list)
    for job in sorted(run.now, key=lambda job: (run.order[job], job)):
        for cause in dict.fromkeys(run.causes(job)):
            having[cause].append(job)
    return [_finding(run, cause, jobs) for cause, jobs in having.items()]


def _finding(run: Run, cause: Cause, jobs: list[str]) -> Finding:
    """A cause with the first of its jobs that wrote other bytes; where none did, with those that have it."""
    if cause.kind in ("missing", "job"):
        return Finding(cause, jobs)
    writing = [job for job in jobs if any(run.parts(file) for file in run.outputs(job))] or jobs
    later = {job for first in writing for job in _followers(run, [first], run.carries) if job != first}
    first = [job for job in writing if job not in later]
    if cause.kind == "file":
        place = f"{cause.before}/"  # a file, or a folder that is a link now
        ends = _ends(run, first, lambda reader, read: f"{read}/".startswith(place) or run.makers[read] not in first)
        return Finding(cause, first, threatens=ends)
    return Finding(cause, first, _ends(run, first, run.carries, parting=True))


def _followers(run: Run, jobs: list[str], leads) -> dict[str, tuple[str, ...]]:
    """For each job downstream of `jobs` the rules on the shortest path to it, along files for which `leads` is true."""
    ways, waiting = {job: (run.rule(job),) for job in jobs}, deque(jobs)
    while waiting:
        job = waiting.popleft()
        for file in (job, *run.outputs(job)):
            for reader in run.readers.get(file, ()):
                if reader not in ways and leads(reader, file):
                    ways[reader] = (*ways[job], run.rule(reader))
                    waiting.append(reader)
    return ways


def _ends(run: Run, jobs: list[str], leads, parting: bool = False) -> dict[str, list[str]]:
    """Tables and figures downstream of `jobs`, by the chain of rules that leads to them."""
    found = defaultdict(list)
    for job, way in _followers(run, jobs, leads).items():
        for file in run.outputs(job):
            if file.startswith(ENDS) and run.parts(file) == parting:
                found[" -> ".join(way)].append(file)
    return dict(found)
