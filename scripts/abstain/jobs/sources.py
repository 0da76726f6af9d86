"""Which files of the project a program depends on, read from its syntax tree.

The standard library's modulefinder finds the same files, but compiles every module again for each program: 0.4 s for
all programs against 0.1 s here, where a file is parsed once. Every job pays this, as it reads the Snakefile again.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where statements hold statements


def sources(script: str | Path, root: str | Path, modules: Iterable[str] = ()) -> list[str]:
    """The script and every module under `root` that it reaches, imports inside functions included, sorted.

    `modules` are further files, relative to `root`, that the script loads by name; what they reach counts too. With a
    module comes the __init__.py of every package on the way to it. Raises FileNotFoundError for a file that is missing.
    """
    root, found, waiting = Path(root), set(), {Path(script)}
    for module in map(Path, modules):
        waiting |= {root / module, *_files(root, module.with_suffix("").parts)}
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= _reached(path, root) - found
    return sorted(map(str, found))


@cache
def _reached(path: Path, root: Path) -> frozenset[Path]:
    package = path.parent.relative_to(root).parts if path.is_relative_to(root) else ()
    names = {name for node in _statements(ast.parse(path.read_bytes(), str(path))) for name in _imported(node, package)}
    return frozenset(file for name in names for file in _files(root, name))


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        yield (node := waiting.pop())
        waiting += [child for block in BLOCKS for child in getattr(node, block, ())]


def _imported(node: ast.AST, package: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The parts of every name that is imported: `from a import b` may load a module a.b, or read b from a."""
    if isinstance(node, ast.ImportFrom):
        base = package[: max(0, len(package) + 1 - node.level)] if node.level else ()
        base += tuple(node.module.split(".")) if node.module else ()
        return [(*base, alias.name) for alias in node.names]
    return [tuple(alias.name.split(".")) for alias in node.names] if isinstance(node, ast.Import) else []


def _files(root: Path, name: tuple[str, ...]) -> Iterator[Path]:
    """The files that importing a name reads, the outermost package first; a part that is no file is no module."""
    for depth in range(1, len(name) + 1):
        place = root.joinpath(*name[:depth])
        yield from [file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file()][:1]
