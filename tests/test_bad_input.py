"""Bad input: one clear message that says what, where and what to do, before any job where possible, and nothing kept.

Every damage is made from a real scale: its keys are taken away, misspelt and given wrong values one by one, its names
are made to point nowhere, its file is cut, torn and repeated. What only a run can show is run, on small projects.
"""

import copy
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

import pandas as pd
import pytest
import yaml
from conftest import ROOT, Project
from jsonschema import Draft202012Validator
from test_config import RULES, SCALES, SCHEMA, listed_keys, load, put

from abstain.config import ConfigError, check_config, check_file, check_places, metrics_of
from abstain.files import SpaceError, read_jsonl, require_room, sha256
from abstain.tables import summarise_runs
from verify import verify

Damage = tuple[str, dict, list[str]]  # what was done, the damaged configuration, words that its one fault must hold


def faults(check, *arguments) -> list[str]:
    """The faults that a check tells, each on a line of its own; none when it is content."""
    try:
        check(*arguments)
    except ConfigError as error:
        message = str(error)
        assert "Traceback" not in message and message.endswith("Nothing was started. Correct it and run again.")
        return re.findall(r"^  - (.*)$", message, re.MULTILINE)
    return []


def amiss(damages: Iterator[Damage]) -> list[str]:
    """Damages that are not told in exactly one fault with the words that must be there."""
    wrong = []
    for what, config, words in damages:
        told = faults(check_config, config, SCHEMA)
        if len(told) != 1 or [word for word in words if word not in told[0]] or len(told[0]) > 600:
            wrong.append(f"{what}: {told or 'not noticed'} instead of one with {words}")
    return wrong


def at(config: dict, path: tuple):
    for key in path:
        config = config[key]
    return config


def changed(config: dict, path: tuple, value=None) -> dict:
    return put(config, "/".join(map(str, path)), value)


def place(path: tuple) -> str:
    return ".".join(map(str, path)) or "the top level"


def keys(config: dict) -> Iterator[tuple[tuple, dict]]:
    """Every key that the schema lists; of maps in a long list only those of the first and the last."""
    for path, schema in listed_keys(RULES, config):
        between = [
            k for k, part in enumerate(path) if isinstance(part, int) and 0 < part < len(at(config, path[:k])) - 1
        ]
        if not between:
            yield path, schema


def without_keys(config: dict) -> Iterator[Damage]:
    """Every key that the schema lists, taken away."""
    for path, _ in listed_keys(RULES, config):
        yield f"{place(path)} removed", changed(config, path, ...), [place(path[:-1]), path[-1]]


def misspelt_keys(config: dict) -> Iterator[Damage]:
    """Every key that the schema lists, with two letters in the wrong order."""
    for path, _ in keys(config):
        key = path[-1]
        wrong = key[:-2] + key[-1] + key[-2] if key[-1] != key[-2] else key[1] + key[0] + key[2:]
        damaged = changed(config, (*path[:-1], wrong), at(config, path))
        yield f"{place(path)} as {wrong}", changed(damaged, path, ...), [place(path[:-1]), repr(wrong), key]


def wrong_types(config: dict) -> Iterator[Damage]:
    """Every listed key with a value of a kind that it never takes, and with none where it needs one."""
    for path, schema in keys(config):
        value = at(config, path)
        other = {"odd": [1]} if isinstance(value, list) else [["odd"]]
        yield f"{place(path)} with {other}", changed(config, path, other), [place(path[:-1] or path)]
        if not Draft202012Validator({**schema, "$defs": RULES["$defs"]}).is_valid(None):
            yield f"{place(path)} with null", changed(config, path, None), [place(path), "null"]


