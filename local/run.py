"""Brings a local run up and takes it down."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local import demo_data, emulator_process
from local.aws import REGION
from local.deploy import ACCOUNT, deploy
from local.emulator_process import RunningEmulator, code_fingerprint
from local.errors import LocalRunError
from local.home import Home
from local.operator_client import operator
from local.ports import Ports
from local.progress import say, step

LocalRun = dict[str, Any]


def up(home: Home, ports: Ports, with_parent: bool = False) -> LocalRun:
    """Start, deploy and fill what is not there yet; what `local.json` holds."""
    home.create()
    with _alone(home):
        emulator = _emulator(home, ports, with_parent)
        outputs = deploy(home, emulator)
        run = _saved(home)
        if (
            run is None
            or "audit" not in run
            or run["outputs"] != outputs
            or run["endpoint_url"] != emulator.endpoint_url
        ):
            with step("create the operator, prices and a demo agent"):
                run = _describe(emulator, outputs)
            _save(home, run)
        return run


def down(home: Home) -> bool:
    """Stop the emulator and remove the folder; whether there was anything."""
    stopped = emulator_process.stop(home)
    existed = home.path.exists()
    home.remove()
    return stopped or existed


def _emulator(home: Home, ports: Ports, with_parent: bool) -> RunningEmulator:
    running = emulator_process.find(home)
    if running is not None and running.code == code_fingerprint():
        if running.ports != ports:
            say(f"  the emulator runs already on port {running.ports.endpoint}; `make down` first to move it")
        return running
    if running is not None:
        say("  the emulator's own code has changed: starting it afresh")
        down_emulator(home)
    with step("start the emulator"):
        return emulator_process.start(home, ports, with_parent)


def down_emulator(home: Home) -> None:
    """Stop the emulator and forget what it held."""
    emulator_process.stop(home)
    shutil.rmtree(home.state, ignore_errors=True)
    home.local_json.unlink(missing_ok=True)


def _describe(emulator: RunningEmulator, outputs: dict[str, str]) -> LocalRun:
    key = demo_data.operator_key(emulator, outputs)
    operator_url = demo_data.api_url(emulator.ports.operator)
    with operator(operator_url, **key) as caller:
        demo_data.price(caller)
        demo_agent = demo_data.agent(caller, "demo")
    return {
        "api_url": demo_data.api_url(emulator.ports.agent),
        "operator_url": operator_url,
        "endpoint_url": emulator.endpoint_url,
        "region": REGION,
        "account": ACCOUNT,
        "operator": key,
        "outputs": outputs,
        "audit": demo_data.audit(emulator, outputs),
        "demo_agent": demo_agent,
    }


def _saved(home: Home) -> LocalRun | None:
    try:
        run: LocalRun = json.loads(home.local_json.read_text())
    except FileNotFoundError:
        return None
    return run


def _save(home: Home, run: LocalRun) -> None:
    """Write `local.json` so that nobody else can read it at any moment."""
    partial = home.local_json.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(run, file, indent=2)
        file.write("\n")
    partial.replace(home.local_json)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Two `up` at once would deploy into each other."""
    with home.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalRunError(f"another `up` is at work in {home.path}; wait until it is done") from None
        yield
