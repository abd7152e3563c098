"""Decisions over the real handlers: approved, held, denied, idempotent; what is recorded and what is not."""

from typing import Any

import pytest

from tests.functions.deployed import POLICY, WALLET, Deployed, unique

OTHER_WALLET = "0x8617e340b3d01fa5f11f306f4090fd50e238070d"


def spent(stack: Deployed, agent_id: str) -> int:
    key = {"pk": {"S": f"AGENT#{agent_id}"}, "sk": {"S": "ACCOUNT"}}
    account = stack.dynamodb.get_item(TableName=stack.environment["CORE_TABLE"], Key=key)["Item"]
    return sum(int(value["N"]) for name, value in account.items() if name[0] == "d" and name[1:].isdigit())


def test_a_payment_within_policy_is_approved(stack: Deployed) -> None:
    agent = stack.agent()
    answer = stack.pay(agent, "12.50")
    assert (answer.status, answer.body["status"], answer.body["usd"]) == (201, "approved", "12.50")
    fetched = stack.call(agent, "GET", f"/v1/transactions/{answer.body['id']}")
    assert fetched.body == answer.body


def test_a_payment_above_the_threshold_is_held_and_its_budget_reserved(stack: Deployed) -> None:
    agent = stack.agent()
    answer = stack.pay(agent, "100.01")
    assert (answer.status, answer.body["status"]) == (202, "pending_approval")
    assert answer.body["approval"]["by"] == "human"
    assert spent(stack, agent.agent_id) == 100_010_000


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"amount": "500.01"}, "per_transaction_limit"),
        ({"destination": {"wallet": OTHER_WALLET}}, "destination_not_allowlisted"),
        ({"chain": "ethereum"}, "destination_not_allowlisted"),
        ({"destination": {"contract": WALLET}}, "destination_not_allowlisted"),
        ({"token": "DOGE"}, "token_unpriced"),
    ],
)
def test_what_the_policy_does_not_allow_is_denied_recorded_and_spends_nothing(
    stack: Deployed, fields: dict[str, Any], rule: str
) -> None:
    agent = stack.agent()
    answer = stack.pay(agent, fields=fields)
    assert (answer.status, answer.code) == (403, "policy_denied")
    assert [violation["rule"] for violation in answer.body["violations"]] == [rule]
    recorded = stack.call(agent, "GET", f"/v1/transactions/{answer.body['transaction_id']}")
    assert recorded.body["status"] == "denied"
    assert spent(stack, agent.agent_id) == 0


def test_the_daily_budget_is_exact_to_the_micro(stack: Deployed) -> None:
    agent = stack.agent({**POLICY, "tiers": {"human_above": "500"}})
    assert [stack.pay(agent, "400").status for _ in range(2)] == [201, 201]
    over = stack.pay(agent, "200.000001")
    assert (over.status, [v["rule"] for v in over.body["violations"]]) == (403, ["daily_limit"])
    assert stack.pay(agent, "200").status == 201
    assert spent(stack, agent.agent_id) == 1_000_000_000


def test_the_same_idempotency_key_gives_the_same_answer_and_spends_once(stack: Deployed) -> None:
    agent, key = stack.agent(), unique("again")
    first, second = stack.pay(agent, "10", key=key), stack.pay(agent, "10.00", key=key)
    assert (first.status, first.body) == (second.status, second.body)
    assert spent(stack, agent.agent_id) == 10_000_000


def test_a_denial_is_repeated_too(stack: Deployed) -> None:
    agent, key = stack.agent(), unique("again")
    first, second = stack.pay(agent, "501", key=key), stack.pay(agent, "501", key=key)
    assert first.status == second.status == 403
    assert first.body["transaction_id"] == second.body["transaction_id"]


def test_other_content_under_the_same_key_is_a_conflict(stack: Deployed) -> None:
    agent, key = stack.agent(), unique("again")
    assert stack.pay(agent, "10", key=key).status == 201
    assert stack.pay(agent, "11", key=key).code == "idempotency_conflict"


