"""The three ports of a local run."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from local.errors import LocalRunError

HOST = "127.0.0.1"
FIRST = 4610
VARIABLE = "PORTCULLIS_PORT"


@dataclass(frozen=True)
class Ports:
    """Where the emulator's endpoint and the two APIs listen on loopback."""

    endpoint: int
    agent: int
    operator: int

    def named(self) -> tuple[tuple[str, int, str], ...]:
        """What listens, on which port, and the flag that moves it."""
        return (
            ("the emulator's endpoint", self.endpoint, "--endpoint-port"),
            ("the agent API", self.agent, "--api-port"),
            ("the operator API", self.operator, "--operator-port"),
        )


def chosen(
    first: int | None,
    endpoint: int | None = None,
    agent: int | None = None,
    operator: int | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Ports:
    """Three consecutive ports from `--port` or `PORTCULLIS_PORT`, each of which a flag of its own may move."""
    base = first if first is not None else _from_environment(environ)
    ports = Ports(endpoint or base, agent or base + 1, operator or base + 2)
    if len({ports.endpoint, ports.agent, ports.operator}) < 3 or not 1 <= base <= 65533:
        raise LocalRunError(f"the ports {ports.endpoint}, {ports.agent}, {ports.operator} must be three, below 65536")
    return ports


def _from_environment(environ: Mapping[str, str]) -> int:
    text = environ.get(VARIABLE, str(FIRST))
    if not text.isdigit():
        raise LocalRunError(f"{VARIABLE} must be a port number, not {text!r}")
    return int(text)


def free() -> Ports:
    """Three ports that nobody listens on now."""
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for listener in (one, two, three):
            listener.bind((HOST, 0))
        return Ports(*(int(listener.getsockname()[1]) for listener in (one, two, three)))


def require_free(ports: Ports) -> None:
    """Raise `LocalRunError` naming the first port that is taken, and how to move it."""
    for what, port, flag in ports.named():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                raise LocalRunError(
                    f"port {port}, for {what}, is taken by another program. Choose another with `{flag}`, or move all "
                    f"three with {VARIABLE}=PORT (the first of three consecutive ports), for example "
                    f"`{VARIABLE}=5610 make up`."
                ) from None
