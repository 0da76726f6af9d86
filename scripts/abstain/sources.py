"""Which files of ours a program depends on, read from its syntax tree."""

import ast
from pathlib import Path


def sources(script: str | Path, root: str | Path) -> list[str]:
    """The script and every module under `root` that it reaches, imports inside functions included, sorted."""
    root, found, waiting = Path(root), set(), [Path(script)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            modules = [root / f"{name.replace('.', '/')}.py" for name in sorted(_imports(path))]
            waiting += [module for module in modules if module.is_file()]
    return sorted(str(path) for path in found)


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "abstain":
                names |= {f"abstain.{alias.name}" for alias in node.names}
            else:
                names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names
