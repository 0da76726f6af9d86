"""An environment holds all that its rules import: each program runs with the packages locked for it and no others."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from threading import Thread

import pytest
from conftest import ROOT, load
from inputs import SCORERS, Inputs
from programs import CALLS, PLOTS

from abstain.jobs.numerics import EXACT

RULES = "\n".join(path.read_text(encoding="utf-8") for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")])
RUN = """
import importlib, json, sys
sys.path += sys.argv[1:]
from abstain.jobs.guard import check_numerics
check_numerics()
for program, arguments, constants in json.load(sys.stdin):
    for place, value in constants.items():
        module, name = place.rsplit(".", 1)
        setattr(importlib.import_module(module), name, value)
    function = getattr(importlib.import_module(program), program)
    if "scratch" in arguments:  # a Path or a text
        arguments["scratch"] = function.__annotations__["scratch"](arguments["scratch"])
    function(**arguments)
    print(program)
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, pocket):
    folder = tmp_path_factory.mktemp("inputs")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    small = Inputs(folder, pocket, f"http://127.0.0.1:{server.server_port}")
    small.write()
    yield small
    server.shutdown()
    server.server_close()


def packages(environment: str) -> dict[str, str]:
    """The version of every package that pip installs into an environment, by the package's name."""
    conda = load(ROOT / f"envs/{environment}.yaml")
    lines = next(entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict))
    return dict(line.split()[0].split("==") for line in lines)


def view(locked: dict[str, str], folder: Path) -> Path:
    """A folder of links to these packages as they are installed, so to no others; fails when one of them is not.

    It has the name by which dill tells installed modules from those to be pickled. torch may be of another build.
    """
    place = folder / "site-packages"
    place.mkdir()
    for name, version in locked.items():
        installed = metadata.distribution(name)
        assert release(installed.version) == release(version), f"{name} is not what is locked; run `make .venv`"
        for top in {file.parts[0] for file in installed.files} - {"..", "__pycache__"}:
            (place / top).symlink_to(installed.locate_file(top))
    return place


def release(version: str) -> str:
    """A version without the build."""
    return version.split("+")[0]


def run(calls: list, packages: Path, inputs: Inputs) -> subprocess.CompletedProcess:
    """Run programs in an interpreter that has the standard library, these packages and scripts/ alone."""
    command = [sys.executable, "-I", "-S", "-B", "-c", RUN, str(packages), str(ROOT / "scripts")]
    places = {
        "HF_HOME": inputs.at(""),
        "HF_HUB_CACHE": inputs.at("hub"),
        "HF_ENDPOINT": inputs.web,
        "NO_PROXY": "127.0.0.1",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": inputs.at("wheels"),
    }
    variables = {**os.environ, **EXACT, **places}
    given = {"input": json.dumps(calls), "cwd": inputs.folder, "env": variables}
    return subprocess.run(command, capture_output=True, text=True, **given)


@pytest.mark.parametrize("environment", CALLS)
def test_an_environment_alone_runs_every_program_of_its_rules(environment, inputs, tmp_path):
    calls = CALLS[environment](inputs)
    done = run(calls, view(packages(environment), tmp_path), inputs)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-4000:]


def test_a_package_that_an_environment_lacks_stops_a_program_of_its_rules(inputs, tmp_path):
    locked = packages("generation")
    del locked["accelerate"]
    done = run(CALLS["generation"](inputs), view(locked, tmp_path), inputs)
    assert done.returncode == 1 and "requires `accelerate`" in done.stderr


def test_every_program_of_a_rule_every_scorer_and_every_plot_is_run_in_its_environment(inputs):
    blocks = [block for block in re.split(r"^(?=\w+ \w+:$)", RULES, flags=re.MULTILINE) if "    script:\n" in block]
    patterns = (r'conda:\n +"../envs/(\w+)\.yaml"', r'script:\n +"../scripts/(\w+)\.py"')
    named = {tuple(re.search(pattern, block).group(1) for pattern in patterns) for block in blocks}
    assert len(blocks) == RULES.count("    script:\n") > 20
    assert named == {(name, program) for name in CALLS for program, *_ in CALLS[name](inputs)}
    assert SCORERS.keys() == {path.stem for path in (ROOT / "schemas/scorers").iterdir()}
    assert PLOTS.keys() == {path.stem for path in (ROOT / "schemas/plots").iterdir()}
