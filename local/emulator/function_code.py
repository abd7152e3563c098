"""Where a function's code lies on this machine, which interpreter runs it, and what its environment holds.

Symptoms mended: a function inherits the emulator's environment and sees the emulator's site-packages, so a dependency
missing from its bundle or a setting missing from the template is found only on AWS; the address of an API that the
template tells a function is one that nobody answers here.
"""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
AGENT_API_VARIABLE = "AGENT_API_ADDRESS"
_API_ADDRESS = re.compile(r"https://[a-z0-9]+\.execute-api\.[^/]+")


class UnsupportedRuntime(Exception):
    """A function of a runtime that this machine's interpreter does not stand for."""


def interpreter(runtime: str) -> str:
    """The Python that runs a runtime: this machine's own, never the virtual environment's."""
    if not runtime.startswith("python3."):
        raise UnsupportedRuntime(f"the local run has Python functions only, not {runtime}")
    return str(getattr(sys, "_base_executable", "") or sys.executable)


def unpacked(code_zip: bytes, root: Path) -> Path:
    """The folder with a bundle's files, made once for each content."""
    folder = root / hashlib.sha256(code_zip).hexdigest()[:32]
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=root))
    with zipfile.ZipFile(BytesIO(code_zip)) as bundle:
        bundle.extractall(partial)
    try:
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial)
    return folder


def environment(config: Mapping[str, Any], code: Path, credentials: Mapping[str, str], region: str) -> dict[str, str]:
    """Everything the function's process sees: Lambda's own variables, then the template's."""
    variables = (config.get("Environment") or {}).get("Variables") or {}
    name = config["FunctionName"]
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(code),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(config.get("Version", "$LATEST")),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": os.urandom(16).hex(),
        ENDPOINT_VARIABLE: os.environ[ENDPOINT_VARIABLE],
        **credentials,
        **{variable: reachable(value) for variable, value in variables.items()},
        "_HANDLER": config["Handler"],
    }


def reachable(value: str) -> str:
    """A setting with the agent API's address on this machine in the place of its address on AWS; no function is told
    of another API."""
    return _API_ADDRESS.sub(lambda _: os.environ[AGENT_API_VARIABLE], value)
