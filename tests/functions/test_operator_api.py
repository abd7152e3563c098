"""The operator API: each change is one transaction with its event, numbered without gaps."""

import json
from typing import Any

import pytest

from functions.operator_api import handler as operator_api
from functions.outbox import handler as outbox
from tests.functions.api_events import load_event
from tests.functions.deployed import POLICY, Deployed, unique


def test_a_new_agent_is_active_under_policy_version_one(stack: Deployed) -> None:
    created = stack.operator("POST", "/v1/agents", {"name": "payer", "policy": POLICY})
    assert (created.status, created.body["state"], created.body["policy_version"]) == (201, "active", 1)
    fetched = stack.operator("GET", "/v1/agents/{agent}", agent=created.body["agent_id"])
    assert fetched.body == created.body


def test_creating_again_under_the_same_key_gives_the_same_agent(stack: Deployed) -> None:
    headers = {"Idempotency-Key": unique("create")}
    body = {"name": "payer", "policy": POLICY}
    first, second = (stack.operator("POST", "/v1/agents", body, headers=headers) for _ in range(2))
    assert first.body == second.body
    other = stack.operator("POST", "/v1/agents", {**body, "name": "other"}, headers=headers)
    assert (other.status, other.code) == (409, "idempotency_conflict")


def test_the_secret_is_shown_once_and_stored_nowhere(stack: Deployed) -> None:
    agent = stack.agent()
    listed = stack.operator("GET", "/v1/agents/{agent}/keys", agent=agent.agent_id)
    assert [key["key_id"] for key in listed.body["keys"]] == [agent.key_id]
    assert agent.secret not in str(listed.body)
    assert agent.secret not in str(stack.items())


def test_issuing_again_under_the_same_key_shows_the_same_secret_for_a_while(stack: Deployed) -> None:
    agent, headers = stack.agent(), {"Idempotency-Key": unique("issue")}

    def issue(body: dict[str, Any]) -> Any:
        return stack.operator("POST", "/v1/agents/{agent}/keys", body, headers=headers, agent=agent.agent_id)

    assert issue({}).body == issue({}).body
    assert issue({"scopes": ["transactions:read"]}).code == "idempotency_conflict"


def test_an_agent_has_at_most_eight_live_keys(stack: Deployed) -> None:
    agent = stack.agent()
    answers = [stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id) for _ in range(8)]
    assert [answer.status for answer in answers] == [201] * 7 + [409]
    revoked = stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=agent.agent_id, key=agent.key_id)
    assert (revoked.body["state"], revoked.body["version"]) == ("revoked", 2)
    assert stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id).status == 201


def test_a_suspended_agent_gets_no_key(stack: Deployed) -> None:
    agent = stack.agent()
    suspended = stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=agent.agent_id)
    assert (suspended.body["state"], suspended.body["epoch"]) == ("suspended", 2)
    refused = stack.operator("POST", "/v1/agents/{agent}/keys", {}, agent=agent.agent_id)
    assert (refused.status, refused.code) == (409, "state_conflict")


def test_a_policy_is_replaced_only_under_the_version_it_was_read_at(stack: Deployed) -> None:
    agent = stack.agent()
    stricter = {**POLICY, "tiers": {"human_above": "1"}}

    def put(version: str) -> Any:
        headers = {"If-Match": version}
        return stack.operator("PUT", "/v1/agents/{agent}/policy", stricter, headers=headers, agent=agent.agent_id)

    assert put('"1"').body["version"] == 2
    assert put('"1"').body["version"] == 2, "the same put again is a retry"
    assert put('"3"').code == "state_conflict"
    assert put("latest").body["field"] == "If-Match"
    read = stack.operator("GET", "/v1/agents/{agent}/policy", agent=agent.agent_id)
    assert (read.headers["ETag"], read.body["policy"]["tiers"]["human_above"]) == ('"2"', "1.00")


def test_every_change_has_an_event_and_the_numbers_have_no_gap(stack: Deployed) -> None:
    agent = stack.agent()
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=agent.agent_id, key=agent.key_id)
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=agent.agent_id)
    listed = stack.operator("GET", "/v1/agents/{agent}/events", agent=agent.agent_id).body["events"]
    kinds = [(event["rev"], event["type"]) for event in reversed(listed)]
    assert kinds == [(1, "agent.created"), (2, "key.issued"), (3, "key.revoked"), (4, "agent.suspended")]
    assert {event["data"]["actor"] for event in listed} == {"arn:aws:iam::123456789012:user/operator"}


def test_transactions_are_listed_newest_first_page_by_page(stack: Deployed) -> None:
    agent = stack.agent()
    made = [stack.pay(agent, amount).body for amount in ("1", "2", "150", "3")]
    ids: list[str] = []
    cursor: Any = ""
    while cursor is not None:
        query = f"?limit=3&cursor={cursor}" if cursor else "?limit=3"
        page = stack.operator("GET", f"/v1/agents/{{agent}}/transactions{query}", agent=agent.agent_id).body
        ids += [transaction["id"] for transaction in page["transactions"]]
        cursor = page["cursor"]
    assert ids == [transaction["id"] for transaction in reversed(made)]
    held = stack.operator("GET", "/v1/agents/{agent}/transactions?status=pending_approval", agent=agent.agent_id)
    assert [transaction["id"] for transaction in held.body["transactions"]] == [made[2]["id"]]


