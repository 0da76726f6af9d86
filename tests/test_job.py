"""The guard around every program: real programs in interpreters of their own, given Snakemake's own object."""

import importlib
import inspect
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, ResourceList, Snakemake, Wildcards

from abstain.jobs.errors import AbstainError
from abstain.jobs.files import read_json, sha256, write_json
from abstain.jobs.guard import check_numerics, device_of
from abstain.jobs.numerics import EXACT
from abstain.jobs.watch import VARIABLE

PROGRAM = """
import json, os, pickle
from pathlib import Path

snakemake = pickle.loads(Path("job.pickle").read_bytes())  # as Snakemake hands it over

if __name__ == "__main__":
    from abstain.jobs.guard import recorded

    with recorded(snakemake) as job:
        {work}
"""
MAKE = "Path(job['made']).write_text(json.dumps(job))"
RECORD, OUTPUT, LOG = "records/measure/1.json", "made/1.json", "logs/measure/1.log"
ENVIRONMENT = "envs/measuring.yaml"


def named(kind: type, **values):
    """One of Snakemake's lists with names; a list of values has one name for all of them, as in a rule."""
    items = kind()
    for name, value in values.items():
        several, first = isinstance(value, list), len(items)
        items.extend(value if several else [value])
        items._set_name(name, first, end=len(items) if several else None)
    return items


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with the inputs of a job, and with the object that Snakemake would give it."""
    for name in ("text.txt", "first.txt", "second.txt", "waited.txt", "measure.py", "stamp"):
        (tmp_path / name).write_text(f"this is {name}\n")
    (tmp_path / ENVIRONMENT).parent.mkdir()
    (tmp_path / ENVIRONMENT).write_text(f"      - pytest=={pytest.__version__}\n")
    for name in (RECORD, OUTPUT, LOG):
        (tmp_path / name).parent.mkdir(parents=True)
    prepare(tmp_path)
    return tmp_path


def prepare(folder: Path, *log: str, rule: str = "measure") -> None:
    """Pickle the object of a job, whose log is `log`."""
    job = Snakemake(
        input_=named(
            InputFiles,
            text="text.txt",
            more=["first.txt", str(folder / "second.txt")],
            after=["waited.txt"],
            code=["measure.py", ENVIRONMENT],
            stamp="stamp",
        ),
        output=named(OutputFiles, made=OUTPUT, record=RECORD),
        params=named(Params, factor=3, recipe={"steps": 6}),
        wildcards=named(Wildcards, seed="1"),
        threads=1,
        resources=ResourceList(),
        log=Log(log or [LOG]),
        config={},
        rulename=rule,
        bench_iteration=None,
    )
    (folder / "job.pickle").write_bytes(pickle.dumps(job))


def run(folder: Path, *work: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the job's program, which does `work`, one statement each, and see what it says on the terminal."""
    (folder / "program.py").write_text(PROGRAM.format(work="\n        ".join(work)))
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "scripts"), **environment}
    return subprocess.run([sys.executable, "program.py"], cwd=folder, env=variables, capture_output=True, text=True)


def assert_failed(folder: Path, done: subprocess.CompletedProcess) -> str:
    """The log of a job that failed: it says nothing elsewhere, and leaves no record."""
    assert done.returncode == 1 and done.stdout == done.stderr == ""
    assert not (folder / RECORD).exists()
    return (folder / LOG).read_text()


def test_a_job_gets_named_files_and_params_and_leaves_a_record_of_what_it_read_ran_and_wrote(folder):
    done = run(folder, MAKE, "print('working')", "os.system('echo a native library')")
    assert done.returncode == 0 and done.stdout == done.stderr == ""
    log = (folder / LOG).read_text()
    assert "working" in log and "a native library" in log and "done in" in log
    # no code, nothing that is only waited for, no stamp, no record
    assert json.loads((folder / OUTPUT).read_text()) == {
        "text": "text.txt",
        "more": ["first.txt", str(folder / "second.txt")],
        "factor": 3,
        "recipe": {"steps": 6},
        "made": OUTPUT,
    }
    assert read_json(folder / RECORD) == {
        "rule": "measure",
        "wildcards": {"seed": "1"},
        "inputs": {n: sha256(folder / n) for n in ("text.txt", "first.txt", "second.txt", "waited.txt")},
        "code": {n: sha256(folder / n) for n in ("measure.py", ENVIRONMENT)},
        "params": {"factor": 3, "recipe": {"steps": 6}},
        "outputs": {OUTPUT: sha256(folder / OUTPUT)},
        "numerics": EXACT,
        "packages": {"lock": sha256(folder / ENVIRONMENT), "match": True},
        "device": "cpu",
    }


