"""A function's hashed requirements, installed for its target and stripped to what it needs to run."""

import shutil
import subprocess
import sys
from pathlib import Path

from infra.bundling.target import Target

# Facts about the installation, not about the software; they differ from one installation to the next.
INSTALLATION_RECORDS = {"RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json"}
UNUSED_DIRECTORIES = {"__pycache__", "tests"}
UNUSED_SUFFIXES = {".pyi", ".pyc", ".typed"}


class RequirementsNotInstalled(RuntimeError):
    """pip could not install a function's requirements; the message is pip's own last words."""


def install(requirements: Path, target: Target, into: Path) -> None:
    """Install ``requirements`` into the empty directory ``into``."""
    result = subprocess.run(_pip(requirements, target, into), capture_output=True, text=True, check=False)
    if result.returncode:
        reason = "\n".join(_last_words(result.stdout + result.stderr))
        raise RequirementsNotInstalled(f"{requirements.name} for {target.name}:\n{reason}")
    shutil.rmtree(into / "bin", ignore_errors=True)
    _prune(into)


def _last_words(output: str) -> list[str]:
    """What pip said last, without its announcements of another try."""
    return [line for line in output.strip().splitlines() if "Retrying (" not in line and "is ignored" not in line][-8:]


def _pip(requirements: Path, target: Target, into: Path) -> list[str]:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--target", str(into), "-r", str(requirements)]
    if target.platforms:
        tag = "cp" + target.python.replace(".", "")
        command += ["--python-version", target.python, "--implementation", "cp"]
        command += [f"--abi={abi}" for abi in (tag, "abi3", "none")]
        command += [f"--platform={platform}" for platform in target.platforms]
    return command


def _prune(site: Path) -> None:
    for path in sorted(site.rglob("*"), reverse=True):
        if path.is_dir() and path.name in UNUSED_DIRECTORIES:
            shutil.rmtree(path)
        elif path.suffix in UNUSED_SUFFIXES or (
            path.parent.suffix == ".dist-info" and path.name in INSTALLATION_RECORDS
        ):
            path.unlink()
