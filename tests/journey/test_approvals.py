"""People who approve, each with their own AWS credentials and device, and what the bus hears of it."""

import json
from typing import Any

from local.tap import Tap
from portcullis.protocol import totp
from tests.journey.deployment import Agent, Deployment
from tests.journey.people import Person


def hold(deployment: Deployment, agent: Agent) -> dict[str, Any]:
    answer = deployment.pay(agent, "200")
    assert answer.status_code == 202, answer.text
    held: dict[str, Any] = answer.json()
    return held


def test_a_held_payment_is_approved_by_a_person_and_the_bus_hears_of_it(
    deployment: Deployment, crew: tuple[Person, Person], tap: Tap
) -> None:
    agent = deployment.agent()
    held = hold(deployment, agent)
    answer = crew[1].approve(agent, held)
    assert (answer.status_code, answer.json()["status"]) == (200, "approved")
    first, second = tap.wait(2, lambda event: event["txid"] == held["id"])
    assert (first["type"], second["type"]) == ("transaction.pending_approval", "transaction.approved")
    assert (second["rev"], second["data"]) == (2, answer.json())
    assert second["data"]["updated_by"] == crew[1].approver


def test_four_eyes_are_two_users(deployment: Deployment, crew: tuple[Person, Person]) -> None:
    agent = deployment.agent({"tiers": {"human_above": "100", "humans": 2}})
    held = hold(deployment, agent)
    assert crew[0].approve(agent, held).json()["status"] == "pending_approval"
    approved = crew[1].approve(agent, held).json()
    assert (approved["status"], approved["approved_by"]) == ("approved", [crew[0].approver, crew[1].approver])


def test_iam_lets_nobody_speak_for_another(deployment: Deployment, crew: tuple[Person, Person]) -> None:
    agent = deployment.agent()
    held = hold(deployment, agent)
    first, second = crew
    body = {"agent_id": agent.agent_id, "transaction_id": held["id"], "reason": "not mine", "code": "000000"}
    path = f"/v1/approvers/{first.approver}/denials"
    foreign = deployment.operator("POST", path, body, auth=second.auth)
    assert (foreign.status_code, "SigV4" in foreign.json()["detail"]) == (403, True), "IAM itself refuses"
    bootstrap = deployment.operator("POST", "/v1/approvers", {"name": "another"}, auth=second.auth)
    assert (bootstrap.status_code, bootstrap.json()["code"]) == (403, "forbidden")


def test_an_identity_that_is_not_the_approvers_is_refused(deployment: Deployment, crew: tuple[Person, Person]) -> None:
    """The operator of the deployment may call every method, but is not the person."""
    agent = deployment.agent()
    held = hold(deployment, agent)
    body = {
        "agent_id": agent.agent_id,
        "transaction_id": held["id"],
        "content_sha256": held["content_sha256"],
        "code": crew[0].code(),
    }
    refused = deployment.operator("POST", f"/v1/approvers/{crew[0].approver}/approvals", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_nothing_is_approved_after_a_freeze(deployment: Deployment, crew: tuple[Person, Person]) -> None:
    agent = deployment.agent()
    held = hold(deployment, agent)
    deployment.operator("POST", f"/v1/agents/{agent.agent_id}/suspend", {"reason": "drill"})
    answer = crew[1].approve(agent, held)
    assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")


def test_a_risk_agent_decides_and_an_operator_cancels(deployment: Deployment) -> None:
    judge = deployment.agent(key={"scopes": ["transactions:risk"]})
    tiers = {"risk_from": "100", "human_above": "400"}
    agent = deployment.agent({"tiers": tiers, "risk_agents": [judge.agent_id]})
    held = hold(deployment, agent)
    body = {"agent_id": agent.agent_id, "content_sha256": held["content_sha256"], "decision": "approve"}
    path = f"/v1/transactions/{held['id']}/risk-decision"
    decided = deployment.send(deployment.sign(judge, "POST", path, json.dumps(body).encode()))
    assert (decided.status_code, decided.json()["approved_by"]) == (200, [judge.agent_id])
    path = f"/v1/agents/{agent.agent_id}/transactions/{held['id']}"
    assert deployment.operator("GET", path).json() == decided.json()
    cancelled = deployment.operator("POST", f"{path}/cancel", {"reason": "asked for in error"})
    assert cancelled.json()["status"] == "cancelled"
    assert deployment.spent(agent) == 0


def test_no_secret_of_a_device_is_stored(deployment: Deployment, crew: tuple[Person, Person]) -> None:
    stored = json.dumps(deployment.scan("CoreTable"), default=str)
    assert all(person.approver in stored for person in crew)
    assert not any(totp.base32(person.secret) in stored for person in crew)
