"""One function process on its own."""

import sys
from pathlib import Path

import pytest

from local.emulator.function_process import Answer, FunctionProcess

HANDLER = """
import os, sys, time
def handler(event, context):
    if event == "exit":
        os._exit(3)
    if event == "sleep":
        time.sleep(9)
    if event == "stdin":
        return sys.stdin.read() if not sys.stdin.closed else ""
    print("noise")
    os.write(1, b"raw noise\\n")
    return [event, context.memory_limit_in_mb]
"""


def process(folder: Path, code: str = HANDLER, timeout: float = 3.0) -> FunctionProcess:
    (folder / "index.py").write_text(code)
    names = ("NAME", "VERSION", "LOG_GROUP_NAME", "LOG_STREAM_NAME")
    environment = {f"AWS_LAMBDA_{'' if name.startswith('LOG') else 'FUNCTION_'}{name}": "x" for name in names}
    environment |= {
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": "index.handler",
    }
    return FunctionProcess(sys.executable, folder, environment, folder / "log" / "f.log", timeout)


def once(running: FunctionProcess, event: object) -> Answer:
    try:
        return running.invoke(event, "id", "arn")
    finally:
        running.stop()


def test_printing_does_not_disturb_the_answer(tmp_path: Path) -> None:
    answer = once(process(tmp_path), {"deep": [1, "é" * 100_000]})
    assert answer == Answer([{"deep": [1, "é" * 100_000]}, "128"], False, "noise\n")
    assert "raw noise" in (tmp_path / "log" / "f.log").read_text()


def test_reading_standard_input_ends_at_once(tmp_path: Path) -> None:
    assert once(process(tmp_path), "stdin").failed in (True, False)


@pytest.mark.parametrize(("event", "kind"), [("exit", "Runtime.ExitError"), ("sleep", "Sandbox.Timedout")])
def test_a_process_that_failed_is_not_used_again(tmp_path: Path, event: str, kind: str) -> None:
    running = process(tmp_path, timeout=0.5)
    answer = running.invoke(event, "id", "arn")
    assert (answer.failed, answer.body["errorType"]) == (True, kind)
    assert not running.usable


@pytest.mark.parametrize(
    ("code", "kind"), [("import nowhere", "Runtime.ImportModuleError"), ("1/0", "ZeroDivisionError")]
)
def test_init_errors(tmp_path: Path, code: str, kind: str) -> None:
    running = process(tmp_path, code)
    answer = running.invoke({}, "id", "arn")
    assert (answer.failed, answer.body["errorType"], running.usable) == (True, kind, False)
