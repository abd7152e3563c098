"""Bytecode that stays valid wherever the bundle is copied.

By default Python distrusts bytecode whose source has another modification time, and copying changes that time: the
first import would compile everything again, at two to three times the cost. An unchecked hash is not questioned.
"""

import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.toolchain import python_executables

RUNTIME_ROOT = "/var/task"
PROBE = (
    "import sys, importlib.util;"
    "print('%d.%d' % sys.version_info[:2], sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER.hex())"
)


class NotCompiled(RuntimeError):
    """A module of the bundle is not valid for the target's Python."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A Python that writes bytecode; ``format`` names the bytecode it writes."""

    python: str
    format: str

    def compile(self, root: Path) -> None:
        """Compile every module under ``root``. Tracebacks will show the paths that the files have in Lambda."""
        command = [self.python, "-I", "-m", "compileall", "-q", "-f", "-s", str(root), "-p", RUNTIME_ROOT]
        command += ["--invalidation-mode", "unchecked-hash", str(root)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise NotCompiled(f"{self.format} cannot compile {root.name}:\n{result.stdout}{result.stderr}")


@cache
def compiler_for(version: str) -> Compiler | None:
    """The compiler for Python ``version``, or None and a line that says so: bundles work without, but start slower."""
    for python in python_executables(version):
        # Asked, because version managers put a placeholder on PATH for each version that they know of.
        answer = subprocess.run([python, "-I", "-c", PROBE], capture_output=True, text=True, check=False).stdout.split()
        if answer[:1] == [version]:
            return Compiler(python, "-".join(answer[1:]))
    print(
        f"Bundling without bytecode: there is no working python{version} on PATH. Functions will start slower; "
        f"install Python {version} and synthesize again to mend that.",
        file=sys.stderr,
    )
    return None
