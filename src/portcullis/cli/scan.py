"""``portcullis scan-secrets``: secrets of agents that lie in files where they do not belong."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from portcullis.cli import output
from portcullis.cli.context import session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.protocol.secret_scan import Found, find

_ALLOWED = re.compile(r"([0-9a-f]{64})\s+#\s*\S.*", re.ASCII)


def scan_secrets(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files, and folders: what git would commit, else all but .git.")],
    allow: Annotated[
        Path | None, typer.Option(help="File of SHA-256 digests of made-up secrets, each with # and the reason.")
    ] = None,
) -> None:
    """Find agents' secrets by pattern and checksum. Exit code 1 when there is one; it is never printed."""
    allowed = _allowed(allow)
    files = [file for path in paths for file in _files(path)]
    found = [(file, one) for file in files for one in find(_read(file)) if one.sha256 not in allowed]
    if session(context).as_json:
        output.print_json({"files": len(files), "secrets": [_described(file, one) for file, one in found]})
    else:
        _tell(len(files), found)
    if found:
        raise typer.Exit(REFUSED)


def _tell(count: int, found: list[tuple[Path, Found]]) -> None:
    for file, one in found:
        text = f"{file}:{one.line}: a secret of stage {one.stage}, SHA-256 {one.sha256}"
        output.console.print(escape(text), soft_wrap=True)
    if found:
        output.errors.print(
            "Revoke each one (`portcullis keys revoke`), issue a new key, and take it out of the history."
        )
    else:
        output.console.print(f"no secrets in {count} files")


def _described(file: Path, one: Found) -> dict[str, object]:
    return {"path": str(file), "line": one.line, "stage": one.stage, "sha256": one.sha256}


def _allowed(path: Path | None) -> set[str]:
    digests: set[str] = set()
    lines = _read(path).decode(errors="replace").splitlines() if path else []
    for number, line in enumerate(lines, 1):
        entry = _ALLOWED.fullmatch(line.strip())
        if entry:
            digests.add(entry[1])
        elif line.strip() and not line.startswith("#"):
            raise Failure(f"{path}:{number}: expected a SHA-256 digest, # and why the secret is no secret", USAGE)
    return digests


def _files(path: Path) -> Iterator[Path]:
    """Regular files; a link is not followed, for what it leads to is somewhere else."""
    if not path.is_dir():
        yield path
        return
    for file in _of_git(path) or path.rglob("*"):
        if file.is_file() and not file.is_symlink() and ".git" not in file.relative_to(path).parts:
            yield file


def _of_git(folder: Path) -> list[Path]:
    """What git tracks or would add below a folder; nothing when git does not know it."""
    git = shutil.which("git")
    if git is None:
        return []
    command = [git, "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 fixed arguments, no shell
    return [folder / name.decode(errors="surrogateescape") for name in listed.stdout.split(b"\0") if name]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}", USAGE) from None
