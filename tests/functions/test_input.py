"""What a body may be, over both APIs: it says JSON, is bounded, has one reading; else it is 400 with its field."""

import json
from typing import Any

import pytest

from functions.operator_api import handler as operator_api
from portcullis.protocol.strict_json import MAX_BODY_BYTES, MAX_POLICY_BYTES
from tests.functions.api_events import load_event
from tests.functions.deployed import POLICY, Answer, Deployed, unique

POLICY_PATH = "/v1/agents/{agent}/policy"
Event = dict[str, Any]


@pytest.fixture
def send(stack: Deployed) -> Any:
    """Send a body to the operator API as it is."""
    agent = stack.agent().agent_id

    def send(method: str, resource: str, body: str | None, types: list[str]) -> Answer:
        event = load_event("operator_api/request.json")
        event |= {"httpMethod": method, "resource": resource, "body": body, "pathParameters": {"agent": agent}}
        event["multiValueHeaders"] = {"content-type": types, "If-Match": ['"1"']}
        answer = operator_api.handler(event, None)
        return Answer(answer["statusCode"], json.loads(answer["body"]))

    return send


def padded(document: Any, size: int) -> str:
    text = json.dumps(document)
    return text + " " * (size - len(text))


TYPES = [[], ["text/plain"], ["application/json; charset=latin-1"], ["application/json", "application/json"]]


@pytest.mark.parametrize("types", TYPES, ids=str)
def test_every_body_says_json_once(stack: Deployed, send: Any, types: list[str]) -> None:
    body = json.dumps({"name": "payer", "policy": POLICY})
    for method, resource in (("POST", "/v1/agents"), ("GET", "/v1/agents")):
        answer = send(method, resource, body, types)
        assert (answer.status, answer.code, answer.body["field"]) == (400, "malformed_request", "Content-Type")

    def tamper(event: Event) -> None:
        event["multiValueHeaders"]["Content-Type"] = types

    for answer in (
        stack.pay(stack.agent(), tamper=tamper),
        stack.call(stack.agent(), "GET", "/v1/whoami", b"{}", tamper=tamper),
    ):
        assert (answer.status, answer.code, answer.body["field"]) == (400, "malformed_request", "Content-Type")
        assert answer.body["detail"].startswith("Content-Type: send ")


def test_without_a_body_no_type_is_needed(stack: Deployed, send: Any) -> None:
    assert send("GET", "/v1/agents", None, []).status == 200
    assert send("POST", "/v1/agents/{agent}/keys", None, []).status == 201
    assert stack.call(stack.agent(), "GET", "/v1/whoami").status == 200


def test_the_limits_are_exact(stack: Deployed, send: Any) -> None:
    json_type = ["application/json; charset=UTF-8"]
    body = {"name": "payer", "policy": POLICY}
    sizes = [
        (("POST", "/v1/agents"), body, MAX_BODY_BYTES, 201),
        (("PUT", POLICY_PATH), POLICY, MAX_POLICY_BYTES, 200),
    ]
    for route, document, limit, status in sizes:
        assert send(*route, padded(document, limit), json_type).status == status
        refused = send(*route, padded(document, limit + 1), json_type)
        assert (refused.status, refused.code) == (413, "too_large")
        assert str(limit) in refused.body["detail"]


def test_the_digest_is_judged_before_anything_else_of_a_body(stack: Deployed) -> None:
    def tamper(event: Event) -> None:
        event["body"] = "x" * (MAX_BODY_BYTES + 1)
        event["multiValueHeaders"]["Content-Type"] = ["text/plain"]

    assert stack.pay(stack.agent(), tamper=tamper).code == "body_digest_mismatch"


def test_an_agents_body_is_bounded(stack: Deployed) -> None:
    agent, key = stack.agent(), {"Idempotency-Key": unique("payment")}
    for size, code in ((MAX_BODY_BYTES, "malformed_request"), (MAX_BODY_BYTES + 1, "too_large")):
        assert stack.call(agent, "POST", "/v1/transactions", b" " * size, headers=key).code == code


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "{}{}", "\ufeff{}", '{"reason":1.5}', '{"reason":NaN}', '{"reason":1e2}', '{"reason":"\\ud800"}',
        '{"reason":"a","reason":"b"}', '{"reason":' + "[" * 5000, '{"reason":' + "9" * 5000 + "}", '{"reason":"\0"}',
        '{"reason":"\ud800"}', " ",
    ],
    ids=range(14),
)  # fmt: skip
def test_what_has_no_one_reading_is_refused(stack: Deployed, send: Any, text: str) -> None:
    answer = send("POST", "/v1/agents/{agent}/suspend", text, ["application/json"])
    assert (answer.status, answer.code, answer.body["field"]) == (400, "malformed_request", "body")
    assert answer.body["detail"].startswith("body: ")
    assert not [item for item in stack.items() if item.get("type", {}).get("S") == "agent.suspended"]


def test_an_unknown_name_is_shown_short_and_printable(send: Any) -> None:
    answer = send(
        "POST", "/v1/agents/{agent}/suspend", json.dumps({"\u202e" + "x" * 500: 1, "reason": "a"}), ["application/json"]
    )
    assert answer.body["field"] == "?" + "x" * 99
    assert answer.body["detail"] == f"{answer.body['field']}: unknown field"
