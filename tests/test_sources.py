"""Sources: an edit to any module of the project that a program reaches is seen, and to no other."""

import ast
from modulefinder import ModuleFinder
from pathlib import Path

import pytest

from abstain.jobs.sources import _reached, sources

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PROGRAMS = sorted(SCRIPTS.glob("*.py"))
ROOM = "abstain/room/__init__.py"
PACKAGES = {"abstain/__init__.py": "", ROOM: "", "abstain/hall/__init__.py": "metric = 1\n"}
OTHERS = {"abstain/room/other.py": "", "abstain/hall/other.py": "", "other.py": "", "abstain/room/deep/__init__.py": ""}


def tree(root: Path, files: dict[str, str]) -> Path:
    """A folder of programs and of a package with two rooms; `files` are texts by path."""
    for name, text in {**PACKAGES, **OTHERS, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def reached(root: Path, *modules: str) -> set[str]:
    """What the program x.py depends on, as paths within the folder."""
    found = sources(root / "x.py", root, modules)
    assert found == sorted(set(found))
    return {str(Path(path).relative_to(root)) for path in found}


IN_ROOM = {"x.py", "abstain/__init__.py", ROOM}


@pytest.mark.parametrize(
    "text",
    [
        "from abstain.room.a import f",
        "from abstain.room.a import f as g, h",
        "from abstain.room.a import (\n    f,\n    g,\n)",
        "import abstain.room.a",
        "import os, abstain.room.a as a",
        "from abstain.room import a",
        "from abstain.room import a as b, something",
        "def f():\n    from abstain.room import a",
        "class C:\n    def f(self):\n        if True:\n            import abstain.room.a",
        "try:\n    import abstain.room.a\nexcept ImportError:\n    pass",
        "try:\n    import re\nexcept ImportError:\n    import abstain.room.a",
        "try:\n    import re\nfinally:\n    import abstain.room.a",
        "try:\n    import re\nexcept* ValueError:\n    import abstain.room.a",
        "for x in y:\n    pass\nelse:\n    from abstain.room import a",
        "while x:\n    if y:\n        pass\n    elif z:\n        from abstain.room import a",
        "match x:\n    case 1:\n        from abstain.room import a",
        "if __name__ == '__main__':\n    from abstain.room.a import f",
        "async def f():\n    async with x:\n        from abstain.room import a",
        "f = 1; import abstain.room.a",
    ],
)
def test_an_import_is_seen_wherever_it_is(tmp_path, text):
    root = tree(tmp_path, {"x.py": text, "abstain/room/a.py": ""})
    assert reached(root) == IN_ROOM | {"abstain/room/a.py"}


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("abstain/room/a.py", "from . import b", {"abstain/room/b.py"}),
        ("abstain/room/a.py", "from .b import f", {"abstain/room/b.py"}),
        ("abstain/room/a.py", "def f():\n    from .b import f", {"abstain/room/b.py"}),
        ("abstain/room/a.py", "from ..hall import c", {"abstain/hall/__init__.py", "abstain/hall/c.py"}),
        ("abstain/room/a.py", "from ..hall.c import f", {"abstain/hall/__init__.py", "abstain/hall/c.py"}),
        ("abstain/room/a.py", "from .. import hall", {"abstain/hall/__init__.py"}),
        ("abstain/room/a.py", "from ..hall import metric", {"abstain/hall/__init__.py"}),
        ("abstain/room/a.py", "from .deep.d import f", {"abstain/room/deep/__init__.py", "abstain/room/deep/d.py"}),
        (ROOM, "from . import b", {"abstain/room/b.py"}),
        (ROOM, "from .b import f", {"abstain/room/b.py"}),
        ("abstain/room/deep/__init__.py", "from ..b import f", {"abstain/room/b.py"}),
        ("abstain/room/deep/d.py", "from ...hall import c", {"abstain/hall/__init__.py", "abstain/hall/c.py"}),
    ],
)
def test_a_relative_import_starts_from_the_package_of_its_file(tmp_path, path, text, found):
    files = {"abstain/room/a.py": "", "abstain/room/b.py": "", "abstain/hall/c.py": "", "abstain/room/deep/d.py": ""}
    importer = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    root = tree(tmp_path, {**files, "x.py": f"import {importer}", path: text})
    packages = {"abstain/room/deep/__init__.py"} if "deep" in path else set()
    assert reached(root) == IN_ROOM | packages | {path} | found


