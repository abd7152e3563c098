"""From the decision to the end: claimed, settled, failed, cancelled, expired; who may, and what is given back."""

import hashlib
import json
from typing import Any

import pytest

from tests.functions.deployed import POLICY, Agent, Answer, Deployed
from tests.functions.settling import (
    EXECUTOR_SCOPES,
    TOKEN,
    claim,
    executor,
    fail,
    item,
    overdue,
    payer,
    post,
    settle,
    spent,
    suspend,
)

OTHER_TOKEN = "claim-token-0000000002"


@pytest.fixture
def pays(stack: Deployed) -> Agent:
    return executor(stack)


@pytest.fixture
def agent(stack: Deployed, pays: Agent) -> Agent:
    return payer(stack, pays)


@pytest.fixture
def txid(stack: Deployed, agent: Agent) -> str:
    return str(stack.pay(agent).body["id"])


def refusal(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.code


def read(stack: Deployed, caller: Agent, agent: Agent, txid: str) -> Answer:
    return stack.call(caller, "GET", f"/v1/transactions/{txid}?agent={agent.agent_id}")


def test_claimed_and_settled(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    claimed = claim(stack, pays, agent, txid)
    assert (claimed.status, claimed.body["status"], claimed.body["claimed_by"]) == (200, "executing", pays.agent_id)
    settled = settle(stack, pays, agent, txid)
    assert (settled.status, settled.body["status"], settled.body["outcome"]) == (200, "settled", "ref-1")
    assert "expires_at" not in settled.body
    assert spent(stack, agent) == 10_000_000, "what was paid stays counted"
    assert stack.call(agent, "GET", f"/v1/transactions/{txid}").body == settled.body
    assert read(stack, pays, agent, txid).body == settled.body


def test_every_step_may_be_repeated(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    assert claim(stack, pays, agent, txid).body == claim(stack, pays, agent, txid).body
    assert settle(stack, pays, agent, txid).body == settle(stack, pays, agent, txid).body
    assert item(stack, agent, f"TX#{txid}")["rev"]["N"] == "3"


def test_another_token_and_another_executor_are_told_that_it_is_taken(stack: Deployed, pays: Agent) -> None:
    rival = executor(stack)
    agent = payer(stack, pays, rival)
    txid = stack.pay(agent).body["id"]
    assert claim(stack, pays, agent, txid).status == 200
    assert refusal(claim(stack, pays, agent, txid, OTHER_TOKEN)) == (409, "state_conflict")
    assert refusal(claim(stack, rival, agent, txid)) == (409, "state_conflict")
    assert refusal(settle(stack, rival, agent, txid)) == (409, "state_conflict")
    assert refusal(settle(stack, pays, agent, txid, token=OTHER_TOKEN)) == (409, "state_conflict")
    assert refusal(fail(stack, rival, agent, txid)) == (409, "state_conflict")
    assert settle(stack, pays, agent, txid).status == 200


def test_a_failure_gives_the_budget_back_once(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    stack.pay(agent, "7")
    claim(stack, pays, agent, txid)
    failed = fail(stack, pays, agent, txid)
    assert (failed.status, failed.body["status"], failed.body["outcome"]) == (200, "failed", "no funds")
    assert fail(stack, pays, agent, txid).body == failed.body
    assert spent(stack, agent) == 7_000_000
    assert refusal(settle(stack, pays, agent, txid)) == (409, "state_conflict")


def test_what_came_is_not_said_differently_later(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    claim(stack, pays, agent, txid)
    settle(stack, pays, agent, txid)
    other = settle(stack, pays, agent, txid, "ref-2")
    assert refusal(other) == (409, "state_conflict")
    assert "another reference" in other.body["detail"]


def test_an_agent_cancels_what_nobody_has_claimed(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    held = stack.pay(agent, "200").body["id"]
    for one in (txid, held):
        cancelled = post(stack, agent, one, "cancel")
        assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
        assert post(stack, agent, one, "cancel").body == cancelled.body
    assert spent(stack, agent) == 0
    assert refusal(claim(stack, pays, agent, txid)) == (409, "state_conflict")


def test_a_claimed_one_is_not_cancelled(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    claim(stack, pays, agent, txid)
    assert refusal(post(stack, agent, txid, "cancel")) == (409, "state_conflict")


def test_a_repeated_creation_is_answered_with_what_became_of_it(stack: Deployed, agent: Agent, pays: Agent) -> None:
    txid = stack.pay(agent, key="the-first-payment").body["id"]
    claim(stack, pays, agent, txid)
    settle(stack, pays, agent, txid)
    repeated = stack.pay(agent, key="the-first-payment")
    assert (repeated.status, repeated.body["id"], repeated.body["status"]) == (200, txid, "settled")


def test_a_stranger_learns_nothing(stack: Deployed, agent: Agent, txid: str) -> None:
    stranger = executor(stack)
    answers = [read(stack, stranger, agent, txid), claim(stack, stranger, agent, txid)]
    answers += [settle(stack, stranger, agent, txid), fail(stack, stranger, agent, txid)]
    unknown = claim(stack, stranger, agent, "tx_" + "0" * 22)
    assert {refusal(answer) for answer in (*answers, unknown)} == {(404, "not_found")}
    assert {answer.body["detail"] for answer in answers} == {unknown.body["detail"]}
    listed = stack.call(stranger, "GET", f"/v1/transactions?agent={agent.agent_id}")
    nobody = stack.call(stranger, "GET", f"/v1/transactions?agent=ag_{'0' * 22}")
    assert listed.body["detail"] == nobody.body["detail"]
    assert refusal(listed) == (404, "not_found")
    unnamed = stack.call(stranger, "GET", "/v1/transactions?agent=")
    assert (refusal(unnamed), unnamed.body["field"]) == ((400, "malformed_request"), "agent")


def test_an_agent_executes_nothing_of_its_own(stack: Deployed, pays: Agent) -> None:
    agent = payer(stack, pays)
    named = {**POLICY, "executors": [pays.agent_id, agent.agent_id]}
    changed = stack.operator(
        "PUT", "/v1/agents/{agent}/policy", named, headers={"If-Match": '"1"'}, agent=agent.agent_id
    )
    assert changed.status == 200
    txid = stack.pay(agent).body["id"]
    assert claim(stack, agent, agent, txid).code == "scope_missing"
    issued = stack.operator("POST", "/v1/agents/{agent}/keys", {"scopes": EXECUTOR_SCOPES}, agent=agent.agent_id).body
    second_key = Agent(agent.agent_id, issued["key_id"], issued["secret"])
    assert refusal(claim(stack, second_key, agent, txid)) == (404, "not_found")
    claim(stack, pays, agent, txid)
    assert refusal(settle(stack, second_key, agent, txid)) == (404, "not_found")
    assert refusal(fail(stack, second_key, agent, txid)) == (404, "not_found")


@pytest.mark.parametrize("scope", ["transactions:claim", "transactions:risk"])
def test_a_key_that_creates_neither_claims_nor_approves(stack: Deployed, scope: str) -> None:
    agent = payer(stack)
    refused = stack.operator(
        "POST", "/v1/agents/{agent}/keys", {"scopes": ["transactions:create", scope]}, agent=agent.agent_id
    )
    assert refusal(refused) == (400, "malformed_request")
    assert f"a key with transactions:create cannot have {scope}" in refused.body["detail"]


def test_an_executor_that_the_policy_no_longer_names_reports_but_claims_no_more(
    stack: Deployed, agent: Agent, pays: Agent, txid: str
) -> None:
    other = stack.pay(agent).body["id"]
    claim(stack, pays, agent, txid)
    stack.operator("PUT", "/v1/agents/{agent}/policy", POLICY, headers={"If-Match": '"1"'}, agent=agent.agent_id)
    assert refusal(claim(stack, pays, agent, other)) == (404, "not_found")
    assert settle(stack, pays, agent, txid).body["status"] == "settled"


def test_suspension_freezes_what_was_approved(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    claimed = stack.pay(agent).body["id"]
    claim(stack, pays, agent, claimed)
    suspend(stack, agent)
    frozen = claim(stack, pays, agent, txid)
    assert refusal(frozen) == (409, "state_conflict")
    assert "frozen" in frozen.body["detail"]
    assert refusal(claim(stack, pays, agent, claimed)) == (409, "state_conflict"), "who asks has not paid yet"
    assert settle(stack, pays, agent, claimed).body["status"] == "settled", "what was paid is paid"


def test_a_suspended_executor_does_nothing(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    assert read(stack, pays, agent, txid).status == 200
    suspend(stack, pays)
    refused = claim(stack, pays, agent, txid)
    assert refused.code in ("agent_suspended", "invalid_credentials")
    assert item(stack, agent, f"TX#{txid}")["status"]["S"] == "approved"


def test_a_revoked_key_moves_nothing_although_it_is_still_cached(
    stack: Deployed, agent: Agent, pays: Agent, txid: str
) -> None:
    assert read(stack, pays, agent, txid).status == 200
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=pays.agent_id, key=pays.key_id)
    assert refusal(claim(stack, pays, agent, txid)) == (401, "invalid_credentials")
    stack.operator("POST", "/v1/agents/{agent}/keys/{key}/revoke", agent=agent.agent_id, key=agent.key_id)
    assert refusal(post(stack, agent, txid, "cancel")) == (401, "invalid_credentials")
    assert item(stack, agent, f"TX#{txid}")["rev"]["N"] == "1"


def test_an_overdue_one_has_expired_for_whoever_reads_it(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    overdue(stack, agent, txid)
    assert refusal(claim(stack, pays, agent, txid)) == (409, "state_conflict")
    expired = read(stack, pays, agent, txid)
    assert (expired.body["status"], expired.body["updated_by"]) == ("expired", "gateway")
    assert spent(stack, agent) == 0
    assert stack.call(agent, "GET", f"/v1/transactions/{txid}").body == expired.body


def test_a_lease_that_ran_out_needs_reconciliation_and_keeps_its_budget(
    stack: Deployed, agent: Agent, pays: Agent, txid: str
) -> None:
    claim(stack, pays, agent, txid)
    overdue(stack, agent, txid)
    assert refusal(claim(stack, pays, agent, txid)) == (409, "state_conflict")
    assert refusal(fail(stack, pays, agent, txid)) == (409, "state_conflict")
    assert read(stack, pays, agent, txid).body["status"] == "needs_reconciliation"
    assert spent(stack, agent) == 10_000_000
    assert refusal(fail(stack, pays, agent, txid)) == (409, "state_conflict")
    assert settle(stack, pays, agent, txid).body["status"] == "settled"


def test_lists(stack: Deployed, agent: Agent, pays: Agent) -> None:
    ids = [stack.pay(agent).body["id"] for _ in range(3)]
    held = stack.pay(agent, "200").body["id"]
    claim(stack, pays, agent, ids[0])

    def listed(caller: Agent, query: str) -> list[str]:
        page = stack.call(caller, "GET", f"/v1/transactions{query}").body
        found = [one["id"] for one in page["transactions"]]
        following = page["cursor"]
        return found if following is None else found + listed(caller, f"{query}&cursor={following}")

    assert listed(agent, "") == [held, *reversed(ids)]
    assert listed(pays, f"?agent={agent.agent_id}&limit=1&status=approved") == [ids[2], ids[1]]
    assert listed(pays, f"?agent={agent.agent_id}&status=executing") == [ids[0]]
    assert listed(pays, "") == []
    assert stack.call(agent, "GET", "/v1/transactions?status=lost").code == "malformed_request"


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("claim", {}, "claim_token"),
        ("claim", {"claim_token": "short"}, "claim_token"),
        ("claim", {"claim_token": "spaces are not allowed"}, "claim_token"),
        ("claim", {"claim_token": TOKEN, "agent_id": "ag_1"}, "agent_id"),
        ("claim", {"claim_token": TOKEN, "reference": "ref-1"}, "reference"),
        ("settle", {"claim_token": TOKEN}, "reference"),
        ("settle", {"claim_token": TOKEN, "reference": ""}, "reference"),
        ("settle", {"claim_token": TOKEN, "reference": "x" * 129}, "reference"),
        ("settle", {"claim_token": TOKEN, "reference": "two\nlines"}, "reference"),
        ("fail", {"claim_token": TOKEN}, "reason"),
        ("cancel", {}, "agent_id"),
        ("confirm", {}, "content_sha256"),
    ],
)
def test_a_wrong_body_is_refused_by_field(
    stack: Deployed, txid: str, action: str, body: dict[str, Any], field: str
) -> None:
    scopes = ["transactions:create"] if action == "cancel" else ["transactions:claim", "transactions:confirm"]
    caller = stack.agent(scopes=scopes)
    refused = post(stack, caller, txid, action, **{"agent_id": caller.agent_id, **body})
    assert refusal(refused) == (400, "malformed_request")
    assert refused.body["field"] == field


@pytest.mark.parametrize("action", ["claim", "settle", "fail", "cancel", "confirm"])
def test_each_step_needs_its_scope(stack: Deployed, action: str) -> None:
    reader = stack.agent(scopes=["transactions:read"])
    assert refusal(post(stack, reader, "tx_" + "0" * 22, action)) == (403, "scope_missing")


def test_a_token_is_stored_as_a_hash(stack: Deployed, agent: Agent, pays: Agent, txid: str) -> None:
    claim(stack, pays, agent, txid)
    stored = item(stack, agent, f"TX#{txid}")
    assert stored["claim_sha256"]["B"] == hashlib.sha256(TOKEN.encode()).digest()[:16]
    assert TOKEN not in json.dumps(stored, default=repr)
    assert "claim_sha256" not in read(stack, pays, agent, txid).body


def test_an_escrow_is_released_when_both_parties_confirm(stack: Deployed) -> None:
    scopes = ["transactions:create", "transactions:read", "transactions:confirm"]
    other = stack.agent(scopes=scopes[1:])
    document = {
        "allowlist": {"agents": [other.agent_id], "kinds": ["escrow_release"]},
        "limits": {"per_transaction": "500", "daily": "1000"},
    }
    agent = stack.agent(document, scopes=scopes)
    fields = {"kind": "escrow_release", "escrow_id": "escrow-1", "destination": {"agent": other.agent_id}}
    held = stack.pay(agent, fields=fields).body
    assert (held["status"], held["approval"]["by"]) == ("pending_approval", "parties")
    shown = {"agent_id": agent.agent_id, "content_sha256": held["content_sha256"]}
    assert read(stack, other, agent, held["id"]).body == held
    altered = post(stack, other, held["id"], "confirm", **(shown | {"content_sha256": "0" * 64}))
    assert refusal(altered) == (409, "state_conflict")
    stranger = stack.agent(scopes=scopes[1:])
    assert refusal(post(stack, stranger, held["id"], "confirm", **shown)) == (404, "not_found")
    first = post(stack, agent, held["id"], "confirm", **shown)
    assert (first.body["status"], first.body["approved_by"]) == ("pending_approval", [agent.agent_id])
    assert post(stack, agent, held["id"], "confirm", **shown).body == first.body
    second = post(stack, other, held["id"], "confirm", **shown)
    assert (second.body["status"], second.body["approved_by"]) == ("approved", [agent.agent_id, other.agent_id])
