"""An agent is cut off, two people bring it back, and it pays again within the limits of low trust."""

from typing import Any

from local.tap import Tap
from tests.journey.deployment import Agent, Deployment
from tests.journey.people import Person
from tests.journey.test_findings import read, run, until


def incident_of(deployment: Deployment, started: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = read(deployment, f"/v1/incidents/{started['id']}")
    return found


def contained(deployment: Deployment, agent: Agent) -> dict[str, Any]:
    """Cut the agent off, and wait for the steps that everything else waits for."""
    started = run(deployment, "incident", "start", agent.agent_id, "--reason", "key in a public repository")

    def is_contained() -> bool:
        items = {item["name"]: item["done"] for item in incident_of(deployment, started)["checklist"]}
        return bool(items["keys"] and items["transactions"])

    until(is_contained)
    return incident_of(deployment, started)


def test_an_agent_that_was_cut_off_comes_back_by_two_people(
    deployment: Deployment, crew: tuple[Person, Person], tap: Tap
) -> None:
    agent = deployment.agent()
    approved, held = deployment.pay(agent, "10").json(), deployment.pay(agent, "200").json()
    incident = contained(deployment, agent)
    assert deployment.pay(agent).status_code in (401, 403)
    assert deployment.operator("POST", f"/v1/agents/{agent.agent_id}/keys", {}).status_code == 409

    review = {"cause": "key in a public repository", "policy_version": 1, "addresses": "unblock"}
    reviewed = crew[0].speak("incident-reviews", incident_id=incident["id"], **review)
    assert reviewed.status_code == 200, reviewed.text
    assert reviewed.json()["review"]["by"] == crew[0].approver
    at = reviewed.json()["review"]["at"]
    confirmed = crew[1].speak("recoveries", incident_id=incident["id"], reviewed_at=at)
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "recovered"), confirmed.text

    renewed = deployment.issue_key(agent)
    assert deployment.pay(renewed, "50").status_code == 201
    assert deployment.pay(renewed, "51").json()["code"] == "policy_denied"
    assert deployment.pay(agent).status_code == 401
    for transaction in (approved, held):
        path = f"/v1/agents/{agent.agent_id}/transactions/{transaction['id']}"
        assert read(deployment, path)["status"] == "frozen"

    reason = ("--outcome", "drill", "--reason", "as planned")
    closed = run(deployment, "incident", "close", incident["id"], *reason)
    assert (closed["state"], closed["outcome"], closed["checklist"]) == ("closed", "drill", [])
    listed = run(deployment, "incident", "list", "--agent", agent.agent_id, "--state", "all")
    assert [each["id"] for each in listed["incidents"]] == [incident["id"]]
    heard = ("agent.recovered", "incident.reviewed", "incident.recovered", "incident.closed")
    events = tap.wait(4, lambda event: event["agent"] == agent.agent_id and event["type"] in heard)
    assert {event["type"] for event in events} == set(heard)
