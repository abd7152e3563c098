"""Every attack of the corpus over HTTP: firewall, routing, authorizer, agent API, as it was sent, byte for byte."""

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import attacks
from tests.journey.deployment import Deployment


@pytest.fixture(scope="module")
def world(deployment: Deployment) -> attacks.World:
    def operator(method: str, path: str, body: Any) -> dict[str, Any]:
        answer = deployment.operator(method, path, body)
        assert answer.is_success, answer.text
        described: dict[str, Any] = answer.json()
        return described

    dynamodb, table = deployment.root("dynamodb"), deployment.outputs["CoreTable"]

    def read(agents: list[str]) -> list[dict[str, Any]]:
        options = {"TableName": table, "ConsistentRead": True, "KeyConditionExpression": "pk = :pk"}
        values = [{":pk": {"S": f"AGENT#{agent}"}} for agent in agents]
        return [
            item for value in values for item in dynamodb.query(**options, ExpressionAttributeValues=value)["Items"]
        ]

    return attacks.prepare(
        operator,
        dynamodb,
        table,
        read,
        base_path=deployment.base_path,
        authority=urlsplit(deployment.agent_url).netloc,
    )


def sent(request: attacks.Request, authority: str) -> tuple[int, dict[str, Any]]:
    """Send it with no library's help, which would mend paths and headers."""
    connection = HTTPConnection(authority, timeout=30)
    try:
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in [*request.headers, ("X-Forwarded-For", request.address)]:
            connection.putheader(name, value.encode())
        connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        answer = connection.getresponse()
        body: dict[str, Any] = json.loads(answer.read())
    finally:
        connection.close()
    return answer.status, body


@pytest.mark.parametrize("path", attacks.CASES, ids=lambda path: path.stem)
def test_the_gateway_refuses_and_writes_nothing(path: Path, world: attacks.World) -> None:
    case = attacks.load(path)
    expected: attacks.Case = case["over_http"] if "over_http" in case else case["expect"]
    answer, written = attacks.play(case, world, lambda request: sent(request, world.authority), expected)
    assert answer == expected, case["title"]
    assert written == []
