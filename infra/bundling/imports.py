"""Which modules of ``portcullis`` a function reaches, read from the source without running it."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "portcullis"


def import_closure(entry_points: list[Path], source_root: Path) -> list[Path]:
    """Every file of ``portcullis`` that ``entry_points`` import, directly or through one another, sorted.

    The ``__init__`` of each package on the way is included, because Python runs it.
    """
    found: set[Path] = set()
    waiting = [module for entry in entry_points for module in _imported(entry, package="")]
    while waiting:
        for file in _files_of(waiting.pop(), source_root):
            if file not in found:
                found.add(file)
                waiting.extend(_imported(file, _package_of(file, source_root)))
    return sorted(found)


def _imported(file: Path, package: str) -> Iterator[str]:
    for module in _names(ast.parse(file.read_bytes(), filename=str(file)), package):
        if module == PACKAGE or module.startswith(f"{PACKAGE}."):
            yield module


def _names(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield base
            # `from package import name`: the name may be a module or something defined in the package.
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, node.module] if node.module else parents)


def _package_of(file: Path, source_root: Path) -> str:
    return ".".join(file.parent.relative_to(source_root).parts)


def _files_of(module: str, source_root: Path) -> Iterator[Path]:
    """The module's own file, if it is a module, and the ``__init__`` of every package around it."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        path = source_root.joinpath(*parts[:depth])
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                yield file
