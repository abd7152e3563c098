"""Ports, process files and folders of a local run."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import emulator_process, fingerprint, ports
from local.__main__ import main
from local.emulator.version import WrongEmulator, require_pinned
from local.errors import LocalRunError
from local.home import Home
from local.ports import HOST, Ports


def test_default_and_chosen_ports() -> None:
    assert ports.chosen(None, environ={}) == Ports(4610, 4611, 4612)
    assert ports.chosen(None, environ={"PORTCULLIS_PORT": "5610"}) == Ports(5610, 5611, 5612)
    assert ports.chosen(7000, agent=8000, environ={"PORTCULLIS_PORT": "5610"}) == Ports(7000, 8000, 7002)


@pytest.mark.parametrize(("first", "environ"), [(None, {"PORTCULLIS_PORT": "x"}), (65534, {}), (0, {})])
def test_impossible_ports(first: int | None, environ: dict[str, str]) -> None:
    with pytest.raises(LocalRunError, match="port"):
        ports.chosen(first, environ=environ)


def test_a_taken_port_is_named_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        free = ports.free()
        arguments = [
            "--endpoint-port",
            str(free.endpoint),
            "--api-port",
            str(port),
            "--operator-port",
            str(free.operator),
        ]
        assert main(["up", "--home", str(tmp_path / "run"), *arguments]) == 1
    told = capsys.readouterr().err
    assert f"port {port}, for the agent API" in told
    assert "--api-port" in told
    assert "PORTCULLIS_PORT" in told


def test_a_process_that_is_not_ours_is_not_signalled(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        stale = {"pid": bystander.pid, "ports": {"endpoint": 1, "agent": 2, "operator": 3}, "code": ""}
        home.process_file.write_text(json.dumps(stale))
        assert emulator_process.stop(home) is False
        assert bystander.poll() is None
        bystander.communicate(b"\n")
    assert not home.process_file.exists()


def test_down_removes_what_a_run_made_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path / "run")
    home.create()
    (home.state / "services").mkdir(parents=True)
    (home.path / "notes.txt").touch()
    assert main(["down", "--home", str(home.path)]) == 0
    assert [path.name for path in home.path.iterdir()] == ["notes.txt"]
    (home.path / "notes.txt").unlink()
    assert main(["down", "--home", str(home.path)]) == 0
    assert not home.path.exists()
    assert main(["down", "--home", str(home.path)]) == 0
    assert "nothing was running" in capsys.readouterr().out


def test_status_when_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--home", str(tmp_path)]) == 3
    assert "make up" in capsys.readouterr().out


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "run")
    home.create()
    assert os.stat(home.path).st_mode & 0o077 == 0  # noqa: PTH116


def test_fingerprint_follows_the_sources(tmp_path: Path) -> None:
    source = tmp_path / "src" / "a.py"
    source.parent.mkdir()
    source.write_text("1")
    before = fingerprint.sources(tmp_path)
    (source.parent / "__pycache__").mkdir()
    (source.parent / "__pycache__" / "a.pyc").touch()
    os.utime(source, (0, 0))
    assert fingerprint.sources(tmp_path) == before
    source.write_text("2")
    assert fingerprint.sources(tmp_path) != before


def test_another_emulator_is_refused() -> None:
    require_pinned()
    with pytest.raises(WrongEmulator, match=r"found missing.*make up"):
        require_pinned("no-such-package")
