"""`python -m local.emulator`: mends the emulator, then serves it and the two APIs on loopback until told to stop."""

import asyncio
import logging
import os
import signal
import sys
from typing import Any

from local.emulator.settings import CLEAN, HOST, EmulatorSettings, parse
from local.emulator.version import WrongEmulator, require_pinned

PARENT_SECONDS = 1.0


def main() -> int:
    """Serve; 0 after a requested stop, 2 when the installed emulator is not the pinned one."""
    settings = parse(sys.argv[1:])
    try:
        require_pinned()
    except WrongEmulator as wrong:
        print(wrong, file=sys.stderr)
        return 2
    environment = settings.environment()
    os.environ.clear()
    os.environ.update(environment)
    asyncio.run(_serve(settings))
    return 0


async def _serve(settings: EmulatorSettings) -> None:
    # Imported here because the emulator reads its environment when it is imported.
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from local.emulator.api_listeners import dispatcher
    from local.emulator.hooks import module
    from local.emulator.mends import mend_all

    pools = mend_all(settings)
    config = Config()
    config.bind = [f"{HOST}:{port}" for port in (settings.endpoint_port, settings.agent_port, settings.operator_port)]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.backlog = 1024
    apis = {settings.agent_port: "AgentApiId", settings.operator_port: "OperatorApiId"}
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
    stop = _stop_event(settings)
    application: Any = dispatcher(module("app").app, apis)
    try:
        await serve(application, config, shutdown_trigger=stop.wait)
    finally:
        pools.stop()
    (settings.state / CLEAN).touch()


def _stop_event(settings: EmulatorSettings) -> asyncio.Event:
    """Set by SIGTERM, by SIGINT, or when the process that this instance belongs to is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if settings.with_parent:
        _watch_parent(loop, os.getppid(), stop)
    return stop


def _watch_parent(loop: asyncio.AbstractEventLoop, parent: int, stop: asyncio.Event) -> None:
    if os.getppid() != parent:
        stop.set()
        return
    loop.call_later(PARENT_SECONDS, _watch_parent, loop, parent, stop)


if __name__ == "__main__":
    sys.exit(main())