def test_two_agents_may_use_the_same_idempotency_key(stack: Deployed) -> None:
    key = unique("shared")
    answers = [stack.pay(stack.agent(), "10", key=key) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].body["id"] != answers[1].body["id"]


def test_an_agent_cannot_read_another_agents_transaction(stack: Deployed) -> None:
    payment = stack.pay(stack.agent())
    answer = stack.call(stack.agent(), "GET", f"/v1/transactions/{payment.body['id']}")
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("key", ["short", "x" * 129, "with spaces in the key"])
def test_a_malformed_idempotency_key_is_named(stack: Deployed, key: str) -> None:
    answer = stack.pay(stack.agent(), key=key)
    assert (answer.status, answer.code, answer.body["field"]) == (400, "malformed_request", "Idempotency-Key")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount": "-1"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": 10}, "amount"),
        ({"chain": "dogecoin"}, "chain"),
        ({"destination": {"wallet": "0x52908400098527886E0F7030069857D2E4169Ee7"}}, "destination.wallet"),
        ({"usd_value": "1"}, "usd_value"),
        ({"memo": "x" * 141}, "memo"),
    ],
)
def test_a_malformed_field_is_named_and_nothing_is_recorded(
    stack: Deployed, fields: dict[str, Any], field: str
) -> None:
    agent = stack.agent()
    answer = stack.pay(agent, fields=fields)
    assert (answer.status, answer.code, answer.body["field"]) == (400, "malformed_request", field)
    assert not [item for item in stack.items() if item["sk"]["S"].startswith("TX#")]


def test_an_expired_price_is_no_price(stack: Deployed) -> None:
    stack.price("ETH", "2000", expires_at="2020-01-01T00:00:00Z")
    answer = stack.pay(stack.agent(), fields={"token": "ETH"})
    assert [violation["rule"] for violation in answer.body["violations"]] == ["price_stale"]


def test_the_burst_is_exact_and_then_rate_limited(stack: Deployed) -> None:
    agent = stack.agent({**POLICY, "rate": {"per_minute": 1, "burst": 3}})
    assert [stack.pay(agent, "1").status for _ in range(5)] == [201, 201, 201, 429, 429]
    limited = stack.pay(agent, "1")
    assert limited.code == "rate_limited"
    assert 1 <= int(limited.headers["Retry-After"]) <= 60


def test_a_key_without_the_scope_is_refused(stack: Deployed) -> None:
    agent = stack.agent(scopes=["transactions:read"])
    assert (stack.pay(agent).status, stack.pay(agent).code) == (403, "scope_missing")


def test_whoami_tells_agent_and_key(stack: Deployed) -> None:
    agent = stack.agent()
    answer = stack.call(agent, "GET", "/v1/whoami")
    assert (answer.status, answer.body["agent_id"], answer.body["key_id"]) == (200, agent.agent_id, agent.key_id)


def test_every_answer_carries_the_security_headers(stack: Deployed) -> None:
    answer = stack.call(stack.agent(), "GET", "/v1/whoami")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" in answer.headers


CALL = {"selector": "0x095ea7b3", "data_sha256": "0" * 64}


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "contract_call", "call": CALL},
        {"kind": "swap", "token_out": "SCAM", "min_out": "1"},
        {"kind": "escrow_create", "escrow_id": "e1"},
        {"kind": "escrow_release", "escrow_id": "e1"},
    ],
)
def test_a_kind_whose_effect_lies_elsewhere_is_denied_even_to_an_allowlisted_wallet(
    stack: Deployed, fields: dict[str, Any]
) -> None:
    answer = stack.pay(stack.agent(), "0.01", fields=fields)
    assert [violation["rule"] for violation in answer.body["violations"]] == ["kind_not_allowed"]