def test_agents_are_listed(stack: Deployed) -> None:
    made = {stack.agent().agent_id for _ in range(3)}
    listed = stack.operator("GET", "/v1/agents").body
    assert {agent["agent_id"] for agent in listed["agents"]} == made
    assert listed["cursor"] is None


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        ("/v1/agents?limit=0", "limit"),
        ("/v1/agents?limit=x", "limit"),
        ("/v1/agents?limit=", "limit"),
        ("/v1/agents?cursor=x", "cursor"),
        ("/v1/agents?cursor=", "cursor"),
    ],
)
def test_a_malformed_parameter_is_named(stack: Deployed, resource: str, field: str) -> None:
    answer = stack.operator("GET", resource)
    assert (answer.status, answer.body["field"]) == (400, field)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tiers": {"human_above": "ten"}}, "policy.tiers.human_above"),
        ({"tiers": {"human_above": "1"}, "extra": 1}, "policy.extra"),
        ({"allowlist": {"wallets": ["base:0x1"]}}, "policy.allowlist.wallets.0"),
        ({"rate": {"burst": 0}}, "policy.rate.burst"),
    ],
)
def test_a_malformed_policy_is_named(stack: Deployed, change: dict[str, Any], field: str) -> None:
    answer = stack.operator("POST", "/v1/agents", {"name": "payer", "policy": {**POLICY, **change}})
    assert (answer.status, answer.body["field"]) == (400, field)


def test_an_unknown_agent_is_not_found(stack: Deployed) -> None:
    for agent in ("ag_0000000000000000000000", "nonsense"):
        assert stack.operator("GET", "/v1/agents/{agent}", agent=agent).code == "not_found"


def test_a_price_names_its_expiry(stack: Deployed) -> None:
    stack.price("ETH", "2000.5", expires_at="2030-01-01T00:00:00Z")
    listed = stack.operator("GET", "/v1/prices").body["prices"]
    assert (listed["ETH"]["usd"], listed["ETH"]["expires_at"]) == ("2000.5", "2030-01-01T00:00:00.000Z")
    assert listed["USDC"]["expires_at"] is None
    stack.price("USDC", "1")
    listed = stack.operator("GET", "/v1/prices").body["prices"]
    assert listed["USDC"]["expires_at"] is not None, "a day, unless it is said otherwise"


def test_the_outbox_makes_an_event_of_a_transaction_and_of_a_change(stack: Deployed) -> None:
    records = load_event("outbox/batch.json")
    transaction, change = outbox.handler(records, None)  # type: ignore[arg-type]
    assert (transaction["type"], transaction["id"]) == ("transaction.approved", f"{transaction['txid']}#1")
    assert (change["type"], change["verified"]) == ("key.issued", False)


def test_the_outbox_makes_an_event_of_what_it_cannot_read(stack: Deployed) -> None:
    record = load_event("outbox/batch.json")[0]  # type: ignore[index]
    del record["dynamodb"]["NewImage"]["content"]
    (event,) = outbox.handler([record], None)
    assert event["type"] == "outbox.malformed"
    assert event["data"]["sk"] == record["dynamodb"]["Keys"]["sk"]["S"]


def test_another_operator_is_not_shown_the_secret_again(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agent, headers = stack.agent(), {"Idempotency-Key": unique("issue")}
    first = stack.operator("POST", "/v1/agents/{agent}/keys", {}, headers=headers, agent=agent.agent_id)
    monkeypatch.setattr(stack, "caller", "arn:aws:iam::123456789012:user/another")
    second = stack.operator("POST", "/v1/agents/{agent}/keys", {}, headers=headers, agent=agent.agent_id)
    assert first.body["key_id"] != second.body["key_id"]


def test_a_repeated_idempotency_key_header_is_refused(stack: Deployed) -> None:
    event = load_event("operator_api/request.json")
    event |= {"httpMethod": "POST", "body": "{}"}
    event["multiValueHeaders"]["Idempotency-Key"] = [unique("a"), unique("b")]
    event["body"] = json.dumps({"name": "payer", "policy": POLICY})
    answer = json.loads(operator_api.handler(event, None)["body"])
    assert (answer["code"], answer["field"]) == ("malformed_request", "Idempotency-Key")


@pytest.mark.parametrize("cursor", ["MQ", "bnVsbA", "W3RydWUsIngiXQ", "A" * 4000, "%00"])
def test_a_made_up_cursor_is_refused(stack: Deployed, cursor: str) -> None:
    agent = stack.agent().agent_id
    for listed in ("transactions", "keys", "events"):
        answer = stack.operator("GET", f"/v1/agents/{{agent}}/{listed}?cursor={cursor}", agent=agent)
        assert (answer.status, answer.body["field"]) == (400, "cursor")


def test_a_key_that_cannot_exist_is_not_found(stack: Deployed) -> None:
    path = "/v1/agents/{agent}/keys/{key}/revoke"
    assert stack.operator("POST", path, agent=stack.agent().agent_id, key="k" * 3000).code == "not_found"


def test_a_new_policy_starts_the_rate_anew(stack: Deployed) -> None:
    agent = stack.agent({**POLICY, "rate": {"per_minute": 1, "burst": 50}})
    assert [stack.pay(agent, "1").status for _ in range(5)] == [201] * 5
    stricter, headers = {**POLICY, "rate": {"per_minute": 600, "burst": 1}}, {"If-Match": '"1"'}
    stack.operator("PUT", "/v1/agents/{agent}/policy", stricter, headers=headers, agent=agent.agent_id)
    assert stack.pay(agent, "1").status == 201
