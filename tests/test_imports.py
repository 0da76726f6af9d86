"""Imports: a program loads what it needs, where it needs it, so that planning, data and figures start at once."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from abstain.sources import sources

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
MODULES = sorted(
    ".".join(path.relative_to(SCRIPTS).with_suffix("").parts)
    for path in [*SCRIPTS.glob("*.py"), *SCRIPTS.glob("abstain/*.py")]
)
HEAVY = {"torch", "transformers", "peft", "trl", "datasets", "bitsandbytes", "sentence_transformers", "tokenizers"}
NEED_TORCH_AT_IMPORT = {"abstain.resume"}  # a callback is a subclass of transformers' class
TABLES = {"pandas", "numpy", "scipy", "statsmodels", "sklearn", "matplotlib", "jinja2"}
NEED_TABLES_AT_IMPORT = {
    "abstain.figures",
    "abstain.statistics",
    "abstain.tables",
    "check_detector",
    "describe",
    "plot",
    "summarise",
}
MODELS = {
    "assess",
    "audit",
    "check_chats",
    "embed",
    "fetch_base",
    "initialise",
    "merge",
    "predict",
    "pretrain",
    "render",
    "train_sft",
    "train_tokenizer",
}


def loaded_by(modules: list[str]) -> set[str]:
    """Top-level packages in a fresh interpreter after these imports."""
    lines = ["import importlib, json, sys", f"sys.path.insert(0, {str(SCRIPTS)!r})"]
    lines += [f"importlib.import_module({name!r})" for name in modules]
    lines += ["print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"]
    done = subprocess.run([sys.executable, "-B", "-c", "\n".join(lines)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def imported_anywhere(path: str) -> set[str]:
    """Top-level packages that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
    return found


def test_importing_every_module_loads_no_deep_learning_library():
    modules = [name for name in MODULES if name not in NEED_TORCH_AT_IMPORT]
    assert len(modules) > 30
    assert loaded_by(modules) & HEAVY == set()


def test_importing_what_draws_no_table_loads_no_table_library():
    modules = [name for name in MODULES if name not in NEED_TORCH_AT_IMPORT | NEED_TABLES_AT_IMPORT]
    assert len(modules) > 20
    assert loaded_by(modules) & TABLES == set()


def test_the_exceptions_exist_and_are_needed():
    assert set(MODULES) >= NEED_TORCH_AT_IMPORT | NEED_TABLES_AT_IMPORT | MODELS
    for name in NEED_TORCH_AT_IMPORT:
        assert imported_anywhere(SCRIPTS / f"{name.replace('.', '/')}.py") & HEAVY


@pytest.mark.parametrize("program", [name for name in MODULES if "." not in name and name not in MODELS])
def test_a_program_without_a_model_never_reaches_a_deep_learning_library(program):
    reached = {path: imported_anywhere(path) & HEAVY for path in sources(SCRIPTS / f"{program}.py", SCRIPTS)}
    assert {path: found for path, found in reached.items() if found} == {}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_program_with_a_model_reaches_one(name):
    reached = set().union(*(imported_anywhere(path) for path in sources(SCRIPTS / f"{name}.py", SCRIPTS)))
    assert reached & HEAVY


@pytest.mark.parametrize("name", MODULES)
def test_no_module_says_the_name_of_the_snakemake_object_outside_its_guard(name):
    tree = ast.parse((SCRIPTS / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
    guards = [node for node in tree.body if isinstance(node, ast.If)]
    inside = {id(node) for guard in guards for node in ast.walk(guard)}
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "snakemake"]
    if name != "abstain.job":
        assert [node.lineno for node in named if id(node) not in inside] == []


def test_planning_needs_only_yaml_and_jsonschema():
    loaded = loaded_by(["abstain.config", "abstain.models", "abstain.numerics", "abstain.sources"])
    assert loaded & (HEAVY | TABLES | {"requests", "snakemake"}) == set()
