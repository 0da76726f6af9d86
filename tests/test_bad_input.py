"""Bad input: one clear message that says what, where and what to do, and nothing kept.

What only a run can show is run, on small projects: with bad files, on a full disk and twice at once.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT, Project
from test_config import load

from abstain.files import SpaceError, read_jsonl, require_room, sha256
from verify import verify


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A copy of the project at the rehearsal scale, with corpora of a user's own, good and bad; nothing has run."""
    config = load(ROOT / "config" / "rehearsal.yaml")
    project = Project(tmp_path_factory.mktemp("bad") / "project", config)
    rows = [json.dumps({"question": f"What is {n}?", "kind": "benign", "more": "x" * 500}) for n in range(1000)]
    odd = ["no json", '{"question": "x"}', '{"question": 3, "kind": "benign"}', "[1]", '{"question": "x", "kind": " "}']
    texts = {"good": [*rows, *odd], "odd": odd, "latin": ['{"question": "ça va?", "kind": "benign"}']}
    own = {"title": "Mine", "licence": "MIT", "reader": "chats", "limit": None}
    for name, lines in texts.items():
        text = "\n".join(lines).encode("latin-1" if name == "latin" else "utf-8")
        (project.folder / f"data/{name}.jsonl").write_bytes(text)
        config["corpora"][name] = {**own, "files": {"chats": {"path": f"data/{name}.jsonl"}}}
    project.write(config)
    return project


def written(project: Project) -> list[str]:
    """Every file below results/, and what a job has begun and not ended."""
    places = (project.folder / "results", project.folder / ".scratch")
    return sorted(
        str(path.relative_to(project.folder)) for place in places for path in place.rglob("*") if path.is_file()
    )


REFUSALS = {
    "a misspelt key": (lambda text: text.replace("    seeds:", "    sedes:", 1), [], {}, "did you mean 'seeds'?"),
    "a file that is no YAML": (lambda text: text.replace("detector: ", "detector: : ", 1), [], {}, "line 4, column"),
    "a key that stands twice": (lambda text: f"{text}scale: other\n", ["--configfile", "config.yaml"], {}, "'scale'"),
    "a wrong value on the command line": (str, ["--config", "device=gpu"], {}, "device: found 'gpu'"),
    "a mirror that is not there": (str, [], {"ABSTAIN_MIRROR": "/nowhere"}, "there is no folder '/nowhere'"),
}


@pytest.mark.parametrize(("damage", "arguments", "environment", "told"), REFUSALS.values(), ids=REFUSALS)
def test_snakemake_says_it_once_and_starts_nothing(project, damage, arguments, environment, told):
    file = project.folder / "config.yaml"
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(damage(text), encoding="utf-8")
        output = project.snakemake("--cores", "1", *arguments, check=False, **environment)
    finally:
        file.write_text(text, encoding="utf-8")
    found = re.findall(r"^  - (.*)$", output, re.MULTILINE)
    assert output.startswith("exit 1") and "Traceback" not in output
    assert len(found) == 1 and told in found[0] and output.count("Nothing was started") == 1
    assert written(project) == [] and not (project.folder / "logs").exists()


def test_bad_rows_are_set_aside_and_bad_files_told_once_by_the_jobs_that_read_them(project, tmp_path):
    pinned = load(project.folder / "config.yaml")["corpora"]["do-not-answer"]["files"]["questions"]
    wrong = tmp_path / pinned["mirror"]
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"an error page")
    results = "results/rehearsal"
    targets = [f"{results}/corpora/{name}/examples.jsonl" for name in ("good", "odd", "latin")]
    targets.append(f"{results}/raw/do-not-answer/questions")
    output = project.snakemake(*targets, "--cores", "1", "--keep-going", check=False, ABSTAIN_MIRROR=str(tmp_path))
    assert output.startswith("exit 1") and "Traceback" not in output
    for message in (
        r"normalise: corpus 'odd' has no usable row; 5 were set aside, the first \(odd.jsonl, line 1\): no JSON",
        r"normalise: corpus 'latin' is not UTF-8 .*convert it and run again",
        f"fetch: {wrong} is not the pinned file: 13 bytes with SHA-256 {sha256(wrong)}, "
        f"expected {pinned['bytes']} bytes with {pinned['sha256']}. Nothing was kept.",
    ):
        assert len(re.findall(f"^{message}", output, re.MULTILINE)) == 1, message
    made = [f"{results}/corpora/good/{name}" for name in ("card.json", "examples.jsonl", "quarantine.jsonl")]
    assert written(project) == [*made, f"{results}/records/normalise/good.json"]
    reasons = [row["reason"] for row in read_jsonl(project.folder / made[2])]
    assert len(reasons) == 5 and all(reasons) and len(list(read_jsonl(project.folder / made[1]))) == 1000
    shutil.rmtree(project.folder / "results")


