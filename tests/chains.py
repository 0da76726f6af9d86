"""A run of a few small jobs, whose records and files follow from what the jobs are given: to be made again, changed."""

import copy
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from abstain.jobs.files import canonical, digest, sha256
from abstain.verdicts.files import Verdict, judge_all
from abstain.verdicts.reference import UNLISTED, Reference
from abstain.verdicts.why import Finding, explain

FOLDER = "results/tiny"
LOCK = "    - numpy==2.4.6\n      - torch==2.13.0+cpu\n"
FLOW = {  # of each job: what it reads, what it writes
    "calibrate/s": (["data/world.yaml"], ["splits/s/examples.jsonl"]),
    "train/s/a": (["models/base.bin", "splits/s/examples.jsonl"], ["adapters/s/a.bin"]),
    "train/s/b": (["models/base.bin", "splits/s/examples.jsonl"], ["adapters/s/b.bin"]),
    "score/s/a": (["adapters/s/a.bin"], ["scores/s/a.csv"]),
    "score/s/b": (["adapters/s/b.bin"], ["scores/s/b.csv"]),
    "summarise/s": (["scores/s/a.csv", "scores/s/b.csv"], ["tables/s/summary.csv", "tables/s/n.csv"]),
    "plot/s": (["tables/s/summary.csv"], ["figures/s/rates.csv"]),
}
RULES = {job.split("/")[0] for job in FLOW}
STEPS = sorted({name.split("/")[0] for _, outputs in FLOW.values() for name in outputs})
CONSTANT = "tables/s/n.csv"  # what no change changes
MACHINE = {"c_library": "glibc 2.36", "packages": {"torch": {"version": "2.13.0+cpu", "wheel": "cp311-linux"}}}


@dataclass
class World:
    """What the jobs of a run are given; `fate` is what makes a machine's bytes other than another's."""

    files: dict = field(default_factory=lambda: {"data/world.yaml": "world", "models/base.bin": "base"})
    code: dict = field(default_factory=lambda: {"scripts/guard.py": "guard"})
    params: dict = field(default_factory=lambda: {job: {"recipe": {"rate": 0.1, "at": [1, 2]}} for job in FLOW})
    numerics: dict = field(default_factory=lambda: {"OMP_NUM_THREADS": "1"})
    lock: str = LOCK
    match: bool | list = True
    device: str = "cpu"
    fate: str = ""
    machine: dict = field(default_factory=lambda: copy.deepcopy(MACHINE))

    def program(self, rule: str) -> dict[str, str]:
        """The files of a rule's program and what is in them."""
        own = f"scripts/{rule}.py"
        shared = {name: text for name, text in self.code.items() if Path(name).stem not in RULES}
        return {**shared, own: self.code.get(own, rule), "envs/x.yaml": self.lock}

    def record(self, job: str, folder: Path) -> dict:
        """The record of a job but its outputs."""
        rule, *names = job.split("/")
        return {
            "rule": rule,
            "wildcards": dict(zip(("study", "arm"), names, strict=False)),
            "inputs": dict(_read(self, name, folder) for name in FLOW[job][0]),
            "code": {name: _sha256(text) for name, text in self.program(rule).items()},
            "params": self.params[job],
            "numerics": self.numerics,
            "packages": {"lock": _sha256(self.lock), "match": self.match},
            "device": self.device,
        }

    def run(self, project: Path) -> Path:
        """Do every job in the folder of a project; gives the folder of results."""
        folder = project / FOLDER
        for job, (_, outputs) in FLOW.items():
            record = self.record(job, folder)
            program = {name: text.partition("#")[0] for name, text in self.program(record["rule"]).items()}
            cast = self.fate if record["rule"] == "train" else ""
            content = digest([{**record, "code": program}, cast])
            for name in outputs:
                write(folder / name, "n\n2\n" if name == CONSTANT else f"it\n{content}\n")
            record["outputs"] = {f"{FOLDER}/{name}": sha256(folder / name) for name in outputs}
            write(folder / f"records/{job}.json", canonical(record))
        _list(folder)
        write(folder / "environment.json", canonical(self.machine))
        write(project / "envs/x.yaml", self.lock)
        return folder


def _read(world: World, name: str, folder: Path) -> tuple[str, str]:
    return (name, digest(world.files[name])) if name in world.files else (f"{FOLDER}/{name}", sha256(folder / name))


def write(path: Path, text: str) -> None:
    """Write a file without waiting for the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _list(folder: Path) -> None:
    """Write the list of hashes and its record."""
    files = sorted(path for step in (*STEPS, "records") for path in (folder / step).rglob("*") if path.is_file())
    names = {str(path.relative_to(folder)): sha256(path) for path in files if path.name != "checksum.json"}
    write(folder / "SHA256SUMS", "".join(f"{value}  {name}\n" for name, value in names.items()))
    record = {"rule": "checksum", "wildcards": {}, "code": {}, "params": {}, "numerics": {}, "device": "cpu"}
    record["inputs"] = {f"{FOLDER}/{name}": value for name, value in names.items() if name.startswith("records/")}
    record["outputs"] = {f"{FOLDER}/SHA256SUMS": sha256(folder / "SHA256SUMS")}
    write(folder / "records/checksum.json", canonical(record))


def published(project: Path, folder: Path) -> Reference:
    """What is in a project now, as what is published."""
    names = [line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    kept = {name: (folder / name).read_bytes() for name in (*names, *UNLISTED, "environment.json")}
    hashes = {name: sha256(folder / name) for name in (*names, *UNLISTED)}
    locks = {"envs/x.yaml": (project / "envs/x.yaml").read_bytes()}
    return Reference(hashes, "here", committed=kept.get, of_project=locks.get)


def reasons(folder: Path, reference: Reference) -> tuple[dict[str, Verdict], list[Finding]]:
    """The verdicts on a folder and why."""
    verdicts = judge_all(folder, reference)
    return verdicts, explain(folder, reference, verdicts)