@pytest.mark.parametrize("text", ["from ..b import f", "from ... import b", "from ....abstain.room import b"])
def test_a_relative_import_beyond_the_folder_ends_at_the_folder(tmp_path, text):
    root = tree(tmp_path, {"x.py": text})
    assert reached(root) <= IN_ROOM


def test_a_name_that_is_defined_in_a_package_is_no_module_of_it(tmp_path):
    root = tree(tmp_path, {"x.py": "from abstain.hall import metric", "abstain/hall/a.py": ""})
    assert reached(root) == {"x.py", "abstain/__init__.py", "abstain/hall/__init__.py"}


def test_what_the_packages_on_the_way_import_is_seen(tmp_path):
    files = {
        "x.py": "import abstain.room.deep.d as d",
        ROOM: "from abstain.hall import c",
        "abstain/hall/c.py": "",
        "abstain/room/deep/d.py": "",
    }
    root = tree(tmp_path, files)
    packages = {"abstain/room/deep/__init__.py", "abstain/hall/__init__.py"}
    assert reached(root) == IN_ROOM | packages | {"abstain/room/deep/d.py", "abstain/hall/c.py"}


def test_a_folder_without_an_init_is_a_package_too(tmp_path):
    root = tree(tmp_path, {"x.py": "from abstain.bare.a import f", "abstain/bare/a.py": ""})
    assert reached(root) == {"x.py", "abstain/__init__.py", "abstain/bare/a.py"}


def test_what_a_module_imports_is_seen_too_even_inside_a_function(tmp_path):
    files = {
        "x.py": "import abstain.room.a",
        "abstain/room/a.py": "def f():\n    import abstain.room.b",
        "abstain/room/b.py": "from abstain.room import c",
        "abstain/room/c.py": "",
    }
    assert reached(tree(tmp_path, files)) == IN_ROOM | set(files)


def test_a_program_beside_it_is_followed_and_what_that_imports(tmp_path):
    files = {"x.py": "from y import f", "y.py": "def f():\n    from abstain.room import a\n    import z", "z.py": ""}
    assert reached(tree(tmp_path, {**files, "abstain/room/a.py": ""})) == IN_ROOM | {*files, "abstain/room/a.py"}


def test_modules_that_import_each_other_end(tmp_path):
    files = {
        "x.py": "import abstain.room.a",
        "abstain/room/a.py": "from . import b",
        "abstain/room/b.py": "from . import a",
    }
    assert reached(tree(tmp_path, files)) == IN_ROOM | set(files)


def test_other_peoples_modules_and_mere_mentions_are_left_out(tmp_path):
    text = (
        "import os, json\nimport abstainer.a\nfrom torch.room import a\n# import abstain.room.a\ns = 'import abstain'"
    )
    assert reached(tree(tmp_path, {"x.py": text, "abstain/room/a.py": ""})) == {"x.py"}


def test_modules_that_are_loaded_by_name_are_added_with_all_that_they_reach(tmp_path):
    files = {
        "x.py": "import importlib",
        "abstain/room/a.py": "from abstain.hall import c",
        "abstain/hall/c.py": "",
        "abstain/room/b.py": "",
    }
    root = tree(tmp_path, files)
    assert reached(root) == {"x.py"}
    hall = {"abstain/hall/__init__.py", "abstain/hall/c.py"}
    assert reached(root, "abstain/room/a.py") == IN_ROOM | {"abstain/room/a.py"} | hall
    assert reached(root, "abstain/room/b.py", "abstain/hall/c.py") == IN_ROOM | {"abstain/room/b.py"} | hall
    assert reached(root, "abstain/hall/__init__.py") == {"x.py", "abstain/__init__.py", "abstain/hall/__init__.py"}
    with pytest.raises(FileNotFoundError, match="nowhere"):
        reached(root, "abstain/room/nowhere.py")


