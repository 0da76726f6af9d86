"""Bad input: one clear message that says what, where and what to do, and nothing kept.

What only a run can show is run, on small projects: with bad files and on a full disk.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest
from conftest import ROOT, Project, Settings

from abstain.jobs.files import SpaceError, read_jsonl, require_room, sha256
from abstain.jobs.guard import _require_room

SMALL = Settings.read(ROOT / "config/small.yaml")
RESULTS = "results/small"
PINNED = SMALL.scale["corpora"]["do-not-answer"]["files"]["questions"]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A copy of the project at the small scale, with corpora of a user's own, good and bad; nothing has run."""
    settings = SMALL.copy()
    project = Project(tmp_path_factory.mktemp("bad") / "project", settings)
    rows = [json.dumps({"question": f"What is {n}?", "kind": "benign", "more": "x" * 500}) for n in range(1000)]
    odd = ["no json", '{"question": "x"}', '{"question": 3, "kind": "benign"}', "[1]", '{"question": "x", "kind": " "}']
    texts = {"good": [*rows, *odd], "odd": odd, "latin": ['{"question": "ça va?", "kind": "benign"}']}
    own = {"title": "Mine", "licence": "MIT", "reader": "chats", "limit": None, "longest": None}
    for name, lines in texts.items():
        text = "\n".join(lines).encode("latin-1" if name == "latin" else "utf-8")
        (project.folder / f"data/{name}.jsonl").write_bytes(text)
        settings.scale["corpora"][name] = {**own, "files": {"chats": {"path": f"data/{name}.jsonl"}}}
    project.write(settings)
    return project


def written(project: Project) -> list[str]:
    """Every file below results/, and what a job has begun and not ended; stamps are written before any job."""
    places = (project.folder / "results", project.folder / ".scratch")
    files = (path for place in places for path in place.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(project.folder)) for path in files if "stamps" not in path.parts)


Damage = tuple[str, Callable[[str], str]]  # a file, and what becomes of its text
SCALE, STUDY = "config.yaml", "studies/do-not-answer.yaml"
REFUSALS: dict[str, tuple[Damage, list[str], dict[str, str], str]] = {
    "a misspelt key of the scale": (
        (SCALE, lambda text: text.replace("    seeds:", "    sedes:", 1)), [], {},
        r"config\.yaml, line \d+: studies\.do-not-answer\S*: .*sedes.*did you mean 'seeds'\?",
    ),
    "a misspelt key of a study": (
        (STUDY, lambda text: text.replace("\nclaims:", "\nclaim:", 1)), [], {},
        r"studies/do-not-answer\.yaml, line \d+: .*claim.*did you mean 'claims'\?",
    ),
    "a name that points to nothing": (
        (STUDY, lambda text: text.replace("recipe: standard", "recipe: standart", 1)), [], {},
        r"studies/do-not-answer\.yaml, line \d+: arms\.lora\.recipe: .*did you mean 'standard'\?",
    ),
    "a scale that is no YAML": (
        (SCALE, lambda text: text.replace("device: ", "device: : ", 1)), [], {}, r"config\.yaml, line 2, column \d+",
    ),
    "a study that is no YAML": (
        (STUDY, lambda text: text.replace("question: ", "question: [", 1)),
        [],
        {},
        r"studies/do-not-answer\.yaml, line 3, column \d+",
    ),
    "a key that occurs twice": (
        (SCALE, lambda text: f"{text}scale: other\n"),
        ["--configfile", SCALE],
        {},
        r"config\.yaml, line \d+: .*'scale'",
    ),
    "a wrong value on the command line": ((SCALE, str), ["--config", "device=gpu"], {}, r".*device: found 'gpu'"),
    "a mirror that is not there": (
        (SCALE, str), [], {"ABSTAIN_MIRROR": "/nowhere"}, r"ABSTAIN_MIRROR: there is no folder '/nowhere'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "arguments", "environment", "says"), REFUSALS.values(), ids=REFUSALS)
def test_snakemake_says_it_once_and_starts_nothing(project, damage, arguments, environment, says):
    name, spoil = damage
    file = project.folder / name
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(spoil(text), encoding="utf-8")
        output = project.snakemake("--cores", "1", *arguments, check=False, **environment)
    finally:
        file.write_text(text, encoding="utf-8")
    found = re.findall(r"^  - (.*)$", output, re.MULTILINE)
    assert output.startswith("exit 1") and "Traceback" not in output
    assert len(found) == 1 and re.match(says, found[0]) and output.count("Nothing was started") == 1, output
    assert written(project) == [] and not (project.folder / "logs").exists()


def test_bad_rows_are_set_aside_and_bad_files_named_once_by_the_jobs_that_read_them(project, tmp_path):
    wrong = tmp_path / PINNED["in_mirror"]
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"an error page")
    targets = [f"{RESULTS}/corpora/{name}/examples.jsonl" for name in ("good", "odd", "latin")]
    targets.append(f"{RESULTS}/raw/do-not-answer/questions")
    output = project.snakemake(*targets, "--cores", "1", "--keep-going", check=False, ABSTAIN_MIRROR=str(tmp_path))
    assert output.startswith("exit 1") and "Traceback" not in output
    for message in (
        r"normalise: corpus 'odd' has no usable row; 5 were set aside, the first \(odd.jsonl, line 1\): no JSON",
        r"normalise: corpus 'latin' is not UTF-8 .*convert it and run again",
        f"fetch: {wrong} is not the pinned file: 13 bytes with SHA-256 {sha256(wrong)}, "
        f"expected {PINNED['bytes']} bytes with {PINNED['sha256']}. Nothing was kept.",
    ):
        assert len(re.findall(f"^{message}", output, re.MULTILINE)) == 1, message
    made = [f"{RESULTS}/corpora/good/{name}" for name in ("card.json", "examples.jsonl", "quarantine.jsonl")]
    assert written(project) == [*made, f"{RESULTS}/records/normalise/good.json"]
    reasons = [row["reason"] for row in read_jsonl(project.folder / made[2])]
    assert len(reasons) == 5 and all(reasons) and len(list(read_jsonl(project.folder / made[1]))) == 1000
    shutil.rmtree(project.folder / "results")


def is_allowed_to_mount() -> bool:
    done = subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True)
    return done.returncode == 0


