"""Whether what is deployed is what the sources say: `cdk deploy` takes seconds even when it changes nothing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from local.home import ROOT

INPUTS = ("src", "functions", "infra", "requirements", "app.py", "cdk.json", "package-lock.json")
IGNORED = {"__pycache__", "node_modules", ".pytest_cache", ".mypy_cache"}


def sources(root: Path = ROOT) -> str:
    """A hash of every file from which the template and the bundles are made."""
    digest = hashlib.sha256()
    for path in _files(root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root)}\0{content}\n".encode())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for name in INPUTS:
        path = root / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and not IGNORED & set(file.parts))
