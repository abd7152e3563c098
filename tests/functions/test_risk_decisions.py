"""Risk agents: named by the policy of the agent that asks, never judge in their own cause, live at that very moment."""

import json
from typing import Any

import pytest

from tests.functions.deployed import POLICY, Agent, Answer, Deployed
from tests.functions.people import People
from tests.functions.test_approvals import publish, reserved, show

TIERS = {"risk_from": "100", "human_above": "400"}


@pytest.fixture
def judge(stack: Deployed) -> Agent:
    return stack.agent(scopes=["transactions:risk"])


@pytest.fixture
def document(judge: Agent) -> dict[str, Any]:
    return {**POLICY, "tiers": TIERS, "risk_agents": [judge.agent_id]}


@pytest.fixture
def agent(stack: Deployed, document: dict[str, Any]) -> Agent:
    return stack.agent(document)


@pytest.fixture
def held(stack: Deployed, agent: Agent) -> Answer:
    answer = stack.pay(agent, "200")
    assert answer.body["approval"]["missing"] == ["risk_agent"], answer
    return answer


def decide(stack: Deployed, judge: Agent, agent: Agent, held: Answer, **changes: Any) -> Answer:
    body = {"agent_id": agent.agent_id, "content_sha256": held.body["content_sha256"], "decision": "approve", **changes}
    path = f"/v1/transactions/{held.body['id']}/risk-decision"
    return stack.call(judge, "POST", path, json.dumps(body).encode())


def test_a_risk_agent_approves(stack: Deployed, judge: Agent, agent: Agent, held: Answer) -> None:
    answer = decide(stack, judge, agent, held)
    assert (answer.status, answer.body["status"], answer.body["approved_by"]) == (200, "approved", [judge.agent_id])


def test_the_same_approval_again_is_the_same_answer(stack: Deployed, judge: Agent, agent: Agent, held: Answer) -> None:
    first = decide(stack, judge, agent, held)
    stack.price(usd="9")
    assert decide(stack, judge, agent, held).body == first.body, "and voids nothing"


def test_a_risk_agent_denies_for_a_reason(stack: Deployed, judge: Agent, agent: Agent, held: Answer) -> None:
    assert decide(stack, judge, agent, held, decision="deny").status == 400
    answer = decide(stack, judge, agent, held, decision="deny", reason="mule account")
    assert (answer.body["status"], answer.body["outcome"]) == ("denied", "mule account")
    assert reserved(stack, agent) == 0


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_altered_content_is_not_decided_on(
    stack: Deployed, judge: Agent, agent: Agent, held: Answer, decision: str
) -> None:
    answer = decide(stack, judge, agent, held, decision=decision, reason="x", content_sha256="0" * 64)
    assert (answer.status, answer.code) == (409, "state_conflict")
    assert show(stack, agent, held)["status"] == "pending_approval"


def test_the_scope_is_needed(stack: Deployed, agent: Agent, held: Answer) -> None:
    assert decide(stack, agent, agent, held).code == "scope_missing"


def test_an_agent_that_the_policy_does_not_name_finds_nothing(stack: Deployed, agent: Agent, held: Answer) -> None:
    other = stack.agent(scopes=["transactions:risk"])
    answer = decide(stack, other, agent, held)
    assert (answer.status, answer.code) == (404, "not_found")
    assert decide(stack, other, agent, held, agent_id="ag_" + "0" * 22).body["detail"] == answer.body["detail"]


def own_key(stack: Deployed, agent: Agent) -> Agent:
    """A key of the same agent that may give risk decisions."""
    body = {"scopes": ["transactions:risk"]}
    issued = stack.operator("POST", "/v1/agents/{agent}/keys", body, agent=agent.agent_id).body
    return Agent(agent.agent_id, issued["key_id"], issued["secret"])


def test_no_agent_decides_on_its_own_request(
    stack: Deployed, document: dict[str, Any], agent: Agent, held: Answer
) -> None:
    publish(stack, agent, {**document, "risk_agents": [agent.agent_id]})
    answer = decide(stack, own_key(stack, agent), agent, held)
    assert (answer.status, answer.code) == (403, "forbidden")
    assert show(stack, agent, held)["status"] == "pending_approval"


def test_no_agent_decides_on_what_it_is_paid(stack: Deployed, document: dict[str, Any], judge: Agent) -> None:
    agent = stack.agent({**document, "allowlist": {"agents": [judge.agent_id]}})
    held = stack.pay(agent, "200", fields={"destination": {"agent": judge.agent_id}})
    answer = decide(stack, judge, agent, held)
    assert (answer.status, answer.code) == (403, "forbidden")


def test_no_agent_decides_on_what_it_instructed(stack: Deployed, document: dict[str, Any], judge: Agent) -> None:
    allowlist = {**POLICY["allowlist"], "agents": [judge.agent_id]}
    agent = stack.agent({**document, "allowlist": allowlist})
    held = stack.pay(agent, "200", fields={"instructed_by": judge.agent_id})
    assert decide(stack, judge, agent, held).code == "forbidden"


def test_nothing_is_decided_after_a_freeze(stack: Deployed, judge: Agent, agent: Agent, held: Answer) -> None:
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=agent.agent_id)
    assert decide(stack, judge, agent, held).code == "state_conflict"


def test_a_suspended_risk_agent_decides_nothing(stack: Deployed, judge: Agent, agent: Agent, held: Answer) -> None:
    """Its account is still cached as active, and its key as live: the write itself finds out."""
    assert decide(stack, judge, agent, held, content_sha256="0" * 64).code == "state_conflict"
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "drill"}, agent=judge.agent_id)
    assert decide(stack, judge, agent, held).status in (401, 403)
    assert show(stack, agent, held)["status"] == "pending_approval"


def test_what_has_become_a_humans_matter_waits_for_one(
    stack: Deployed, judge: Agent, agent: Agent, held: Answer, people: People
) -> None:
    stack.price(usd="2.2")
    answer = decide(stack, judge, agent, held)
    assert (answer.status, answer.code) == (409, "state_conflict")
    waiting = show(stack, agent, held)
    assert (waiting["approval"]["missing"], waiting["usd"], "approved_by" in waiting) == (["human"], "440.00", False)
    assert reserved(stack, agent) == 440_000_000
    assert decide(stack, judge, agent, held).code == "state_conflict"
    assert people.approve(people.first(), agent, held).body["status"] == "approved"


def test_a_human_may_approve_at_once_what_has_become_a_humans_matter(
    stack: Deployed, agent: Agent, held: Answer, people: People, document: dict[str, Any]
) -> None:
    publish(stack, agent, {**document, "tiers": {"risk_from": "100", "human_above": "150"}})
    assert people.approve(people.first(), agent, held).body["status"] == "approved"


def test_a_human_does_not_stand_in_for_a_risk_agent(
    stack: Deployed, agent: Agent, held: Answer, people: People
) -> None:
    answer = people.approve(people.first(), agent, held)
    assert (answer.code, "risk agent" in answer.body["detail"]) == ("state_conflict", True)


def test_a_price_that_makes_it_too_large_voids_it(stack: Deployed, judge: Agent, agent: Agent, held: Answer) -> None:
    stack.price(usd="3")
    answer = decide(stack, judge, agent, held)
    assert (answer.status, answer.code) == (403, "policy_denied")
    assert (show(stack, agent, held)["status"], reserved(stack, agent)) == ("denied", 0)