def test_a_file_that_is_no_python_is_named(tmp_path):
    root = tree(tmp_path, {"x.py": "import abstain.room.a", "abstain/room/a.py": "def f(:"})
    with pytest.raises(SyntaxError) as error:
        reached(root)
    assert error.value.filename.endswith("abstain/room/a.py")


def test_a_path_from_the_working_directory_gives_paths_from_there(tmp_path, monkeypatch):
    tree(tmp_path, {"x.py": "from abstain.room import a", "abstain/room/a.py": "from . import other"})
    monkeypatch.chdir(tmp_path.parent)
    here = tmp_path.name
    expected = ["abstain/__init__.py", ROOM, "abstain/room/a.py", "abstain/room/other.py", "x.py"]
    assert sources(f"{here}/x.py", here) == [f"{here}/{name}" for name in expected]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_the_standard_library_finds_the_same_files(program):
    finder = ModuleFinder(path=[str(SCRIPTS)])
    finder.run_script(str(program))
    assert sources(program, SCRIPTS) == sorted(module.__file__ for module in finder.modules.values() if module.__file__)


def test_an_edit_to_a_module_reached_only_by_the_name_of_its_package_is_seen(tmp_path):
    """A scorer is such a module: `from abstain.scorers import refusal`, in a function of a module of another room."""
    files = {"x.py": "import abstain.room.a", "abstain/room/a.py": "def f():\n    from abstain.hall import c"}
    root = tree(tmp_path, {**files, "abstain/hall/c.py": "VALUE = 1\n"})
    before = {path: Path(path).read_bytes() for path in sources(root / "x.py", root)}
    (root / "abstain/hall/c.py").write_text("VALUE = 2\n")
    assert [path for path, text in before.items() if Path(path).read_bytes() != text] == [
        str(root / "abstain/hall/c.py")
    ]


def test_the_guard_and_what_it_imports_are_among_the_sources_of_every_program_with_one():
    names = {str(Path(path).relative_to(SCRIPTS)) for path in sources(SCRIPTS / "render.py", SCRIPTS)}
    assert {"abstain/jobs/guard.py", "abstain/jobs/numerics.py", "abstain/jobs/__init__.py"} <= names
    assert str(SCRIPTS / "abstain/models/resume.py") in sources(SCRIPTS / "train_sft.py", SCRIPTS)


def test_a_checkpoint_depends_on_no_scorer_and_no_evaluation():
    of_settings = {"settings/__init__.py", "settings/model_files.py"}  # the files of a model, and no configuration
    for program in ("initialise", "train_sft", "merge", "predict"):
        found = [
            Path(path).relative_to(SCRIPTS / "abstain") for path in sources(SCRIPTS / f"{program}.py", SCRIPTS)[:-1]
        ]
        others = {str(path) for path in found if path.parts[0] not in ("__init__.py", "models", "jobs")}
        assert others <= of_settings, program


def test_every_file_is_parsed_once_however_many_programs_reach_it(monkeypatch):
    """Each job of a run parses the Snakefile again, and with it asks for the sources of every program."""
    parsed = []

    def counted(text, filename):
        parsed.append(filename)
        return parse(text, filename)

    parse = ast.parse
    monkeypatch.setattr("abstain.jobs.sources.ast.parse", counted)
    _reached.cache_clear()
    found = set().union(*(sources(program, SCRIPTS) for program in PROGRAMS * 2))
    assert sorted(parsed) == sorted(found)


def programs_imported_by(path: Path) -> set[str]:
    """Names of programs (not modules of the package) that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    found = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    found |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return found & {program.stem for program in PROGRAMS}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_that_another_imports_is_among_its_sources(program):
    expected = {f"{name}.py" for name in programs_imported_by(program)}
    found = sources(program, SCRIPTS)
    assert expected <= {Path(path).name for path in found} and str(program) in found