@pytest.mark.skipif(not is_allowed_to_mount(), reason="no small disk can be mounted here (unshare is not permitted)")
def test_a_full_disk_is_reported_once_by_each_job_and_nothing_stays_on_it(project, tmp_path):
    """A real disk of 200 kB: one file is larger, and a corpus runs into its end."""
    (tmp_path / PINNED["in_mirror"]).parent.mkdir(parents=True)
    (tmp_path / PINNED["in_mirror"]).touch()
    targets = [f"{RESULTS}/raw/do-not-answer/questions", f"{RESULTS}/corpora/good/examples.jsonl"]
    small = (
        'mkdir -p results && mount -t tmpfs -o size=200k tmpfs results && "$@"; echo "exit $?"; find results -type f'
    )
    command = project.command(*targets, "--cores", "1", "--keep-going")
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "bash", "-c", small, "bash", *command],
        cwd=project.folder, env={**os.environ, "ABSTAIN_MIRROR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    output = done.stdout + done.stderr
    full = "and the disk has 0.2 MB free"
    for message in (
        f"fetch: {RESULTS}/raw/do-not-answer: fetching .* needs {PINNED['bytes'] / 1e6:.1f} MB {full}",
        f"normalise: {RESULTS}/corpora/good: No space left on device .* make room",
    ):
        assert len(re.findall(f"^{message}", output, re.MULTILINE)) == 1, output[-5000:]
    assert "Traceback" not in output
    assert done.stdout.rstrip().endswith("exit 1"), "a file was left on the disk"


LIMITED = """
import resource, sys
sys.path.insert(0, {scripts!r})
from abstain.jobs.files import no_room, write_jsonl
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


def test_a_job_that_writes_weights_is_refused_before_it_works_where_twice_those_that_it_reads_would_not_fit(tmp_path):
    size = 2 * shutil.disk_usage(tmp_path).free
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(size)  # which takes no room
    weights, output = [str(tmp_path / "model.safetensors")], [str(tmp_path / "made/adapter_model.safetensors")]
    with pytest.raises(SpaceError, match=f"initialise needs {2 * size / 1e6:.1f} MB and the disk has"):
        _require_room(weights, output, "initialise")
    _require_room(weights, [str(tmp_path / "made/losses.csv")], "initialise")


def test_room_is_asked_for_where_the_folder_is_or_will_be(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    require_room(tmp_path / "not" / "yet", free // 2, "this")
    with pytest.raises(SpaceError, match=f"{tmp_path}/not/yet: this needs {2 * free / 1e6:.1f} MB and the disk has"):
        require_room(tmp_path / "not" / "yet", 2 * free, "this")
    assert list(tmp_path.iterdir()) == []
