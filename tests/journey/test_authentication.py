"""Who is refused, with which status and code; and that nothing is written for those who are not verified."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from local.tap import Tap
from portcullis.protocol import keys
from tests.journey.deployment import Deployment, Signed, fresh

CREDENTIALS = ["X-API-Key", "X-Timestamp", "X-Nonce", "X-Content-SHA256", "X-Signature"]


def with_header(request: Signed, name: str, value: str) -> Signed:
    return replace(request, headers={**request.headers, name: value})


def without_header(request: Signed, name: str) -> Signed:
    return replace(request, headers={key: value for key, value in request.headers.items() if key != name})


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "strict-transport-security" in answer.headers
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"]
    assert "$context" not in answer.text


def alterations(deployment: Deployment) -> dict[str, tuple[Signed, str]]:
    agent = deployment.agent()
    now = int(time.time())
    request = deployment.sign(agent, "GET", "/v1/whoami")
    stranger = keys.new_key_id("local", "0", b"\x01" * 20)
    cases = {f"missing {name}": (without_header(request, name), "missing_credentials") for name in CREDENTIALS}
    return cases | {
        "path": (replace(request, target="/v1/transactions/tx_0000000000000000000000"), "invalid_credentials"),
        "query added": (replace(request, target="/v1/whoami?a=1"), "invalid_credentials"),
        "timestamp": (with_header(request, "X-Timestamp", str(now - 1)), "invalid_credentials"),
        "nonce": (with_header(request, "X-Nonce", fresh("other")), "invalid_credentials"),
        "digest": (with_header(request, "X-Content-SHA256", "0" * 64), "invalid_credentials"),
        "signature": (with_header(request, "X-Signature", "0" * 64), "invalid_credentials"),
        "unknown key": (with_header(request, "X-API-Key", stranger), "invalid_credentials"),
        "malformed key": (with_header(request, "X-API-Key", stranger[:-1] + "0"), "malformed_credentials"),
        "key of another stage": (
            with_header(request, "X-API-Key", keys.new_key_id("live", "0", b"\x01" * 20)),
            "malformed_credentials",
        ),
        "malformed nonce": (with_header(request, "X-Nonce", "short"), "malformed_credentials"),
        "malformed signature": (with_header(request, "X-Signature", "zz"), "malformed_credentials"),
        "stale": (deployment.sign(agent, "GET", "/v1/whoami", timestamp=now - 400), "timestamp_out_of_window"),
        "future": (deployment.sign(agent, "GET", "/v1/whoami", timestamp=now + 400), "timestamp_out_of_window"),
    }


def test_every_alteration_is_refused_with_its_code_and_nothing_is_written(deployment: Deployment) -> None:
    cases = alterations(deployment)
    before = deployment.scan("CoreTable"), deployment.scan("NoncesTable")
    for name, (request, code) in cases.items():
        answer = deployment.send(request)
        assert (name, answer.status_code, answer.json()["code"]) == (name, 401, code)
        assert_refused(answer, 401, code)
    assert (deployment.scan("CoreTable"), deployment.scan("NoncesTable")) == before


def test_an_altered_method_is_refused(deployment: Deployment) -> None:
    agent = deployment.agent()
    signed = deployment.sign(agent, "GET", "/v1/transactions", b"{}")
    assert_refused(deployment.send(replace(signed, method="POST")), 401, "invalid_credentials")


def test_an_altered_body_is_refused_and_not_recorded(deployment: Deployment) -> None:
    agent = deployment.agent()
    signed = deployment.payment(agent, "10")
    altered = replace(signed, body=signed.body.replace(b'"10"', b'"99"'))
    assert_refused(deployment.send(altered), 400, "body_digest_mismatch")
    assert deployment.transactions(agent) == []


def test_a_replay_is_refused(deployment: Deployment) -> None:
    signed = deployment.sign(deployment.agent(), "GET", "/v1/whoami")
    assert deployment.send(signed).status_code == 200
    assert_refused(deployment.send(signed), 401, "nonce_replayed")


def test_of_one_request_sent_by_32_threads_exactly_one_passes(deployment: Deployment) -> None:
    agent = deployment.agent()
    signed = deployment.payment(agent, "10")
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: deployment.send(signed), range(32)))
    codes = [answer.json().get("code", "approved") for answer in answers]
    assert sorted(codes) == ["approved"] + ["nonce_replayed"] * 31
    assert len(deployment.transactions(agent)) == 1


def test_a_revoked_key_is_refused(deployment: Deployment) -> None:
    agent = deployment.agent()
    revoked = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/keys/{agent.key_id}/revoke")
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
    assert_refused(deployment.send(deployment.sign(agent, "GET", "/v1/whoami")), 401, "invalid_credentials")
    assert_refused(deployment.pay(agent), 401, "invalid_credentials")


def test_a_key_is_bound_to_its_addresses(deployment: Deployment) -> None:
    agent = deployment.agent(key={"ip_ranges": ["192.0.2.0/24"]})
    assert_refused(deployment.send(deployment.sign(agent, "GET", "/v1/whoami")), 401, "ip_not_allowed")
    inside = replace(agent, address="192.0.2.9")
    assert deployment.send(deployment.sign(inside, "GET", "/v1/whoami")).status_code == 200


def test_an_unknown_route_is_not_found(deployment: Deployment) -> None:
    answer = deployment.send(deployment.sign(deployment.agent(), "GET", "/v1/nothing"))
    assert_refused(answer, 404, "not_found")


def test_an_address_that_forges_is_blocked_and_the_agent_is_not(deployment: Deployment, tap: Tap) -> None:
    agent, thief = deployment.agent(), "198.18.0.66"
    assert deployment.send(deployment.sign(agent, "GET", "/v1/whoami")).status_code == 200
    before = deployment.scan("CoreTable")
    forged = with_header(deployment.sign(replace(agent, address=thief), "GET", "/v1/whoami"), "X-Signature", "0" * 64)
    deadline = time.monotonic() + 40
    with ThreadPoolExecutor(8) as callers:
        while (answer := deployment.send(forged)).status_code == 401:
            assert time.monotonic() < deadline, "it was never blocked"
            list(callers.map(deployment.send, [forged] * 8))
    assert_refused(answer, 403, "blocked")
    (told,) = tap.wait(1, lambda event: event["type"] == "source.blocked" and event["ip"] == thief)
    assert told["data"]["address"] == thief
    assert deployment.scan("CoreTable") == before
    assert deployment.send(deployment.sign(agent, "GET", "/v1/whoami")).status_code == 200


@pytest.mark.parametrize("body", ["", "{", "[]", '{"amount": 1.5}', '{"amount": "1", "amount": "2"}'])
def test_a_malformed_body_is_refused_by_name(deployment: Deployment, body: str) -> None:
    agent = deployment.agent()
    headers = {"Idempotency-Key": fresh("payment")}
    answer = deployment.send(deployment.sign(agent, "POST", "/v1/transactions", body.encode(), headers=headers))
    assert_refused(answer, 400, "malformed_request")
    assert answer.json()["field"] == "body"
    assert json.loads(answer.text)["detail"].startswith("body: ")
