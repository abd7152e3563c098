"""How functions run: what they see, how they fail, how many at once."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.local.conftest import Deployed


def echo(deployed: Deployed, *headers: tuple[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = deployed.agent("GET", "/local/echo", list(headers)).json()
    return answer


def test_nothing_of_the_emulator_leaks_in(deployed: Deployed) -> None:
    seen = echo(deployed)
    assert not [path for path in seen["path"] if "site-packages" in path or path in ("", sys.prefix)]
    assert not {"botocore", "boto3", "ministack", "hypercorn"} & set(seen["modules"])
    names = set(seen["environ"])
    assert {name for name in names if not name.startswith(("AWS_", "LAMBDA_", "LC_"))} == {
        "PATH",
        "LANG",
        "TZ",
        "_HANDLER",
        "PORTCULLIS_STAGE",
    }
    assert seen["environ"]["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert seen["environ"]["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{deployed.ports.endpoint}"


def test_warm_processes_are_used_again(deployed: Deployed) -> None:
    assert len({echo(deployed)["pid"] for _ in range(5)}) == 1


def test_a_burst_runs_in_parallel_and_is_not_throttled(deployed: Deployed) -> None:
    with ThreadPoolExecutor(32) as many:
        for _ in range(2):  # the first round pays for the starts
            started = time.monotonic()
            answers = list(many.map(lambda _: deployed.agent("GET", "/local/echo", [("x-mode2", "sleep")]), range(32)))
            took = time.monotonic() - started
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["pid"] for answer in answers}) >= 4
    assert took < 32 * 0.3 / 2


def test_errors_keep_their_type_and_the_process(deployed: Deployed) -> None:
    before = echo(deployed)["pid"]
    event = {"headers": {"x-mode2": "fail"}}
    lambdas = deployed.client("lambda")
    answer = lambdas.invoke(FunctionName=deployed.outputs["EchoName"], Payload=json.dumps(event))
    error = json.load(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "an internal detail")
    assert echo(deployed)["pid"] == before


def test_logs_reach_cloudwatch_and_a_file(deployed: Deployed) -> None:
    echo(deployed)
    name = deployed.outputs["EchoName"]
    events = deployed.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    messages = " ".join(event["message"] for event in events)
    assert "import time line" in messages
    assert "handling" in messages
    assert "REPORT RequestId" in messages
    assert "handling" in (deployed.home.logs / "functions" / f"{name}.log").read_text()


def test_a_call_that_logs_nothing_does_not_wait(deployed: Deployed) -> None:
    deployed.agent("GET", "/local/trivial")
    started = time.monotonic()
    for _ in range(20):
        deployed.agent("GET", "/local/trivial")
    assert (time.monotonic() - started) / 20 < 0.05
