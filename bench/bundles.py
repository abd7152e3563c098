"""Size and start-up time of each function, from the bundle that is deployed."""

import io
import os
import statistics
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.bundling.bundle import bundle, function_names
from infra.bundling.target import THIS_MACHINE

# What Lambda and the template put into a function's environment; the names matter here, the values do not.
ENVIRONMENT = {
    "PORTCULLIS_STAGE": "local",
    "CORE_TABLE": "core",
    "NONCES_TABLE": "nonces",
    "PROFILES_TABLE": "profiles",
    "POLICY_BUCKET": "policies",
    "MAC_KEY_ID": "mac",
    "BUS_NAME": "bus",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "access",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "session",
}
RUNS = 15
TIMED_IMPORT = "import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"


@dataclass(frozen=True, slots=True)
class Measured:
    """``zipped`` and ``unzipped`` are bytes; ``init_ms`` is the median of importing the handler afresh."""

    function: str
    zipped: int
    unzipped: int
    files: int
    init_ms: float


def measure(runs: int = RUNS) -> list[Measured]:
    """Every function, by name, from its bundle for the Python and machine that run this."""
    return [_measure(function, runs) for function in function_names()]


def _measure(function: str, runs: int) -> Measured:
    path = bundle(function, THIS_MACHINE).path
    files = [file for file in path.rglob("*") if file.is_file()]
    _import_once(function, path)  # brings the files into the page cache, which Lambda's own start also has behind it
    times = [_import_once(function, path) for _ in range(runs)]
    return Measured(
        function,
        zipped=_zipped(path, files),
        unzipped=sum(file.stat().st_size for file in files),
        files=len(files),
        init_ms=1000 * statistics.median(times),
    )


def _zipped(root: Path, files: list[Path]) -> int:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(root))
    return buffer.tell()


def _import_once(function: str, path: Path) -> float:
    """Seconds; without site-packages, so that a missing dependency shows instead of being found elsewhere."""
    command = [sys.executable, "-S", "-B", "-c", TIMED_IMPORT.format(module=f"functions.{function}.handler")]
    environment = ENVIRONMENT | {"PATH": os.defpath, "PYTHONPATH": str(path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(result.stdout)
