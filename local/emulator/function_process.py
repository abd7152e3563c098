"""One execution environment of a function: a process of its own that answers one event at a time."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = Path(__file__).with_name("function_host.py")
START_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """How an invocation ended: `body` is the function's result, or its error when `failed`."""

    body: Any
    failed: bool
    log: str


class FunctionProcess:
    """Started on the first invocation; a process that failed to start or timed out is not used again."""

    def __init__(
        self, interpreter: str, code: Path, environment: Mapping[str, str], log_file: Path, timeout: float
    ) -> None:
        self._command = [interpreter, "-I", "-S", "-B", "-X", "utf8", str(HOST)]
        self._code = code
        self._environment = dict(environment)
        self._log_file = log_file
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def usable(self) -> bool:
        """Whether the next invocation may use this process (or start it)."""
        return self._process is None or self._process.poll() is None

    def invoke(self, event: Any, request_id: str, function_arn: str) -> Answer:
        """Run the handler once; an init error, a crash and a timeout are failed answers too."""
        started = ""
        if self._process is None:
            ready = self._start()
            if ready.failed:
                return ready
            started = ready.log
        call = {"event": event, "request_id": request_id, "function_arn": function_arn, "timeout": self._timeout}
        try:
            self._write(call)
        except OSError:
            return self._crashed(request_id)
        reply = self._read(self._timeout)
        if reply is None:
            return self._timed_out(request_id)
        if not reply:
            return self._crashed(request_id)
        answer = reply["answer"]
        return Answer(answer.get("error", answer.get("result")), "error" in answer, started + reply["log"])

    def stop(self) -> None:
        """End the process and wait for it."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _start(self) -> Answer:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._code,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
            )
        reply = self._read(START_SECONDS)
        if not reply:
            self.stop()
            return _error("Runtime.ExitError", "the function's process ended before it was ready")
        if "error" in reply:
            self.stop()
            return Answer(reply["error"], True, reply["log"])
        return Answer(None, False, reply["log"])

    def _write(self, call: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise BrokenPipeError
        line = memoryview(json.dumps(call).encode() + b"\n")
        while line:
            line = line[process.stdin.write(line) :]

    def _read(self, seconds: float) -> dict[str, Any] | None:
        """The next line as JSON, an empty dict when the process ended, None when time ran out."""
        if self._process is None or self._process.stdout is None:
            return {}
        descriptor = self._process.stdout.fileno()
        poller = select.poll()
        poller.register(descriptor, select.POLLIN | select.POLLHUP)
        deadline = time.monotonic() + seconds
        line = b""
        while not line.endswith(b"\n"):
            if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
                return None
            chunk = os.read(descriptor, 1 << 16)
            if not chunk:
                return {}
            line += chunk
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _timed_out(self, request_id: str) -> Answer:
        self.stop()
        seconds = f"{self._timeout:.2f}"
        return _error("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {seconds} seconds")

    def _crashed(self, request_id: str) -> Answer:
        self.stop()
        return _error("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited without providing a reason")


def _error(kind: str, message: str) -> Answer:
    return Answer({"errorType": kind, "errorMessage": message}, True, message + "\n")
