"""Runs inside a function's own process: loads the handler, then answers one event per line.

It is started with nothing but the standard library on its path (`-I -S`), so it imports nothing else, and the
function sees only what its bundle brought. Calls come on standard input and answers go to what standard output was at
the start; whatever the function prints goes to its log file and, with the answer, to CloudWatch Logs.
"""

import io
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any, TextIO


class Context:
    """What a handler gets as its second argument."""

    identity = None
    client_context = None

    def __init__(self, call: dict[str, Any]) -> None:
        self.aws_request_id = call["request_id"]
        self.invoked_function_arn = call["function_arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = time.monotonic() + call["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the function's timeout."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class Log(io.TextIOBase):
    """Standard output and error of the function: to the log file at once, and kept until the answer."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._kept: list[str] = []

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._file.write(text)
        self._kept.append(text)
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def take(self) -> str:
        """What was written since the last answer."""
        text, self._kept = "".join(self._kept), []
        return text


def error(failure: BaseException, kind: str | None = None) -> dict[str, Any]:
    """A function error as Lambda's runtime reports it."""
    return {
        "errorMessage": str(failure),
        "errorType": kind or type(failure).__name__,
        "stackTrace": traceback.format_tb(failure.__traceback__),
    }


def load(reference: str) -> Callable[[Any, Context], Any]:
    """The handler named `module.function`, with `/` allowed for packages."""
    module, _, name = reference.rpartition(".")
    handler: Callable[[Any, Context], Any] = getattr(import_module(module.replace("/", ".")), name)
    return handler


def invoke(handler: Callable[[Any, Context], Any], call: dict[str, Any]) -> str:
    """One invocation: the answer as JSON text, never an exception."""
    try:
        return json.dumps({"result": handler(call["event"], Context(call))})
    except Exception as failure:
        traceback.print_exc()
        return json.dumps({"error": error(failure)})


def channels() -> tuple[TextIO, TextIO]:
    """The pipes to the emulator, taken off descriptors 0 and 1 so that the function cannot touch them."""
    calls = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return calls, answers


def main() -> None:
    """Load the handler, say so, then answer until the emulator closes the pipe."""
    calls, answers = channels()
    log = Log(os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False))
    sys.stdout = sys.stderr = log
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    try:
        handler = load(os.environ["_HANDLER"])
    except BaseException as failure:
        traceback.print_exc()
        kind = "Runtime.ImportModuleError" if isinstance(failure, ImportError) else None
        answers.write(json.dumps({"error": error(failure, kind), "log": log.take()}) + "\n")
        answers.flush()
        return
    answers.write(json.dumps({"log": log.take()}) + "\n")
    answers.flush()
    for line in calls:
        answer = invoke(handler, json.loads(line))
        answers.write(f'{{"log": {json.dumps(log.take())}, "answer": {answer}}}\n')
        answers.flush()


if __name__ == "__main__":
    main()
