"""Running the CDK against the emulator: its tools, and an environment that holds nothing of the user's."""

import os
import subprocess
import sys
from pathlib import Path

from infra.toolchain import node_executable
from local.aws import REGION, ROOT_KEY, ROOT_SECRET
from local.emulator_process import tail
from local.errors import LocalRunError
from local.home import ROOT, Home
from local.ports import HOST

CDK = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
DROPPED = ("AWS_", "CDK_", "PYTHON")
"""How the variables begin that could turn the tools to another account or another program."""


def environment(home: Home, endpoint_url: str) -> dict[str, str]:
    """Root credentials of the emulator and no others; Node beside Python on the path, for the CDK's own runtime.

    The user's settings of pip, proxies and certificates stay: bundling installs packages. Loopback is never proxied.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    loopback = ",".join(filter(None, [kept.get("NO_PROXY", kept.get("no_proxy")), HOST]))
    nothing = os.devnull
    return {
        **kept,
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        "PATH": os.pathsep.join([str(node_executable().parent), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_HOME": str(home.cdk_home),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_COLOR": "1",
    }


def run(what: str, command: list[str], environ: dict[str, str], folder: Path, log: Path) -> None:
    """Run a tool with its output in a log; raise `LocalRunError` with the log's end when it fails."""
    with log.open("wb") as output:
        done = subprocess.run(
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    if done.returncode != 0:
        raise LocalRunError(f"{what} failed. Its log {log} ends:\n{tail(log, 25)}")


def cdk(*arguments: str) -> list[str]:
    """The command line of the pinned CDK."""
    if not CDK.exists():
        raise LocalRunError(f"the CDK is missing at {CDK}. Run `make up`, which installs it (or `npm ci` yourself).")
    return [str(node_executable()), str(CDK), *arguments, "--no-notices", "--no-version-reporting"]
