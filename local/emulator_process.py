"""The emulator's process: started once, found again by its process file, and signalled only when it is ours."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from local.emulator.settings import CLEAN, EmulatorSettings
from local.errors import LocalRunError
from local.home import ROOT, Home
from local.ports import HOST, Ports, require_free
from local.processes import command_line, is_alive

START_SECONDS = 30.0
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class RunningEmulator:
    """What the process file says: enough to know the process again and to know whether it is up to date."""

    pid: int
    ports: Ports
    code: str

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.ports.endpoint}"


def code_fingerprint() -> str:
    """A hash of the emulator's own sources: other mends need another process and another state."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "local" / "emulator").glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def find(home: Home) -> RunningEmulator | None:
    """The emulator of this home, when it runs; a stale process file is removed."""
    try:
        saved = json.loads(home.process_file.read_text())
    except FileNotFoundError:
        return None
    running = RunningEmulator(saved["pid"], Ports(**saved["ports"]), saved["code"])
    if _is_ours(running.pid, home):
        return running
    home.process_file.unlink(missing_ok=True)
    return None


def start(home: Home, ports: Ports, with_parent: bool = False) -> RunningEmulator:
    """Start the emulator and wait until it answers; the state of a run that ended badly is discarded first."""
    require_free(ports)
    home.create()
    discard_unclean_state(home)
    settings = EmulatorSettings(ports.endpoint, ports.agent, ports.operator, home.state, home.logs, with_parent)
    with home.emulator_log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.emulator", *settings.arguments()],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=not with_parent,
        )
    running = RunningEmulator(process.pid, ports, code_fingerprint())
    home.process_file.write_text(json.dumps(asdict(running)))
    _await_ready(running, process, home)
    process.returncode = 0  # it outlives this program, which is no mistake to warn about
    return running


def stop(home: Home) -> bool:
    """Stop the emulator of this home, gently and then not; whether there was one."""
    running = find(home)
    if running is None:
        return False
    os.kill(running.pid, signal.SIGTERM)
    if not _gone(running.pid, home, STOP_SECONDS):
        os.kill(running.pid, signal.SIGKILL)
        _gone(running.pid, home, STOP_SECONDS)
    home.process_file.unlink(missing_ok=True)
    return True


def discard_unclean_state(home: Home) -> None:
    """Remove state that was not saved by a complete stop: half of it may be missing."""
    marker = home.state / CLEAN
    if home.state.exists() and not marker.exists():
        shutil.rmtree(home.state)
    home.state.mkdir(exist_ok=True)
    marker.unlink(missing_ok=True)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for a message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"


def _is_ours(pid: int, home: Home) -> bool:
    command = command_line(pid)
    return "local.emulator" in command and str(home.state) in command


def _gone(pid: int, home: Home, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_alive(pid) or not _is_ours(pid, home):
            return True
        time.sleep(0.05)
    return False


def _await_ready(running: RunningEmulator, process: "subprocess.Popen[bytes]", home: Home) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(running.endpoint_url):
            return
        time.sleep(0.05)
    process.kill()
    home.process_file.unlink(missing_ok=True)
    raise LocalRunError(f"the emulator did not start. Its log {home.emulator_log} ends:\n{tail(home.emulator_log)}")


def _answers(endpoint_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint_url}/_ministack/health", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
