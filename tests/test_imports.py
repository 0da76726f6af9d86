"""Imports: rooms know only those below them, and a program loads what it needs, where it needs it."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from abstain.jobs.sources import sources
from abstain.scorers.detectors.registry import modules, with_cost

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PACKAGE = SCRIPTS / "abstain"
ROOMS = (
    "verdicts",
    "pocket",
    "pages",
    "studies",
    "plots",
    "tables",
    "scorers",
    "models",
    "chats",
    "corpora",
    "settings",
    "finished",
    "jobs",
)
FILES = sorted(PACKAGE.rglob("*.py"))
PROGRAMS = sorted(path.stem for path in SCRIPTS.glob("*.py"))
MODULES = sorted(".".join(path.relative_to(SCRIPTS).with_suffix("").parts) for path in FILES)
HEAVY = {"torch", "transformers", "peft", "trl", "datasets", "bitsandbytes", "sentence_transformers", "tokenizers"}
TABLES = {"pandas", "numpy", "scipy", "statsmodels", "sklearn", "matplotlib", "jinja2"}
PROGRAMS_OF_TABLES = {"check_detector", "check_replies", "plot", "simulate", "summarise"}
PROGRAMS_OF_MODELS = {
    "assess",
    "audit",
    "benchmark",
    "check_chats",
    "fetch_base",
    "initialise",
    "merge",
    "pair",
    "predict",
    "pretrain",
    "render",
    "score_checkpoint",
    "score_embedding",
    "train_detector",
    "train_dpo",
    "train_sft",
    "train_tokenizer",
    "unpack_base",
}

BY_NAME = {  # the scorers that a program loads by the names in the studies
    "score_checkpoint": ["abstain/scorers/abstention.py", "abstain/scorers/likelihood.py"],
    "score_embedding": [
        *(f"abstain/scorers/{name}.py" for name in ("closeness", "relevance")),
        "abstain/scorers/detectors/learned.py",
    ],
    "score_text": [
        *(
            f"abstain/scorers/{name}.py"
            for name in ("refusal", "category", "answer", "manners", "length", "factual", "label")
        ),
        *modules(with_cost("text")),
    ],
}


def loaded_by(modules: list[str]) -> set[str]:
    """Top-level packages in a fresh interpreter after these imports."""
    lines = ["import importlib, json, sys", f"sys.path.insert(0, {str(SCRIPTS)!r})"]
    lines += [f"importlib.import_module({name!r})" for name in modules]
    lines += ["print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"]
    done = subprocess.run([sys.executable, "-B", "-c", "\n".join(lines)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def imports(path: Path) -> Iterator[str]:
    """The full name of everything that a file imports, inside functions too."""
    package = path.parent.relative_to(SCRIPTS).parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) + 1 - node.level]] if node.level else []
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


def packages(path: Path | str) -> set[str]:
    """Top-level packages that a file imports."""
    return {name.split(".")[0] for name in imports(Path(path))}


def reached_by(program: str) -> list[str]:
    """Every file that a program depends on."""
    return sources(SCRIPTS / f"{program}.py", SCRIPTS, BY_NAME.get(program, []))


def test_every_module_is_in_a_room_and_every_room_says_what_it_is_for():
    assert sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__") == sorted(
        ROOMS
    )
    assert [path.name for path in PACKAGE.glob("*.py")] == ["__init__.py"]
    for init in PACKAGE.rglob("__init__.py"):
        tree = ast.parse(init.read_text(encoding="utf-8"))
        assert len(tree.body) == 1 and len(ast.get_docstring(tree).splitlines()) == 1, init


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_itself_and_the_rooms_below_it(path):
    room = path.relative_to(PACKAGE).parts[0]
    above = set(ROOMS[: ROOMS.index(room)]) if room in ROOMS else set()
    named = {name.split(".")[1] for name in imports(path) if name.startswith("abstain.")}
    assert named <= set(ROOMS) - above
    assert not packages(path) & set(PROGRAMS), "a module imports no program"


@pytest.mark.parametrize("room", ["pages", "plots"])
def test_what_is_shown_is_read_from_tables_and_counts_nothing_itself(room):
    for path in (PACKAGE / room).glob("*.py"):
        assert not [name for name in imports(path) if name.startswith("abstain.tables.statistics")], path
        assert not packages(path) & {"scipy", "statsmodels"}, path


def test_importing_every_module_and_every_program_loads_no_deep_learning_library():
    assert len(MODULES) > 50 and len(PROGRAMS) > 20
    assert loaded_by(MODULES + PROGRAMS) & HEAVY == set()


def test_only_tables_and_the_programs_that_write_them_load_a_table_library_when_they_are_imported():
    others = [name for name in MODULES if not name.startswith("abstain.tables.")]
    assert loaded_by([*others, *(name for name in PROGRAMS if name not in PROGRAMS_OF_TABLES)]) & TABLES == set()
    for name in PROGRAMS_OF_TABLES:
        assert loaded_by([name]) & TABLES, name


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name not in PROGRAMS_OF_MODELS])
def test_a_program_without_a_model_never_reaches_a_deep_learning_library(program):
    reached = {path: packages(path) & HEAVY for path in reached_by(program)}
    assert {path: found for path, found in reached.items() if found} == {}


@pytest.mark.parametrize("name", sorted(PROGRAMS_OF_MODELS))
def test_a_program_with_a_model_reaches_one(name):
    assert set().union(*map(packages, reached_by(name))) & HEAVY


@pytest.mark.parametrize("name", MODULES + PROGRAMS)
def test_no_module_says_the_name_of_the_snakemake_object_outside_its_guard(name):
    tree = ast.parse((SCRIPTS / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
    guards = [node for node in tree.body if isinstance(node, ast.If)]
    inside = {id(node) for guard in guards for node in ast.walk(guard)}
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "snakemake"]
    if name != "abstain.jobs.guard":
        assert [node.lineno for node in named if id(node) not in inside] == []


def test_planning_needs_only_yaml_and_jsonschema():
    """What the Snakefile imports, and the scorers and plots that it loads by the names in the studies."""
    text = (SCRIPTS.parent / "Snakefile").read_text(encoding="utf-8")
    found = re.findall(r"^from (abstain[\w.]*) import (.+)$", text, re.M)
    named = [module for module, _ in found] + [f"{m}.{n.strip()}" for m, names in found for n in names.split(",")]
    modules = [name for name in named if name in MODULES]
    assert {"abstain.jobs.sources", "abstain.settings.model_files", "abstain.studies.check"} <= set(modules)
    by_name = [name for name in MODULES if name.startswith(("abstain.scorers.", "abstain.plots."))]
    assert loaded_by(modules + by_name) & (HEAVY | TABLES | {"requests", "snakemake"}) == set()