def test_a_record_holds_the_numerics_that_were_in_force_and_not_those_that_should_have_been(folder):
    assert run(folder, MAKE, "os.environ['HF_HUB_OFFLINE'] = '0'").returncode == 0
    assert read_json(folder / RECORD)["numerics"] == {**EXACT, "HF_HUB_OFFLINE": "0"}


@pytest.mark.parametrize("name", sorted(EXACT))
@pytest.mark.parametrize("value", [None, "other"])
def test_every_variable_of_the_numerics_is_missed_and_named(name, value, monkeypatch):
    check_numerics()
    monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(RuntimeError, match=f"{name}.*{value}.*; start programs through Snakemake"):
        check_numerics()


def test_under_other_numerics_a_job_begins_nothing_and_says_so_once(folder):
    log = assert_failed(folder, run(folder, MAKE, "print('working')", OMP_NUM_THREADS="2"))
    assert log.count("the numeric environment is not in force: {'OMP_NUM_THREADS': '2'}") == 1
    assert "working" not in log and not (folder / OUTPUT).exists() and not (folder / ".scratch").exists()


@pytest.mark.parametrize("changed", ["second.txt", "measure.py"])
def test_an_input_that_changes_while_the_job_runs_is_an_error_and_leaves_no_record(folder, changed):
    log = assert_failed(folder, run(folder, MAKE, f"Path('{changed}').write_text('changed')"))
    assert log.count(f"inputs changed while the job ran: {changed}; run again") == 1


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            ENVIRONMENT,
            "      - pytest==0.0.1\n",
            rf"pytest {pytest.__version__} is installed and {ENVIRONMENT} locks 0.0.1",
        ),
        ("studies.yaml", "changed", "studies.yaml has changed since this run began, so its jobs would mix two studies"),
        (
            "first.txt",
            "changed",
            "first.txt has changed since write made it: bring it back, or delete it and run again",
        ),
    ],
    ids=["another version of a package", "a study file that was edited", "an input that its maker did not write"],
)
def test_a_job_that_would_work_with_something_else_begins_nothing_and_says_so_once(folder, name, value, says):
    made = {"rule": "write", "params": {}, "code": {}, "inputs": {}, "numerics": {}, "packages": {}}
    write_json(folder / "records/write/first.json", {**made, "outputs": {"first.txt": sha256(folder / "first.txt")}})
    (folder / "studies.yaml").write_text("as the run began")
    studies = {VARIABLE: json.dumps({str(folder / "studies.yaml"): sha256(folder / "studies.yaml")})}
    assert run(folder, MAKE, **studies).returncode == 0
    (folder / RECORD).unlink()
    (folder / OUTPUT).unlink()
    (folder / name).write_text(value)
    log = assert_failed(folder, run(folder, MAKE, **studies))
    assert log.startswith(f"measure: {says}") and len(log.splitlines()) == 1
    assert not (folder / OUTPUT).exists()


@pytest.mark.parametrize("rest", [{}, {"rule": "write", "params": {}, "code": {}, "inputs": {}, "numerics": {}}])
def test_a_job_that_reads_what_a_record_of_an_older_version_names_begins_nothing_and_says_so_once(folder, rest):
    write_json(folder / "records/write/first.json", {**rest, "outputs": {"first.txt": sha256(folder / "first.txt")}})
    log = assert_failed(folder, run(folder, MAKE))
    assert log == "measure: first.txt: its record is of an older version; make it again with `make reproduce`\n"
    write_json(folder / "records/write/first.json", {"outputs": {}})
    (folder / "records/write/other.json").write_text("{")
    assert run(folder, MAKE).returncode == 0


