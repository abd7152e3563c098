"""A function's deployable directory, made once for each content and found again by it."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.bundling import wheels
from infra.bundling.bytecode import Compiler, compiler_for
from infra.bundling.imports import import_closure
from infra.bundling.target import Target
from infra.toolchain import PROJECT

CACHE = PROJECT / "build" / "bundles"
KEPT_VERSIONS = 4
KEPT_SITES = 16
"""Installed requirements: some of each of the functions that have any, for they share one family."""
FIXED_TIME = 315_532_800  # 1980-01-01, the earliest that a zip archive can express


@dataclass(frozen=True, slots=True)
class Bundle:
    """``path`` is what Lambda imports ``entry_point()`` from; ``digest`` changes if and only if its content does."""

    path: Path
    digest: str


def function_names() -> list[str]:
    """Every folder under ``functions/`` that has a handler."""
    return sorted(handler.parent.name for handler in (PROJECT / "functions").glob("*/handler.py"))


def entry_point(function: str) -> str:
    """The handler as Lambda names it, with the path that it has in the project: its modules import one another."""
    return f"functions/{function}/handler.handler"


def bundle(function: str, target: Target, cache: Path = CACHE) -> Bundle:
    """The bundle of ``functions/<function>`` for ``target``."""
    compiler = compiler_for(target.python)
    identity = {"target": repr(target).encode(), "bytecode": (compiler.format if compiler else "none").encode()}
    identity |= {f"bundler/{path.name}": path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))}
    site = _installed(function, target, identity, compiler, cache)
    code = _code(function)

    def fill(root: Path) -> None:
        for relative, source in code.items():
            (root / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, root / relative)
        if compiler:
            compiler.compile(root)
        if site:
            shutil.copytree(site, root, dirs_exist_ok=True)

    identity |= {"site": site.name.encode() if site else b""}
    identity |= {f"code/{relative}": source.read_bytes() for relative, source in code.items()}
    path = made_once(cache / f"{function}-{target.name}", _digest(identity), fill)
    return Bundle(path, path.name)


def _code(function: str) -> dict[Path, Path]:
    """Path in the bundle -> source file: the function's folder, and of ``portcullis`` only what it reaches."""
    folder, shared = PROJECT / "functions" / function, PROJECT / "src"
    own = sorted(folder.rglob("*.py"))
    if folder / "handler.py" not in own:
        raise FileNotFoundError(f"functions/{function}/handler.py is missing: the function has no entry point")
    code = {file.relative_to(PROJECT): file for file in own}
    return code | {file.relative_to(shared): file for file in import_closure(own, shared)}


def _installed(
    function: str,
    target: Target,
    identity: Mapping[str, bytes],
    compiler: Compiler | None,
    cache: Path,
) -> Path | None:
    """The function's requirements, or None if it has none: kept apart, for they change far less often than code.

    Functions that require the same share one installation.
    """
    requirements = PROJECT / "requirements" / f"{function}.txt"
    if not requirements.exists():
        return None

    def fill(root: Path) -> None:
        print(f"Installing requirements/{requirements.name} for {target.name} ...", file=sys.stderr)
        wheels.install(requirements, target, into=root)
        if compiler:
            compiler.compile(root)

    key = {**identity, "requirements": requirements.read_bytes()}
    return made_once(cache / f"site-{target.name}", _digest(key), fill, KEPT_SITES)


def _digest(parts: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in sorted(parts):
        whole.update(f"{name}\0{len(parts[name])}\0".encode())
        whole.update(parts[name])
    return whole.hexdigest()


def made_once(family: Path, digest: str, fill: Callable[[Path], None], kept: int = KEPT_VERSIONS) -> Path:
    """``family/digest``, filled if it is not there yet; two processes may do so at once, and the first one wins."""
    finished = family / digest
    if not finished.is_dir():
        family.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=family, prefix=".making-") as making:
            root = Path(making) / "root"
            root.mkdir()
            fill(root)
            _normalise(root)
            try:
                root.rename(finished)
            except OSError:
                if not finished.is_dir():
                    raise
    os.utime(finished)
    _forget_older(family, kept)
    return finished


def _normalise(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (FIXED_TIME, FIXED_TIME))


def _forget_older(family: Path, kept: int) -> None:
    """Keep the versions used last, so that switching between branches does not build everything again."""
    versions = [path for path in family.iterdir() if not path.name.startswith(".")]
    for path in sorted(versions, key=lambda path: path.stat().st_mtime, reverse=True)[kept:]:
        shutil.rmtree(path, ignore_errors=True)
