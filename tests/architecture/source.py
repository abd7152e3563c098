"""The repository's Python source, read without running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("src", "functions", "infra", "local", "bench", "app.py")


@dataclass(frozen=True)
class Module:
    """One Python file: ``path`` from the repository's root, with forward slashes, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parse(self.text)

    @property
    def package(self) -> list[str]:
        """The names of the packages around it, for relative imports."""
        return list(Path(self.path).parent.parts[1 if self.path.startswith("src/") else 0 :])


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


def modules(*roots: str) -> list[Module]:
    """Every Python file under the folders, or the files, named."""
    files = [file for root in roots for file in [ROOT / root, *(ROOT / root).rglob("*.py")] if file.is_file()]
    return [Module(file.relative_to(ROOT).as_posix(), file.read_text()) for file in sorted(files)]


def tracked_files() -> Iterator[Path]:
    """Every file that is not left out by .gitignore, whose patterns are names."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()] + [".git"]
    waiting = [ROOT]
    while waiting:
        for path in waiting.pop().iterdir():
            if any(fnmatch(path.name, pattern) for pattern in ignored):
                continue
            if path.is_dir():
                waiting.append(path)
            else:
                yield path


def imported(module: Module) -> list[tuple[int, str]]:
    """Every name that a module imports, with its line: ``from a import b`` is ``a.b``.

    A text that spells a module of the package counts: that is how modules are loaded on first use.
    """
    found: list[tuple[int, str]] = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.lineno, f"{_base(node, module)}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _spells_a_module(node.value):
            found.append((node.lineno, node.value))
    return found


def _base(node: ast.ImportFrom, module: Module) -> str:
    above = module.package[: len(module.package) - node.level + 1] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def _spells_a_module(text: str) -> bool:
    parts = text.split(".")
    return len(parts) > 1 and parts[0] == "portcullis" and all(part.isidentifier() for part in parts)
