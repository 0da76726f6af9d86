"""The guard around every program: its log, its arguments, and the record of what it read, ran and wrote.

The only module that knows the `snakemake` object.
"""

import os
import platform
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from abstain.jobs.agreement import check_makers
from abstain.jobs.console import CONSOLE
from abstain.jobs.errors import AbstainError
from abstain.jobs.files import digest, no_room, require_room, sha256, write_json
from abstain.jobs.numerics import EXACT
from abstain.jobs.packages import check_packages, environment_of
from abstain.jobs.paths import named
from abstain.jobs.watch import check_unchanged

WEIGHTS = ".safetensors"
SCRATCH = Path(".scratch")
UNHASHED = ("record", "environment")  # outputs that a record does not hold: itself, and what may differ by machine


class Job(dict):
    """A job's arguments: named inputs (without `code`, and `after`, which is only waited for), params, outputs."""

    scratch: Path  # a private folder that survives a killed job and is keyed by what the job reads
    found: dict | None = None  # what the record says of what the job has read, and no setting does


@contextmanager
def recorded(snakemake) -> Iterator[Job]:
    """Send output to the log, check numerics and packages, give the arguments, and write the record when all went well.

    An expected error (bad input, a full disk) ends the job with its own words and no traceback.
    """
    terminal = CONSOLE.descriptor = _log_to(snakemake.log)
    CONSOLE.job = " ".join([_rule(snakemake), *snakemake.wildcards])
    started = time.perf_counter()
    try:
        check_numerics()
        check_unchanged()
        inputs = {name: value for name, value in _named(snakemake.input).items() if name != "stamp"}
        packages = check_packages(environment_of(_paths(inputs["code"])))
        _require_room(snakemake.input, snakemake.output, snakemake.rule)
        before = _hashes(inputs)
        check_makers(before, snakemake.output.record)
        arguments = {k: v for k, v in inputs.items() if k not in ("code", "after")} | dict(snakemake.params.items())
        job = Job(arguments, **{k: v for k, v in _named(snakemake.output).items() if k != "record"})
        job.scratch = SCRATCH / digest([snakemake.rule, before, packages, dict(snakemake.params.items())])[:24]
        yield job
        _write_record(snakemake, inputs, before, packages, job.found)
        shutil.rmtree(job.scratch, ignore_errors=True)
        seconds, library = time.perf_counter() - started, " ".join(platform.libc_ver())
        print(f"done in {seconds:.1f} s on {platform.node()}, C library {library}")
    except Exception as error:
        words = _words(error, snakemake.output)
        if words is None:
            raise
        _print_last(f"{snakemake.rule}: {words}", terminal)
        traceback.clear_frames(error.__traceback__)
        sys.exit(1)


def _words(error: Exception, outputs) -> str | None:
    """What to say of an expected error; None for a bug, whose traceback is wanted."""
    if isinstance(error, AbstainError):
        return str(error)
    if words := no_room(error):
        folder = min((Path(outputs[0]).parent, SCRATCH.parent), key=lambda place: shutil.disk_usage(place).free)
        free = shutil.disk_usage(folder).free / 1e6
        return (
            f"{folder}: {words} ({free:.1f} MB are free on its disk). No result was written; make room, or raise the "
            "quota or the limit on the size of files, and run again"
        )
    return None


def _print_last(text: str, terminal: int) -> None:
    """Print to the log, or to where the log would be shown when the log's own disk is full."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        os.write(terminal, f"{text}\n".encode())


def _require_room(inputs, outputs, rule: str) -> None:
    """A job that writes weights may write as much as twice those that it reads: merged ones, or checkpoints."""
    if any(path.endswith(WEIGHTS) for path in outputs):
        size = 2 * sum(Path(path).stat().st_size for path in inputs if path.endswith(WEIGHTS))
        for folder in sorted({Path(path).parent for path in outputs} | {SCRATCH}):
            require_room(folder, size, rule)


def check_numerics() -> None:
    """Raise RuntimeError when a variable of the exact numerics is not in force in this process."""
    wrong = {name: os.environ.get(name) for name, value in EXACT.items() if os.environ.get(name) != value}
    if wrong:
        raise RuntimeError(f"the numeric environment is not in force: {wrong}; start programs through Snakemake")


def _write_record(snakemake, inputs: dict, before: dict, packages: dict, found: dict | None) -> None:
    after = _hashes(inputs)
    changed = sorted(path for path in before if before[path] != after[path])
    if changed:
        raise RuntimeError(f"inputs changed while the job ran: {', '.join(changed)}; run again")
    outputs = {name: value for name, value in _named(snakemake.output).items() if name not in UNHASHED}
    code = {named(path) for path in _paths(inputs.get("code", []))}
    record = {
        "rule": _rule(snakemake),
        "wildcards": dict(snakemake.wildcards.items()),
        "inputs": {path: value for path, value in before.items() if path not in code},
        "code": {path: value for path, value in before.items() if path in code},
        "params": dict(snakemake.params.items()),
        "outputs": _hashes(outputs),
        "numerics": {name: os.environ[name] for name in EXACT},
        "packages": packages,
        "device": device_of(dict(snakemake.params.items())),
    }
    write_json(snakemake.output.record, record | ({"found": found} if found else {}))


def _rule(snakemake) -> str:
    """The rule's own name, as in the path of its record; as a module's, Snakemake's has a prefix."""
    return Path(snakemake.output.record).with_suffix("").parts[-1 - len(snakemake.wildcards)]


def device_of(params: dict) -> str:
    """The name of the GPU that a job computes on, or cpu: libraries wake a GPU in jobs that do without one, too."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch is not None and params.get("device") == "cuda" else "cpu"


def _named(files) -> dict:
    return {name: str(value) if isinstance(value, str) else [str(v) for v in value] for name, value in files.items()}


def _paths(value) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _hashes(files: dict) -> dict[str, str]:
    return {named(path): sha256(path) for value in files.values() for path in _paths(value)}


def _log_to(log) -> int:
    """Point file descriptors 1 and 2 at the log, so that native libraries are caught as well; gives the old 2."""
    terminal = os.dup(2)
    if log:
        Path(log[0]).parent.mkdir(parents=True, exist_ok=True)
        file = os.open(str(log[0]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)
    return terminal
