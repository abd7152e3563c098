"""Rates over HTTP: to the request, whatever the number of connections; and how soon a key or an agent is cut off."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from portcullis.protocol import keys
from tests.journey.deployment import Agent, Deployment

FULL = [(connections, 400, 100) for connections in (1, 8, 32)]
LIGHTER = [(1, 60, 15), (8, 160, 40), (32, 160, 40)]
"""Connections, requests, and how many of them may pass."""
CUT_OFF_SECONDS = 15


def no_refill(burst: int) -> dict[str, int]:
    return {"per_minute": 1, "burst": burst}


def outcomes(connections: int, requests: int, burst: int, send: Callable[[], httpx.Response]) -> Counter[int]:
    """Statuses of the requests, which must come within the minute in which nothing is refilled."""
    started = time.monotonic()
    with ThreadPoolExecutor(connections) as threads:
        answers = list(threads.map(lambda _: send(), range(requests)))
    assert time.monotonic() - started < 60, "too slow to tell: a token has come back"
    for answer in answers:
        if answer.status_code == 429:
            assert answer.json()["code"] == "rate_limited"
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert ";r=0;t=" in answer.headers["ratelimit"]
            assert f";q={burst};w={60 * burst}" in answer.headers["ratelimit-policy"]
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize(
    ("limited", "connections", "requests", "burst"),
    [("agent", *load) for load in FULL] + [("key", *load) for load in LIGHTER],
)
def test_of_many_payments_exactly_the_burst_passes(
    deployment: Deployment, connections: int, requests: int, burst: int, limited: str
) -> None:
    rate = {"rate": no_refill(burst)}
    agent = deployment.agent(rate) if limited == "agent" else deployment.agent(key=rate)
    statuses = outcomes(connections, requests, burst, lambda: deployment.pay(agent, "1"))
    assert statuses == {201: burst, 429: requests - burst}
    assert len(deployment.transactions(agent)) == burst


@pytest.mark.parametrize(("connections", "requests", "burst"), LIGHTER)
@pytest.mark.parametrize("limited", ["agent", "key"])
def test_of_many_reads_exactly_the_burst_passes(
    deployment: Deployment, connections: int, requests: int, burst: int, limited: str
) -> None:
    rate = no_refill(burst)
    agent = deployment.agent({"call_rate": rate}) if limited == "agent" else deployment.agent(key={"rate": rate})
    statuses = outcomes(
        connections, requests, burst, lambda: deployment.send(deployment.sign(agent, "GET", "/v1/whoami"))
    )
    assert statuses == {200: burst, 429: requests - burst}


def test_reads_that_are_too_many_cost_no_payment(deployment: Deployment) -> None:
    agent = deployment.agent({"call_rate": {"per_minute": 1, "burst": 1}})
    read = deployment.sign(agent, "GET", "/v1/whoami"), deployment.sign(agent, "GET", "/v1/whoami")
    assert [deployment.send(request).status_code for request in read] == [200, 429]
    paid = deployment.pay(agent, "1")
    assert (paid.status_code, paid.headers["ratelimit-policy"]) == (201, '"agent";q=1000;w=10')


def warm(deployment: Deployment, agent: Agent) -> str:
    """Read on many connections, so that every process knows the key and the account. The path that was read."""
    path = f"/v1/transactions/{deployment.pay(agent, '1').json()['id']}"
    with ThreadPoolExecutor(8) as threads:
        read = list(threads.map(lambda _: deployment.send(deployment.sign(agent, "GET", path)), range(40)))
    assert {answer.status_code for answer in read} == {200}
    return path


def test_payments_stop_at_once_and_reads_within_15_seconds(deployment: Deployment) -> None:
    revoked, suspended = deployment.agent(), deployment.agent()
    paths = {revoked: warm(deployment, revoked), suspended: warm(deployment, suspended)}
    codes = {revoked: "invalid_credentials", suspended: "agent_suspended"}
    key = f"/v1/agents/{revoked.agent_id}/keys/{revoked.key_id}"
    suspension = f"/v1/agents/{suspended.agent_id}/suspend"
    assert deployment.operator("POST", f"{key}/revoke").status_code == 200
    assert deployment.operator("POST", suspension, {"reason": "drill"}).status_code == 200
    cut_off = time.monotonic() + CUT_OFF_SECONDS
    for agent, code in codes.items():
        assert {deployment.pay(agent, "1").json()["code"] for _ in range(8)} == {code}
    while time.monotonic() < cut_off:
        for agent, code in codes.items():
            read = deployment.send(deployment.sign(agent, "GET", paths[agent]))
            assert read.json().get("code") in (None, code)
        time.sleep(0.3)
    for agent, code in codes.items():
        with ThreadPoolExecutor(8) as threads:
            reads = list(
                threads.map(lambda who: deployment.send(deployment.sign(who, "GET", paths[who])), [agent] * 32)
            )
        assert {read.json().get("code") for read in reads} == {code}


def test_a_key_issued_right_after_it_was_refused_as_unknown_works_at_once(deployment: Deployment) -> None:
    agent = deployment.agent()
    idempotency = f"issue-{agent.agent_id}"
    later = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/keys", {}, Idempotency_Key=idempotency).json()
    issued = Agent(agent.agent_id, later["key_id"], later["secret"], agent.address)
    table, key = deployment.outputs["CoreTable"], {"pk": {"S": f"KEY#{issued.key_id}"}, "sk": {"S": "KEY"}}
    dynamodb = deployment.root("dynamodb")
    record = dynamodb.get_item(TableName=table, Key=key)["Item"]
    dynamodb.delete_item(TableName=table, Key=key)
    with ThreadPoolExecutor(8) as threads:
        unknown = list(threads.map(lambda _: deployment.pay(issued, "1"), range(24)))
    assert {answer.json()["code"] for answer in unknown} == {"invalid_credentials"}
    dynamodb.put_item(TableName=table, Item=record)
    with ThreadPoolExecutor(8) as threads:
        known = list(threads.map(lambda _: deployment.pay(issued, "1"), range(24)))
    assert {answer.status_code for answer in known} == {201}


def test_an_unknown_key_and_a_wrong_signature_get_byte_identical_answers(deployment: Deployment) -> None:
    agent = deployment.agent()
    stranger = Agent(agent.agent_id, keys.new_key_id("local", "0", b"\x02" * 20), agent.secret, agent.address)
    forger = Agent(agent.agent_id, agent.key_id, stranger.secret[::-1], agent.address)
    answers = [deployment.send(deployment.sign(caller, "GET", "/v1/whoami")) for caller in (stranger, forger)]
    bodies = {answer.text.replace(answer.json()["request_id"], "") for answer in answers}
    assert len(bodies) == 1
    told = [{name for name in answer.headers if name not in ("date", "x-amzn-requestid")} for answer in answers]
    assert told[0] == told[1]
    assert [answer.status_code for answer in answers] == [401, 401]


def test_a_retiring_key_works_on_beside_its_successor(deployment: Deployment) -> None:
    agent = deployment.agent()
    successor = deployment.issue_key(agent)
    warm(deployment, agent)
    until = datetime.now(UTC) + timedelta(seconds=60)
    path = f"/v1/agents/{agent.agent_id}/keys/{agent.key_id}/retire"
    retired = deployment.operator("POST", path, {"until": until.isoformat()})
    assert (retired.status_code, retired.json()["state"]) == (200, "retiring")
    assert {deployment.pay(key, "1").status_code for key in (agent, successor) for _ in range(8)} == {201}
