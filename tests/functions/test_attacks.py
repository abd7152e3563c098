"""Every attack of the corpus against the functions: the authorizer, then the agent API."""

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portcullis.aws.wire import Service
from tests import attacks
from tests.functions import deployed
from tests.functions.api_events import STAGE, api_event


@pytest.fixture(scope="module")
def stack(moto_endpoint: str) -> Iterator[deployed.Deployed]:
    with pytest.MonkeyPatch.context() as monkeypatch, deployed.deployed(moto_endpoint, monkeypatch) as stack:
        yield stack


@pytest.fixture(scope="module")
def read(stack: deployed.Deployed) -> Iterator[attacks.Read]:
    """What the table holds; scanned anew, which is slow with moto, only after a request that may have written to it."""
    items: list[dict[str, Any]] = []
    table, original = f'"{stack.environment["CORE_TABLE"]}"'.encode(), Service.request

    def request(self: Service, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        if table in body and not headers.get("x-amz-target", "").endswith((".GetItem", ".Query")):
            items.clear()
        return original(self, method, path, headers, body)

    def read(_agents: list[str]) -> list[dict[str, Any]]:
        items[:] = items or stack.items()
        return list(items)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Service, "request", request)
        yield read


@pytest.fixture(scope="module")
def world(stack: deployed.Deployed, read: attacks.Read) -> attacks.World:
    def operator(method: str, path: str, body: Any) -> dict[str, Any]:
        resource = re.sub(r"/pk_\w+", "/{key}", re.sub(r"/ag_\w+", "/{agent}", path))
        named: dict[str, Any] = {"agent": re.search(r"ag_\w+", path), "key": re.search(r"pk_\w+", path)}
        answer = stack.operator(method, resource, body, **{name: match[0] for name, match in named.items() if match})
        assert answer.status in (200, 201), answer
        return answer.body

    table = stack.environment["CORE_TABLE"]
    return attacks.prepare(
        operator,
        stack.dynamodb,
        table,
        read,
        base_path=f"/{STAGE}",
        authority="api.example.com",
    )


def event(request: attacks.Request) -> dict[str, Any]:
    """What API Gateway makes of it."""
    path, _, query = request.target.partition("?")
    event = api_event(request.method, "/" + path.split("/", 2)[2], query, {}, b"")
    event["requestContext"] |= {"path": path, "identity": {"sourceIp": request.address}}
    for name, value in request.headers:
        event["multiValueHeaders"].setdefault(name, []).append(value)
    return event | {"body": b64encode(request.body).decode(), "isBase64Encoded": True}


@pytest.fixture(scope="module")
def send(stack: deployed.Deployed) -> attacks.Send:
    def send(request: attacks.Request) -> tuple[int, dict[str, Any]]:
        answer = stack.send(event(request))
        return answer.status, answer.body

    return send


@pytest.mark.parametrize("path", attacks.CASES, ids=lambda path: path.stem)
def test_the_functions_refuse_and_write_nothing(path: Path, world: attacks.World, send: attacks.Send) -> None:
    case = attacks.load(path)
    answer, written = attacks.play(case, world, send, case["expect"])
    assert answer == case["expect"], case["title"]
    assert written == []


def test_it_is_the_tampering_that_is_refused(world: attacks.World, send: attacks.Send) -> None:
    cases = [attacks.load(path) for path in attacks.CASES]
    tampered = [case for case in cases if "tamper" in case and not case.keys() & {"sign", "key", "after"}]
    untouched = [{name: value for name, value in case.items() if name != "tamper"} for case in tampered]
    played = [(case, attacks.play(case, world, send, case["expect"])[0]) for case in untouched]
    refused = [case["title"] for case, answer in played if answer == case["expect"]]
    assert len(tampered) > 30
    assert refused == []


def test_the_corpus_is_there() -> None:
    cases = [attacks.load(path) for path in attacks.CASES]
    assert len(cases) >= 100
    assert {case.get("scheme", "headers") for case in cases} == {"headers", "message"}
    assert len({case["title"] for case in cases}) == len(cases)