def test_folders_that_vanish_while_a_job_runs_are_made_again(folder):
    """By another Snakemake, which removes the empty folders of what it did not make."""
    vanish = [f"import shutil; shutil.rmtree('{Path(name).parent}')" for name in (OUTPUT, RECORD)]
    work = "from abstain.jobs.files import write_json", "write_json(job['made'], {'long': 'work'})"
    assert run(folder, *vanish, *work).returncode == 0
    assert read_json(folder / RECORD)["outputs"] == {OUTPUT: sha256(folder / OUTPUT)}


def test_a_record_names_the_rule_as_its_path_does_also_where_a_module_gives_it_a_prefix(folder):
    prepare(folder, rule="abstain_measure")
    assert run(folder, MAKE).returncode == 0
    assert read_json(folder / RECORD)["rule"] == "measure"


@pytest.mark.parametrize(("params", "named"), [({}, "cpu"), ({"device": "cpu"}, "cpu"), ({"device": "cuda"}, "H200")])
def test_a_record_names_the_gpu_of_a_job_that_was_told_to_use_it_and_of_no_other(monkeypatch, params, named):
    awake = SimpleNamespace(is_initialized=lambda: True, get_device_name=lambda: "H200")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=awake))
    assert device_of(params) == named


def test_every_class_of_errors_of_the_project_is_an_expected_one():
    files = [path.relative_to(ROOT / "scripts") for path in (ROOT / "scripts").rglob("*.py")]
    names = {".".join(file.with_suffix("").parts) for file in files}
    modules = [importlib.import_module(name) for name in names]
    classes = {value for module in modules for value in vars(module).values() if inspect.isclass(value)}
    here = [value for value in classes if issubclass(value, BaseException) and value.__module__ in names]
    assert len(here) > 10 and [error for error in here if not issubclass(error, AbstainError)] == []


def test_an_expected_error_of_whatever_class_ends_the_job_with_its_own_words_alone(folder):
    odd = "raise type('OddError', (AbstainError, ValueError), {})('row 3 is odd; mend it')"
    done = run(folder, "from abstain.jobs.errors import AbstainError", MAKE, odd)
    assert assert_failed(folder, done) == "measure: row 3 is odd; mend it\n"


def test_any_other_error_is_a_bug_and_shows_where_it_was(folder):
    log = assert_failed(folder, run(folder, MAKE, "raise ValueError('row 3 is odd')"))
    assert "Traceback" in log and log.endswith("\nValueError: row 3 is odd\n") and "program.py" in log


def test_when_the_log_cannot_be_written_an_expected_error_is_printed_on_the_terminal(folder):
    prepare(folder, "/dev/full")
    done = run(folder, "from abstain.jobs.files import SpaceError", "raise SpaceError('the disk is full; make room')")
    assert done.returncode != 0 and not (folder / RECORD).exists()
    assert done.stderr == "measure: the disk is full; make room\n"


def test_a_job_finds_what_it_left_when_it_reads_the_same_and_takes_it_away_when_it_is_done(folder):
    remember = "job.scratch.mkdir(parents=True, exist_ok=True)", "(job.scratch / 'steps').open('a').write('x')"
    report = "Path('seen').write_text((job.scratch / 'steps').read_text())"
    text, seen = (folder / "text.txt").read_text(), []
    for read, end in ((text, "raise KeyboardInterrupt"), ("other", "raise KeyboardInterrupt"), (text, "pass")):
        (folder / "text.txt").write_text(read)
        run(folder, *remember, report, MAKE, end)
        left = [path.name for path in (folder / ".scratch").iterdir()]
        seen.append(((folder / "seen").read_text(), len(left)))
    assert seen == [("x", 1), ("x", 2), ("xx", 1)]


# The console


def test_a_long_job_tells_the_console_how_far_it_is_and_its_log_too(folder):
    reports = ["times = iter([0, 45])", "progress = Progress('step', [1] * 4, clock=lambda: next(times))"]
    done = run(folder, "from abstain.jobs.progress import Progress", *reports, "progress.reached(1)", MAKE)
    line = "measure 1: step 1 of 4, about 2 min left\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", line)
    assert line in (folder / LOG).read_text() and "step" not in (folder / RECORD).read_text().replace("steps", "")
