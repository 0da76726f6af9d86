"""What is installed comes from one source of truth: pyproject.toml, the locks and the environments agree."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
RENDER = "envs/render.py"
LOCKS = ["requirements/base.lock", "requirements/cpu.lock", "requirements/gpu.lock"]
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
LOCK_LINE = re.compile(
    r"# Written by requirements/lock .*"
    r"|[a-z0-9-]+==[\w.+]+ \\"
    r"|    --hash=sha256:[0-9a-f]{64}( \\)?"
    r"|    # (via|(via |  )([a-z0-9-]+|abstain \(pyproject\.toml:[a-z]+\)))"
)


def locked(lock: str) -> dict[str, str]:
    """The block of each package by its name."""
    blocks = re.split(r"^(?=\w)", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    return {block.split("==")[0]: block for block in blocks}


def installed_by(environment: Path) -> dict[str, str]:
    """The line of requirements of each package by its name, as conda would hand it to pip."""
    conda = yaml.safe_load(environment.read_text())
    lines = next(entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict))
    return {line.split("==")[0]: line for line in lines}


def render(root: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, root / RENDER, "--check"], capture_output=True, text=True)


def test_the_environments_are_what_the_locks_say():
    checked = render(ROOT)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_an_edited_environment_is_named(environment, tmp_path):
    for path in [RENDER, *LOCKS, *(f"envs/{other.name}" for other in ENVIRONMENTS)]:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    with (tmp_path / "envs" / environment.name).open("a") as file:
        file.write("      - one-more-package\n")
    checked = render(tmp_path)
    assert checked.returncode == 1
    assert f"envs/{environment.name}" in checked.stderr
    assert len(checked.stderr.splitlines()) == 1


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_a_version_and_a_hash_and_nothing_else(lock):
    strange = [line for line in (ROOT / lock).read_text().splitlines() if not LOCK_LINE.fullmatch(line)]
    assert strange == []
    assert [name for name, block in locked(lock).items() if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_line_of_an_environment_is_hashed(environment):
    line = re.compile(r"[a-z0-9-]+==[\w.+]+( --hash=sha256:[0-9a-f]{64})+")
    assert [found for found in installed_by(environment).values() if not line.fullmatch(found)] == []


@pytest.mark.parametrize("build", LOCKS[1:])
def test_the_locks_cover_every_group(build):
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    packages = locked(LOCKS[0]) | locked(build)
    for group, requirements in groups.items():
        for requirement in requirements:
            pin = re.sub(r"\[[\w,]+\]", "", requirement)  # with its extras, a package is locked as without
            name = pin.split("==")[0]
            assert packages[name].startswith(pin)
            assert f"abstain (pyproject.toml:{group})" in packages[name]


def test_an_environment_has_what_its_group_asks_for():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    for environment in ENVIRONMENTS:
        asked = {requirement.split("==")[0] for requirement in groups[environment.stem.removesuffix(".cuda")]}
        assert asked <= installed_by(environment).keys()


def test_torch_stays_out_of_data_splits_and_figures():
    assert not any("torch" in installed_by(ROOT / f"envs/{name}.yaml") for name in ("data", "splits", "figures"))


def test_what_is_heavy_is_where_it_is_needed_alone():
    homes = {
        "scikit-learn": {"splits", "embedding", "figures"},
        "sentence-transformers": {"embedding"},
        "peft": {"training"},
    }
    for package, names in homes.items():
        assert {path.stem.split(".")[0] for path in ENVIRONMENTS if package in installed_by(path)} == names, package


def test_every_environment_is_that_of_a_rule_and_generation_reads_a_checkpoint_as_training_wrote_it():
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    assert {path.stem.split(".")[0] for path in ENVIRONMENTS} == set(re.findall(r'"../envs/(\w+).yaml"', text))
    generation, training = (installed_by(ROOT / f"envs/{name}.yaml") for name in ("generation", "training"))
    assert generation.items() <= training.items()


def test_torch_and_its_cuda_companions_are_locked_apart():
    base, cpu, gpu = map(locked, LOCKS)
    assert cpu.keys() == {"torch"}
    assert cpu["torch"].split()[0] == gpu["torch"].split()[0] + "+cpu"
    assert {name for name in gpu if not re.match(r"(cuda|nvidia|triton)(-|$)", name)} == {"torch"}
    assert not any(re.match(r"(cuda|nvidia|triton)(-|$)", name) for name in base)
    assert not base.keys() & gpu.keys()


@pytest.mark.parametrize("group", ["training", "generation", "embedding"])
def test_an_environment_has_one_build_of_torch(group):
    cpu, cuda = (installed_by(ROOT / f"envs/{name}.yaml") for name in (group, f"{group}.cuda"))
    assert cuda.keys() - cpu.keys() == locked("requirements/gpu.lock").keys() - {"torch"}
    assert cpu.keys() <= cuda.keys()


@pytest.mark.parametrize("path", ["Makefile", "pyproject.toml", "requirements/lock", *LOCKS, RENDER])
def test_no_address_and_no_machine_is_named(path):
    text = (ROOT / path).read_text()
    assert "://" not in text
    assert re.findall(r"(?:^|[\s'(])/(?!dev/null)\w\S*", text) == []
