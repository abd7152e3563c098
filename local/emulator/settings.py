"""What the emulator's process is started with."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
CLEAN = "clean-stop"
"""A file in the state folder that says that the state was saved completely."""

INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "ROTATION_SECONDS_PER_DAY", "SFN_WAIT_SCALE")


@dataclass(frozen=True)
class EmulatorSettings:
    """Ports on loopback, and the folders that belong to this instance alone."""

    endpoint_port: int
    agent_port: int
    operator_port: int
    state: Path
    logs: Path
    with_parent: bool

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.endpoint_port}"

    def arguments(self) -> list[str]:
        """The command line that `parse` reads back."""
        ports = (self.endpoint_port, self.agent_port, self.operator_port)
        arguments = ["--ports", ",".join(map(str, ports)), "--state", str(self.state), "--logs", str(self.logs)]
        return [*arguments, "--with-parent"] if self.with_parent else arguments

    def environment(self) -> dict[str, str]:
        """The whole environment of the emulator: nothing of the caller's may reach it or a function."""
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {
            **kept,
            "AGENT_API_ADDRESS": f"http://{HOST}:{self.agent_port}",
            "AUTH": "true",
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.endpoint_port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
            "LOG_LEVEL": "INFO",
            "PERSIST_STATE": "1",
            "S3_DATA_DIR": str(self.state / "s3"),
            "S3_PERSIST": "1",
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(self.state / "services"),
        }


def parse(arguments: Sequence[str]) -> EmulatorSettings:
    """Read the command line; argparse ends the process with a message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m local.emulator", description=__doc__)
    parser.add_argument("--ports", required=True, help="endpoint, agent API, operator API: three, comma separated")
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--logs", required=True, type=Path)
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started this one ends")
    parsed = parser.parse_args(arguments)
    endpoint, agent, operator = (int(port) for port in parsed.ports.split(","))
    return EmulatorSettings(endpoint, agent, operator, parsed.state, parsed.logs, parsed.with_parent)