def values_that_yaml_changes(config: dict) -> Iterator[Damage]:
    """Words, numbers and keys that YAML reads as something else, and numbers that pass every bound."""
    for path, schema in keys(config):
        value = at(config, path)
        if isinstance(value, str) and path[-1] != "rows":
            yield f"{place(path)}: on", changed(config, path, yaml.safe_load("on")), [place(path), "True", "quotes"]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            text = yaml.safe_load("1e-3")
            assert text == "1e-3"
            for odd, words in ((text, ["'1e-3'"]), (float("nan"), ["nan"]), (float("inf"), ["inf"])):
                yield f"{place(path)}: {odd!r}", changed(config, path, odd), [place(path[:-1] or path), *words]
        if "integer" in schema.get("type", []):
            yield f"{place(path)}: 16.0", changed(config, path, 16.0), [place(path), "16.0", "integer"]
        if isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()):
            damaged = changed(config, path, {**value, yaml.safe_load("off"): next(iter(value.values()), {})})
            yield f"{place(path)}: off as a key", damaged, [place(path), "False", "quotes"]


REFERENCES = {"base", "corpora", "evaluation", "ideal", "part", "prompt", "target", "adapter", "from", "mix", "recipe"}
REFERENCES |= {"arms", "condition", "conditions", "metric"}


