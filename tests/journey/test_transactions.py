"""What becomes of a transaction: approved, held, denied, once, within its budget, and on the bus."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.tap import Tap
from tests.journey.deployment import WALLET, Agent, Deployment, fresh

OTHER_WALLET = "0x8617e340b3d01fa5f11f306f4090fd50e238070d"


def test_a_payment_within_policy_is_approved_and_can_be_read(deployment: Deployment) -> None:
    agent = deployment.agent()
    answer = deployment.pay(agent, "12.50", memo="invoice 17")
    assert (answer.status_code, answer.json()["status"], answer.json()["usd"]) == (201, "approved", "12.50")
    path = f"/v1/transactions/{answer.json()['id']}"
    assert deployment.send(deployment.sign(agent, "GET", path)).json() == answer.json()
    assert deployment.send(deployment.sign(deployment.agent(), "GET", path)).json()["code"] == "not_found"


def test_a_payment_above_the_threshold_is_held(deployment: Deployment) -> None:
    agent = deployment.agent()
    answer = deployment.pay(agent, "250")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending_approval")
    assert answer.json()["approval"]["by"] == "human"
    assert deployment.spent(agent) == 250_000_000


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"amount": "500.01"}, "per_transaction_limit"),
        ({"destination": {"wallet": OTHER_WALLET}}, "destination_not_allowlisted"),
        ({"destination": {"contract": WALLET}}, "destination_not_allowlisted"),
        ({"token": "DOGE"}, "token_unpriced"),
    ],
)
def test_what_the_policy_does_not_allow_is_denied(deployment: Deployment, fields: dict[str, Any], rule: str) -> None:
    agent = deployment.agent()
    answer = deployment.pay(agent, **{"amount": "1", **fields})
    assert (answer.status_code, answer.json()["code"]) == (403, "policy_denied")
    assert [violation["rule"] for violation in answer.json()["violations"]] == [rule]
    assert answer.headers["content-type"] == "application/problem+json"
    (recorded,) = deployment.transactions(agent)
    assert recorded["status"]["S"] == "denied"
    assert deployment.spent(agent) == 0


def test_32_threads_racing_for_a_budget_of_ten_get_exactly_ten(deployment: Deployment) -> None:
    agent = deployment.agent({"limits": {"per_transaction": "10", "daily": "100"}})
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: deployment.pay(agent, "10"), range(32)))
    outcomes = [answer.status_code for answer in answers]
    assert (outcomes.count(201), outcomes.count(403)) == (10, 22)
    assert {answer.json()["violations"][0]["rule"] for answer in answers if answer.status_code == 403} == {
        "daily_limit"
    }
    assert deployment.spent(agent) == 100_000_000


def test_the_same_idempotency_key_in_parallel_is_one_transaction(deployment: Deployment) -> None:
    agent, key = deployment.agent(), fresh("payment")
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: deployment.pay(agent, "10", key=key), range(32)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert len(deployment.transactions(agent)) == 1
    assert deployment.spent(agent) == 10_000_000
    other = deployment.pay(agent, "11", key=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_the_burst_is_exact_for_32_threads(deployment: Deployment) -> None:
    agent = deployment.agent({"rate": {"per_minute": 1, "burst": 7}})
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: deployment.pay(agent, "1"), range(32)))
    outcomes = [answer.status_code for answer in answers]
    assert (outcomes.count(201), outcomes.count(429)) == (7, 25)
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert limited.json()["code"] == "rate_limited"
    assert 1 <= int(limited.headers["retry-after"]) <= 60


def under_load(deployment: Deployment, agent: Agent, change: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Eight threads pay while ``change`` is made; then they go on for a while. Every answer, in no order."""
    answers: list[httpx.Response] = []
    stop = threading.Event()

    def pay() -> None:
        while not stop.is_set():
            answers.append(deployment.pay(agent, "1"))

    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(pay)
        _until(lambda: sum(answer.status_code == 201 for answer in answers) >= 20)
        changed = change()
        committed = {item["sk"]["S"] for item in deployment.transactions(agent) if _old(item)}
        seen = len(answers)
        _until(lambda: len(answers) >= seen + 60)
        stop.set()
    assert changed.status_code == 200, changed.text
    assert {item["sk"]["S"] for item in deployment.transactions(agent) if _old(item)} == committed
    return answers


def _old(item: dict[str, Any]) -> bool:
    """Approved, and under the first policy."""
    return bool(item["status"]["S"] == "approved" and item["policy_version"]["N"] == "1")


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the load did not get there in time"
        time.sleep(0.01)


def test_nothing_commits_under_a_policy_that_was_replaced(deployment: Deployment) -> None:
    agent = deployment.agent()
    path = f"/v1/agents/{agent.agent_id}/policy"
    document = deployment.operator("GET", path).json()["policy"] | {"allowlist": {"wallets": []}}
    answers = under_load(deployment, agent, lambda: deployment.operator("PUT", path, document, If_Match='"1"'))
    assert {answer.status_code for answer in answers} == {201, 403}


def test_nothing_commits_after_a_suspension(deployment: Deployment) -> None:
    agent = deployment.agent()
    path = f"/v1/agents/{agent.agent_id}/suspend"
    answers = under_load(deployment, agent, lambda: deployment.operator("POST", path, {"reason": "drill"}))
    assert {answer.json().get("code") for answer in answers} == {None, "agent_suspended"}


def test_nothing_commits_with_a_revoked_key(deployment: Deployment) -> None:
    agent = deployment.agent()
    path = f"/v1/agents/{agent.agent_id}/keys/{agent.key_id}/revoke"
    answers = under_load(deployment, agent, lambda: deployment.operator("POST", path))
    assert {answer.json().get("code") for answer in answers} == {None, "invalid_credentials"}


def test_every_decision_and_change_reaches_the_bus_once_in_the_envelope(deployment: Deployment, tap: Tap) -> None:
    agent = deployment.agent()
    approved, held, denied = (deployment.pay(agent, amount) for amount in ("10", "200", "501"))
    deployment.operator("POST", f"/v1/agents/{agent.agent_id}/suspend", {"reason": "drill"})
    events = tap.wait(6, lambda event: event["agent"] == agent.agent_id)
    assert sorted(event["type"] for event in events) == [
        "agent.created",
        "agent.suspended",
        "key.issued",
        "transaction.approved",
        "transaction.denied",
        "transaction.pending_approval",
    ]
    assert len({event["id"] for event in events}) == 6
    names = {"v", "id", "type", "agent", "key", "ip", "at", "txid", "rev", "verified", "data"}
    assert all(set(event) == names for event in events)
    by_type = {event["type"]: event for event in events}
    assert by_type["transaction.approved"]["data"] == approved.json()
    assert by_type["transaction.pending_approval"]["txid"] == held.json()["id"]
    assert by_type["transaction.denied"]["txid"] == denied.json()["transaction_id"]
    assert by_type["transaction.approved"]["ip"] == agent.address
    assert by_type["transaction.approved"]["verified"] is True
