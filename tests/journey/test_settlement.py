"""From approval to payment over HTTP: an executor of its own, events of every step, budgets given back, the freeze."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.tap import Tap
from tests.journey.deployment import POLICY, Agent, Deployment, fresh

EXECUTOR = {"scopes": ["transactions:read", "transactions:claim"]}


@pytest.fixture
def pays(deployment: Deployment) -> Agent:
    return deployment.agent(key=EXECUTOR)


@pytest.fixture
def agent(deployment: Deployment, pays: Agent) -> Agent:
    return deployment.agent({"executors": [pays.agent_id]})


def step(deployment: Deployment, caller: Agent, txid: str, action: str, **body: Any) -> httpx.Response:
    path = f"/v1/transactions/{txid}/{action}"
    return deployment.send(deployment.sign(caller, "POST", path, json.dumps(body).encode()))


def get(deployment: Deployment, caller: Agent, agent: Agent, txid: str = "") -> httpx.Response:
    path = f"/v1/transactions{'/' + txid if txid else ''}?agent={agent.agent_id}"
    return deployment.send(deployment.sign(caller, "GET", path))


def overdue(deployment: Deployment, agent: Agent, txid: str) -> None:
    """Let a day have passed for this transaction."""
    key = {"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": f"TX#{txid}"}}
    table, dynamodb = deployment.outputs["CoreTable"], deployment.root("dynamodb")
    stored = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    ago = {name: {"N": str(int(stored[name]["N"]) - 25 * 3600 * 1_000_000)} for name in ("created_at", "expires_at")}
    dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET created_at = :created, expires_at = :expires",
        ExpressionAttributeValues={":created": ago["created_at"], ":expires": ago["expires_at"]},
    )


def status(deployment: Deployment, agent: Agent, txid: str) -> str:
    """The status as it is stored: reading it by the API would move it."""
    (stored,) = [item for item in deployment.transactions(agent) if item["sk"]["S"] == f"TX#{txid}"]
    return str(stored["status"]["S"])


def until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.5)


def test_approved_claimed_settled_and_each_step_is_on_the_bus(
    deployment: Deployment, agent: Agent, pays: Agent, tap: Tap
) -> None:
    txid, token = deployment.pay(agent, "12.50").json()["id"], fresh("claim")
    shown = get(deployment, pays, agent).json()["transactions"]
    assert [(one["id"], one["status"]) for one in shown] == [(txid, "approved")]
    named = {"agent_id": agent.agent_id, "claim_token": token}
    claimed = step(deployment, pays, txid, "claim", **named)
    assert (claimed.status_code, claimed.json()["status"]) == (200, "executing")
    assert step(deployment, pays, txid, "claim", **named).json() == claimed.json()
    taken = step(deployment, pays, txid, "claim", agent_id=agent.agent_id, claim_token=fresh("claim"))
    assert (taken.status_code, taken.json()["code"]) == (409, "state_conflict")
    settled = step(deployment, pays, txid, "settle", **named, reference="0xfeed")
    assert (settled.status_code, settled.json()["status"], settled.json()["outcome"]) == (200, "settled", "0xfeed")
    assert deployment.spent(agent) == 12_500_000
    events = tap.wait(3, lambda event: event["txid"] == txid)
    told = sorted((event["rev"], event["type"], event["key"], event["verified"]) for event in events)
    assert told == [
        (1, "transaction.approved", agent.key_id, True),
        (2, "transaction.executing", pays.key_id, True),
        (3, "transaction.settled", pays.key_id, True),
    ]
    assert {event["agent"] for event in events} == {agent.agent_id}
    assert token not in json.dumps(events)


def test_a_failure_and_a_cancellation_give_the_budget_back(deployment: Deployment, agent: Agent, pays: Agent) -> None:
    failing, cancelled, held = (deployment.pay(agent, amount).json()["id"] for amount in ("10", "20", "200"))
    assert deployment.spent(agent) == 230_000_000
    named = {"agent_id": agent.agent_id, "claim_token": fresh("claim")}
    step(deployment, pays, failing, "claim", **named)
    assert step(deployment, pays, failing, "fail", **named, reason="no funds").json()["status"] == "failed"
    for txid in (cancelled, held):
        assert step(deployment, agent, txid, "cancel").json()["status"] == "cancelled"
    assert deployment.spent(agent) == 0
    assert step(deployment, pays, cancelled, "claim", **named).json()["code"] == "state_conflict"


def test_an_executor_of_another_agent_learns_nothing(deployment: Deployment, agent: Agent) -> None:
    stranger, txid = deployment.agent(key=EXECUTOR), deployment.pay(agent).json()["id"]
    named = {"agent_id": agent.agent_id, "claim_token": fresh("claim")}
    answers = [
        step(deployment, stranger, txid, "claim", **named),
        get(deployment, stranger, agent),
        get(deployment, stranger, agent, txid),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}
    own = step(deployment, agent, txid, "claim", **named)
    assert (own.status_code, own.json()["code"]) == (403, "scope_missing")


def test_a_key_that_may_create_may_not_claim(deployment: Deployment, agent: Agent) -> None:
    scopes = ["transactions:create", "transactions:claim"]
    refused = deployment.operator("POST", f"/v1/agents/{agent.agent_id}/keys", {"scopes": scopes})
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_request")


def test_a_suspension_freezes_what_was_approved(deployment: Deployment, agent: Agent, pays: Agent) -> None:
    approved, claimed = (deployment.pay(agent).json()["id"] for _ in range(2))
    named = {"agent_id": agent.agent_id, "claim_token": fresh("claim")}
    step(deployment, pays, claimed, "claim", **named)
    deployment.operator("POST", f"/v1/agents/{agent.agent_id}/suspend", {"reason": "drill"})
    frozen = step(deployment, pays, approved, "claim", **named)
    assert (frozen.status_code, frozen.json()["code"]) == (409, "state_conflict")
    assert "frozen" in frozen.json()["detail"]
    paid = step(deployment, pays, claimed, "settle", **named, reference="0xfeed")
    assert paid.json()["status"] == "settled", "what was paid before it is paid"


def test_who_reads_an_overdue_one_reads_that_it_has_expired(deployment: Deployment, agent: Agent, pays: Agent) -> None:
    txid = deployment.pay(agent).json()["id"]
    overdue(deployment, agent, txid)
    assert get(deployment, pays, agent, txid).json()["status"] == "expired"
    assert deployment.spent(agent) == 0


def test_the_schedule_moves_on_what_nobody_reads(deployment: Deployment, agent: Agent, pays: Agent, tap: Tap) -> None:
    unclaimed, unreported = (deployment.pay(agent, amount).json()["id"] for amount in ("10", "20"))
    named = {"agent_id": agent.agent_id, "claim_token": fresh("claim")}
    step(deployment, pays, unreported, "claim", **named)
    for txid in (unclaimed, unreported):
        overdue(deployment, agent, txid)
    until(lambda: status(deployment, agent, unclaimed) == "expired", 120)
    until(lambda: status(deployment, agent, unreported) == "needs_reconciliation", 30)
    assert deployment.spent(agent) == 20_000_000, "nobody knows whether it was paid"
    types = ("transaction.expired", "transaction.needs_reconciliation")
    events = tap.wait(2, lambda event: event["agent"] == agent.agent_id and event["type"] in types)
    assert {(event["key"], event["verified"], event["data"]["updated_by"]) for event in events} == {
        (None, False, "gateway")
    }


def test_an_executor_that_the_policy_names_no_more_claims_no_more(
    deployment: Deployment, agent: Agent, pays: Agent
) -> None:
    txid, path = deployment.pay(agent).json()["id"], f"/v1/agents/{agent.agent_id}/policy"
    document = deployment.operator("GET", path).json()["policy"] | {"executors": []}
    assert deployment.operator("PUT", path, {**POLICY, **document}, If_Match='"1"').status_code == 200
    named = {"agent_id": agent.agent_id, "claim_token": fresh("claim")}
    assert step(deployment, pays, txid, "claim", **named).status_code == 404