def leaves(value, path: tuple = ()) -> Iterator[tuple[tuple, object]]:
    """Every value that is no map or list, with its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))
    if not isinstance(value, dict | list):
        yield path, value


def lost_names(config: dict) -> Iterator[Damage]:
    """Every name that points to something, misspelt."""
    for path, name in leaves(config["studies"]):
        key = next(part for part in reversed(path) if isinstance(part, str))
        is_reference = key in REFERENCES or path[-3:-2] == ("gaps",)
        if is_reference and isinstance(name, str) and "split" not in path:
            where = ("studies", *path)
            yield f"{place(where)}: {name}y", changed(config, where, f"{name}y"), [place(where), f"'{name}y'", name]


def lost_entries(config: dict) -> Iterator[Damage]:
    """Every base, adapter, corpus, prompt, target, mix, recipe, arm and gap taken away, where a study names it."""
    study = next(iter(config["studies"]))
    config = {**config, "studies": {study: config["studies"][study]}}
    groups = [(key,) for key in ("bases", "adapters", "corpora")]
    groups += [("studies", study, key) for key in ("prompts", "targets", "mixes", "recipes", "arms", "gaps")]
    for group in groups:
        for name in at(config, group):
            damaged = changed(config, (*group, name), ...)
            if len(at(config, group)) > 1 and name in [value for _, value in leaves(damaged["studies"])]:
                yield f"{place(group)}.{name} removed", damaged, [f"'{name}'"]


def circles(config: dict) -> Iterator[Damage]:
    """Arms that start from themselves, from each other, or under the base."""
    for name, study in config["studies"].items():
        arms = [arm for arm, record in study["arms"].items() if record["from"] is not None]
        for arm in arms:
            where = ("studies", name, "arms", arm, "from")
            yield f"{arm} from itself", changed(config, where, arm), [place(where[:-2]), f"{arm} <- {arm}", "circle"]
            damaged = changed(config, ("studies", name, "arms", "base"), study["arms"][arm])
            yield f"base from {arm}", changed(damaged, where, "base"), ["arms.base.from", "{from: null}"]
        if len(arms) > 1:
            damaged = changed(config, ("studies", name, "arms", arms[0], "from"), arms[1])
            damaged = changed(damaged, ("studies", name, "arms", arms[1], "from"), arms[0])
            yield "two arms from each other", damaged, [f"{arms[0]} <- {arms[1]} <- {arms[0]}"]


DAMAGES = {
    "a key removed": without_keys,
    "a key misspelt": misspelt_keys,
    "a wrong type": wrong_types,
    "what YAML changes": values_that_yaml_changes,
    "a name that points nowhere": lost_names,
    "an entry removed that is named": lost_entries,
    "a circle of arms": circles,
}


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_a_damaged_configuration_is_told_in_one_fault_with_its_place(path, kind):
    config = load(path)
    before = copy.deepcopy(config)
    assert amiss(DAMAGES[kind](config)) == []
    assert config == before


@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_there_are_more_than_a_hundred_damaged_configurations_of_each_scale(path):
    config = load(path)
    made = {json.dumps(damaged, default=str) for make in DAMAGES.values() for _, damaged, _ in make(config)}
    assert len(made) >= 100


# The file of a scale


def torn(text: str) -> dict[str, tuple[str, list[str]]]:
    """Texts of a scale's file after an accident, and what must be said of them."""
    lines = text.splitlines()
    middle = next(i for i, line in enumerate(lines) if i > len(lines) // 2 and re.match(r" *[a-z_]+: \w", line))
    told = {
        "nothing in it": ("", ["is empty"]),
        "comments alone": ("# scale: pocket\n\n", ["is empty"]),
        "a list": ("- scale\n- device\n", ["line 1", "sequence"]),
        "a word": ("pocket\n", ["line 1", "scalar"]),
        "a tab": (
            "\n".join([*lines[:middle], "\t" + lines[middle].strip(), *lines[middle + 1 :]]),
            [f"line {middle + 1}"],
        ),
        "a line moved in": ("\n".join([*lines[: middle + 1], "  " + lines[middle], *lines[middle + 1 :]]), ["line"]),
        "an open quote": ("".join(text.rsplit('"', 1)), ["line"]),
        "an open bracket": (text.replace("]", "", 1), ["line"]),
        "an open brace": (text.replace("}", "", 1), ["line"]),
        "a missing colon": (text.replace("device:", "device", 1), ["line"]),
        "a second colon": (text.replace("device: ", "device: : ", 1), ["line"]),
        "an alias of nothing": (text.replace("mirror: null", "mirror: *folder", 1), ["line", "alias"]),
        "a character that YAML forbids": (text.replace("scale:", "\x00scale:", 1), ["no YAML"]),
    }
    for number in range(1, len(lines), 9):
        key = re.match(r"( *)([a-z_-]+): \S", lines[number])
        if key:
            twice = "\n".join([*lines[: number + 1], lines[number], *lines[number + 1 :]])
            told[f"line {number + 1} twice"] = (
                twice,
                [f"line {number + 2}:", repr(key[2]), f"line {number + 1} already"],
            )
    return told


@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_a_torn_file_is_told_in_one_fault_with_the_line(path, tmp_path):
    file, amiss = tmp_path / "mine.yaml", {}
    texts = torn(path.read_text(encoding="utf-8"))
    for what, (text, words) in texts.items():
        file.write_text(text, encoding="utf-8")
        told = faults(check_file, file)
        if len(told) != 1 or [word for word in ["mine.yaml", *words] if word not in told[0]]:
            amiss[what] = told
    assert amiss == {} and len(texts) > 15
    assert faults(check_file, path) == []


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    """Cut anywhere before a study is complete; behind that, a shorter configuration is a right one."""
    data, file, missed = SCALES[0].read_bytes().split(b"    figures:")[0], tmp_path / "mine.yaml", []
    for part in range(12):
        file.write_bytes(data[: len(data) * part // 12])
        told = faults(check_file, file) or faults(check_config, load(file), SCHEMA)
        missed += [part] if not told else []
    assert missed == []


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path):
    assert "nowhere.yaml: No such file" in faults(check_file, tmp_path / "nowhere.yaml")[0]
    assert "Is a directory" in faults(check_file, tmp_path)[0]
    (tmp_path / "latin.yaml").write_bytes("scale: pôcket\n".encode("latin-1"))
    assert "latin.yaml: it is not UTF-8" in faults(check_file, tmp_path / "latin.yaml")[0]


def test_json_is_a_configuration_too(tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(load(SCALES[0]), indent="\t"))
    assert faults(check_file, tmp_path / "mine.json") == []


def test_a_record_that_contains_itself_is_refused_and_not_followed_for_ever(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("studies: &all\n  again: *all\n")
    assert faults(check_file, file) == []
    assert faults(check_config, load(file), SCHEMA)


# What a configuration says beyond names


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("prompts/flag-on/user", "{question", ["prompts.flag-on.user", "{question}"]),
        ("prompts/flag-on/user", "What is {}?", ["prompts.flag-on.user", "holds {}"]),
        ("prompts/flag-on/user", "{0}", ["prompts.flag-on.user", "holds {0}"]),
        ("prompts/flag-on/user", "{question!x}", ["prompts.flag-on.user"]),
        ("targets/refusal/1", "No} way.", ["targets.refusal.1", "twice"]),
        ("figures/gap/conditions", ["flag-on"], ["figures.gap.conditions.0", "there is no gap 'flag-on'", "moved"]),
        ("figures/frontier/conditions", ["moved"], ["frontier.conditions.0", "there is no prompt 'moved'"]),
        ("claims/2/condition", "flag-on", ["claims.2.condition", "there is no gap 'flag-on'"]),
        ("claims/4/arms", ["lora", "lora"], ["claims.4.arms", "non-unique"]),
        ("gaps/moved", ["moved-on", "moved-on"], ["gaps.moved", "non-unique"]),
        ("seeds", [2**32], ["seeds.0", "4294967295"]),
    ],
)
def test_what_would_fail_in_a_late_job_is_refused_at_once(where, value, words):
    study = "studies/safety-mode"
    told = faults(check_config, put(load(SCALES[0]), f"{study}/{where}", value), SCHEMA)
    assert len(told) == 1 and [word for word in words if word not in told[0]] == []


def test_a_prompt_that_the_evaluation_does_not_ask_is_told_where_it_is_shown():
    config = load(SCALES[0])
    mix = config["studies"]["safety-mode"]["mixes"]["evaluation"]
    mix["rows"] = [row for row in mix["rows"] if row["prompt"] != "absent"]
    (told,) = faults(check_config, config, SCHEMA)
    assert "figures.frontier.conditions.2" in told and "prompt of the evaluation 'absent'" in told


@pytest.mark.parametrize("path", SCALES, ids=lambda path: path.stem)
def test_the_metrics_that_a_claim_may_name_are_those_of_the_summary(path):
    for name, study in load(path)["studies"].items():
        rows = study["mixes"][study["evaluation"]]["rows"] * 2
        scores = pd.DataFrame(rows).rename(columns={"prompt": "condition"}).assign(behaviour="refuse")
        scores["id"] = range(len(rows))
        scores["cosine"] = (scores.should == "refuse").map({True: 0.5 if study["ideal"] else None, False: None})
        runs = {("base", "unseeded"): scores, ("tuned", "1"): scores}
        summary = summarise_runs(runs, name, study["gaps"], "abstain-rules")
        found = {condition: set(part.metric) for condition, part in summary.groupby("condition")}
        assert metrics_of(study) == found


def test_a_file_or_mirror_that_is_not_there_is_told_before_any_job(tmp_path):
    config = load(SCALES[0])
    files = config["corpora"]["safety-requests"]["files"]
    (tmp_path / files["acts"]["path"]).parent.mkdir(parents=True)
    (tmp_path / files["acts"]["path"]).touch()
    first, second = faults(check_places, config, tmp_path, {"ABSTAIN_MIRROR": "/nowhere"})
    assert "files.wordings.path" in first and files["wordings"]["path"] in first and "no file" in first
    assert "files.acts.path" in second and "is empty" in second


def test_a_mirror_is_only_missed_where_it_would_be_asked(tmp_path):
    pocket, public = load(SCALES[0]), load(SCALES[0].parent / "config" / "rehearsal.yaml")
    assert faults(check_places, pocket, SCALES[0].parent, {"ABSTAIN_MIRROR": "/nowhere"}) == []
    (told,) = faults(check_places, public, SCALES[0].parent, {"ABSTAIN_MIRROR": "/nowhere"})
    assert "ABSTAIN_MIRROR: there is no folder '/nowhere'" in told
    (told,) = faults(check_places, {**public, "mirror": "/nowhere"}, SCALES[0].parent, {})
    assert told.startswith("mirror: there is no folder '/nowhere'")
    assert faults(check_places, public, SCALES[0].parent, {"ABSTAIN_MIRROR": str(tmp_path)}) == []


# What only a run can show


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