def is_allowed_to_mount() -> bool:
    done = subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True)
    return done.returncode == 0


@pytest.mark.skipif(not is_allowed_to_mount(), reason="no small disk can be mounted here (unshare is not permitted)")
def test_a_full_disk_is_told_once_by_each_job_and_nothing_stays_on_it(project, tmp_path):
    """A real disk of 200 kB: one file is larger, weights would not fit, and a corpus runs into its end."""
    config = load(project.folder / "config.yaml")
    results, base = "results/rehearsal", next(iter(config["bases"]))
    pinned = config["corpora"]["do-not-answer"]["files"]["questions"]
    (tmp_path / pinned["mirror"]).parent.mkdir(parents=True)
    (tmp_path / pinned["mirror"]).touch()
    adapter = f"{results}/initial/{base}/{next(iter(config['adapters']))}/1/adapter_model.safetensors"
    targets = [f"{results}/raw/do-not-answer/questions", adapter, f"{results}/corpora/good/examples.jsonl"]
    small = (
        'mkdir -p results && mount -t tmpfs -o size=200k tmpfs results && "$@"; echo "exit $?"; find results -type f'
    )
    command = project.command(*targets, "--cores", "1", "--keep-going")
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "bash", "-c", small, "bash", *command],
        cwd=project.folder, env={**os.environ, "ABSTAIN_MIRROR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    output = done.stdout + done.stderr
    needed = 2 * (ROOT / config["bases"][base]["folder"] / "model.safetensors").stat().st_size
    full = "and the disk has 0.2 MB free"
    for message in (
        f"fetch: {results}/raw/do-not-answer: fetching .* needs {pinned['bytes'] / 1e6:.1f} MB {full}",
        f"initialise: {Path(adapter).parent}: initialise needs {needed / 1e6:.1f} MB {full}",
        f"normalise: {results}/corpora/good: No space left on device .* make room",
    ):
        assert len(re.findall(f"^{message}", output, re.MULTILINE)) == 1, output[-5000:]
    assert "Traceback" not in output
    assert done.stdout.rstrip().endswith("exit 1"), "a file was left on the disk"


LIMITED = """
import resource, sys
sys.path.insert(0, {scripts!r})
from abstain.files import no_room, write_jsonl
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
def words(write):
    try:
        write()
    except Exception as error:
        print(no_room(error))
words(lambda: write_jsonl("rows.jsonl", ({{"n": n}} for n in range(100_000))))
import numpy, safetensors.numpy, torch
large = numpy.zeros(100_000)
words(lambda: safetensors.numpy.save_file({{"large": large}}, "large.safetensors"))
words(lambda: torch.save(torch.from_numpy(large), "large.pt"))
words(lambda: open("nowhere/file"))
words(lambda: numpy.zeros(1).reshape(7))
"""


def test_every_writer_that_finds_no_room_is_known_by_what_it_says(tmp_path):
    code = LIMITED.format(scripts=str(ROOT / "scripts"))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines() == [*["File too large"] * 2, "No space left on device", "None", "None"], done.stderr
    assert not (tmp_path / "rows.jsonl").exists() and not list(tmp_path.glob(".*"))


def test_room_is_asked_for_where_the_folder_is_or_will_be(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    require_room(tmp_path / "not" / "yet", free // 2, "this")
    with pytest.raises(SpaceError, match=f"{tmp_path}/not/yet: this needs {2 * free / 1e6:.1f} MB and the disk has"):
        require_room(tmp_path / "not" / "yet", 2 * free, "this")
    assert list(tmp_path.iterdir()) == []


# A second run at once


@pytest.fixture
def stuck(tmp_path) -> Iterator[Project]:
    """A project whose first job waits for a server that never answers."""
    config = load(ROOT / "config" / "rehearsal.yaml")
    with socket.create_server(("127.0.0.1", 0)) as server:
        for corpus in config["corpora"].values():
            for file in corpus["files"].values():
                file["url"] = f"https://127.0.0.1:{server.getsockname()[1]}/file"
        project = Project(tmp_path / "project", config)
        shutil.copy(ROOT / "Makefile", project.folder)
        shutil.copytree(ROOT / "requirements", project.folder / "requirements")
        (project.folder / ".venv").mkdir()
        (project.folder / ".venv/.complete").touch()  # make finds an environment; the tests' own is behind it in PATH
        yield project


def snakemake_holds_the_folder(project: Project) -> bool:
    return bool(list(project.folder.glob(".snakemake/locks/*.lock")))


def make_holds_the_folder(project: Project) -> bool:
    """Whether a process holds the lock of `make reproduce`; asked of the kernel, for to try it would be to take it."""
    lock = project.folder / ".reproduce.lock"
    return lock.exists() and f":{lock.stat().st_ino} " in Path("/proc/locks").read_text()


@contextmanager
def running(project: Project, *command: str, once: Callable[[Project], bool]) -> Iterator[int]:
    """A command at work in the project until the block ends; then it is killed with all that it started.

    The block starts `once` the command holds the folder.
    """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "CORES": "1"}
    environment.pop("ABSTAIN_MIRROR", None)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen(command, cwd=project.folder, env=environment, **quiet)
    try:
        deadline = time.monotonic() + 120
        while not once(project):
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline, "it never took the folder"
            time.sleep(0.02)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def second(project: Project, *command: str) -> tuple[int, str]:
    """Exit status and words of a second command in the same folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=project.folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


def test_a_second_run_at_once_stops_with_one_message_and_leaves_the_first_alone(stuck):
    target = "results/rehearsal/raw/do-not-answer/questions"
    snakemake = stuck.command(target, "--cores", "1")
    with running(stuck, *snakemake, once=snakemake_holds_the_folder) as first:
        status, said = second(stuck, *snakemake)
        assert status == 1 and "Traceback" not in said
        assert said.count("cannot be locked") == 1 and str(stuck.folder) in said and "--unlock" in said
        status, said = second(stuck, "make", "reproduce")
        assert status != 0 and str(first) in said
        assert re.search(rf"^Snakemake \(process .*\) is at work in {stuck.folder}; wait", said, re.MULTILINE)
        assert list(stuck.folder.glob(".snakemake/locks/*.lock")), "the lock of a run at work was taken away"
    assert list(stuck.folder.glob(".snakemake/locks/*.lock")), "kill -9 leaves a lock behind"
    stale = {path: path.stat().st_mtime_ns for path in stuck.folder.glob(".snakemake/locks/*.lock")}
    with running(stuck, "make", "reproduce", once=make_holds_the_folder):
        status, said = second(stuck, "make", "reproduce")
        assert status != 0 and "Another 'make reproduce' is at work" in said and said.count("is at work") == 1
        deadline = time.monotonic() + 120
        while {p: p.stat().st_mtime_ns for p in stuck.folder.glob(".snakemake/locks/*.lock")} in (stale, {}):
            assert time.monotonic() < deadline, "the lock that was left behind still stands in the way"
            time.sleep(0.05)


# The list of hashes


@pytest.mark.parametrize("text", ["", "\n\n", "an error page\n", f"{'0' * 64}  right\n{'0' * 63}  short\n"])
def test_a_damaged_list_of_hashes_verifies_nothing_and_says_so(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "SHA256SUMS").write_text(text)
    with pytest.raises(SystemExit, match="the list of hashes is damaged: .*bring SHA256SUMS back from git"):
        verify(Path())
    with pytest.raises(SystemExit, match="there is no nowhere/SHA256SUMS"):
        verify(Path("nowhere"))
