"""Sources: an edit to any module of ours that a program reaches is seen, and to no other."""

import ast
from pathlib import Path

import pytest

from abstain.sources import sources

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PROGRAMS = sorted(SCRIPTS.glob("*.py"))


def tree(root: Path, **files: str) -> Path:
    """A folder of scripts: `x` is the program, `m_y` the module abstain/y.py."""
    (root / "abstain").mkdir()
    for name, text in files.items():
        path = root / "abstain" / f"{name.removeprefix('m_')}.py" if name.startswith("m_") else root / f"{name}.py"
        path.write_text(text, encoding="utf-8")
    return root


def names(root: Path, program: str = "x") -> list[str]:
    return [str(Path(path).relative_to(root)) for path in sources(root / f"{program}.py", root)]


@pytest.mark.parametrize(
    "text",
    [
        "from abstain.a import f",
        "from abstain.a import f as g, h",
        "import abstain.a",
        "import os, abstain.a as a",
        "from abstain import a",
        "def f():\n    from abstain.a import f",
        "class C:\n    def f(self):\n        if True:\n            import abstain.a",
        "try:\n    import abstain.a\nexcept ImportError:\n    pass",
        "if __name__ == '__main__':\n    from abstain.a import f",
        "async def f():\n    with x:\n        from abstain import a",
    ],
)
def test_an_import_is_seen_wherever_it_stands(tmp_path, text):
    assert names(tree(tmp_path, x=text, m_a="", m_other="")) == ["abstain/a.py", "x.py"]


def test_what_a_module_imports_is_seen_too_even_inside_a_function(tmp_path):
    root = tree(
        tmp_path, x="import abstain.a", m_a="def f():\n    import abstain.b", m_b="from abstain import c", m_c=""
    )
    assert names(root) == ["abstain/a.py", "abstain/b.py", "abstain/c.py", "x.py"]


def test_a_program_beside_it_is_followed_and_what_that_imports(tmp_path):
    root = tree(
        tmp_path, x="from y import f", y="def f():\n    from abstain import a\n    import z", z="", other="", m_a=""
    )
    assert names(root) == ["abstain/a.py", "x.py", "y.py", "z.py"]


def test_modules_that_import_each_other_end(tmp_path):
    root = tree(tmp_path, x="import abstain.a", m_a="import abstain.b", m_b="import abstain.a")
    assert names(root) == ["abstain/a.py", "abstain/b.py", "x.py"]


def test_other_peoples_modules_and_mere_mentions_are_left_out(tmp_path):
    text = (
        "import os, json\nimport abstainer.a\nfrom torch.abstain import a\n# import abstain.a\ns = 'import abstain.a'"
    )
    assert names(tree(tmp_path, x=text, m_a="")) == ["x.py"]


def test_an_edit_to_a_module_reached_only_inside_a_function_is_seen():
    reached = [Path(path).name for path in sources(SCRIPTS / "render.py", SCRIPTS)]
    assert {"job.py", "numerics.py"} <= set(reached)  # the guard imports job inside `if __name__`, and job the rest
    assert "resume.py" in [Path(path).name for path in sources(SCRIPTS / "train_sft.py", SCRIPTS)]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_every_program_names_only_files_that_exist_sorted_and_once(program):
    found = sources(program, SCRIPTS)
    assert found == sorted(set(found))
    assert all(Path(path).is_file() for path in found)
    assert str(program) in found


def programs_imported_by(path: Path) -> set[str]:
    """Names of programs (not modules of the package) that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    found = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    found |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return found & {program.stem for program in PROGRAMS}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_that_another_imports_is_among_its_sources(program):
    expected = {f"{name}.py" for name in programs_imported_by(program)}
    found = {Path(path).name for path in sources(program, SCRIPTS)}
    assert expected <= found
