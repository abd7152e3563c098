"""What outlives a stop of the emulator, and what must not."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import emulator_process
from local.home import Home
from local.ports import free
from local.processes import is_alive
from tests.local.conftest import Deployed, deploy
from tests.local.test_pipe import collect, put, received
from tests.local.waiting import until


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Deployed]:
    """An emulator of its own, because it is stopped on the way."""
    home, ports = Home(tmp_path), free()
    emulator_process.start(home, ports, with_parent=True)
    yield deploy(home, ports)
    emulator_process.stop(home)


def test_a_complete_stop_keeps_everything(own: Deployed) -> None:
    put(own, "before", "fine")
    collect(own, "Received", {"before"})
    assert emulator_process.stop(own.home)
    emulator_process.start(own.home, own.ports, with_parent=True)
    assert own.agent("GET", "/local/trivial").status == 200
    assert own.agent("GET", "/local/trivial", [("X-Forwarded-For", "203.0.113.9")]).status == 403
    put(own, "after", "fine")
    events = collect(own, "Received", {"after"})
    assert [event["detail"]["id"] for event in events] == ["after"]


def test_records_that_were_not_delivered_are_delivered_after_a_restart(own: Deployed) -> None:
    pipes = own.client("pipes")
    pipes.stop_pipe(Name=own.outputs["Pipe"])
    put(own, "unread", "fine")
    emulator_process.stop(own.home)
    emulator_process.start(own.home, own.ports, with_parent=True)
    own.client("pipes").start_pipe(Name=own.outputs["Pipe"])
    assert [event["detail"]["id"] for event in collect(own, "Received", {"unread"})] == ["unread"]
    assert received(own, "Received") == []


def test_state_of_a_killed_emulator_is_discarded(own: Deployed) -> None:
    running = emulator_process.find(own.home)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: not is_alive(running.pid))
    assert emulator_process.find(own.home) is None
    emulator_process.start(own.home, own.ports, with_parent=True)
    assert own.client("cloudformation").describe_stacks()["Stacks"] == []


def test_functions_end_with_a_killed_emulator(own: Deployed) -> None:
    pid = own.agent("GET", "/local/echo").json()["pid"]
    running = json.loads(own.home.process_file.read_text())
    os.kill(running["pid"], signal.SIGKILL)
    until(lambda: not is_alive(pid))
