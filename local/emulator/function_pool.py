"""The warm processes of each function.

Symptoms mended: a burst of requests starts one process per request, and each start costs a fraction of a second of
this machine's few cores; every call that logs nothing waits 50 ms for a log line; a function's exception is always of
type `Runtime.HandlerError` and ends its process.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.emulator.function_code import environment, interpreter, unpacked
from local.emulator.function_process import FunctionProcess
from local.emulator.hooks import module, replace

Function = dict[str, Any]
MOST_PROCESSES = max(4, min(12, 2 * (os.cpu_count() or 2)))
"""Per function: enough that races are real, few enough that a burst does not drown this machine."""


class Pool:
    """Processes of one version of one function; callers wait while all of them are busy."""

    def __init__(self, start: Callable[[], FunctionProcess], most: int = MOST_PROCESSES) -> None:
        self._start = start
        self._free: list[FunctionProcess] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(most)

    def run(self, invoke: Callable[[FunctionProcess], Any]) -> Any:
        """Call `invoke` with a process that nobody else uses meanwhile."""
        with self._slots:
            with self._lock:
                process = self._free.pop() if self._free else self._start()
            try:
                return invoke(process)
            finally:
                if process.usable:
                    with self._lock:
                        self._free.append(process)
                else:
                    process.stop()

    def stop(self) -> None:
        """End every idle process; one that is busy ends with the emulator."""
        with self._lock:
            idle, self._free = self._free, []
        for process in idle:
            process.stop()


class Pools:
    """All pools by function, replaced when a function's code or settings change."""

    def __init__(self, state: Path, logs: Path) -> None:
        self._state = state
        self._logs = logs
        self._lock = threading.Lock()
        self._pools: dict[str, tuple[Any, Pool]] = {}

    def of(self, function: Function) -> Pool:
        """The pool of a function as it is deployed now."""
        config = function.get("config") or function
        revision = (config.get("CodeSha256"), config.get("RevisionId"), repr(config.get("Environment")))
        with self._lock:
            known, pool = self._pools.get(config["FunctionArn"], (None, None))
            if pool is None or known != revision:
                if pool is not None:
                    pool.stop()
                pool = Pool(lambda: self._process(config, function["code_zip"]))
                self._pools[config["FunctionArn"]] = (revision, pool)
            return pool

    def stop(self) -> None:
        """End every idle process of every function."""
        with self._lock:
            for _revision, pool in self._pools.values():
                pool.stop()
            self._pools.clear()

    def _process(self, config: Function, code_zip: bytes) -> FunctionProcess:
        code = unpacked(code_zip, self._state / "code")
        runtime = module("core.lambda_runtime")
        _account, region = runtime._account_region_from_function_config(config)
        variables = environment(config, code, runtime.execution_credentials(config), region)
        log_file = self._logs / f"{config['FunctionName']}.log"
        timeout = float(config.get("Timeout", 3))
        return FunctionProcess(interpreter(config["Runtime"]), code, variables, log_file, timeout)


def mend(state: Path, logs: Path) -> Pools:
    """Run functions in these pools; the caller stops them."""
    pools = Pools(state, logs)

    def execute(_original: Any) -> Any:
        def run(function: Function, event: Any, request_id: str) -> dict[str, Any]:
            arn = (function.get("config") or function)["FunctionArn"]
            answer = pools.of(function).run(lambda process: process.invoke(event, request_id, arn))
            outcome = {"body": answer.body, "log": answer.log}
            return {**outcome, "error": True} if answer.failed else outcome

        return run

    replace(module("services.lambda_svc"), "_execute_function_warm", execute)
    return pools
