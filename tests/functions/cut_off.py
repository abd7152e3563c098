"""An agent that was cut off, and the people who bring it back."""

from typing import Any

from functions.operator_api import request
from portcullis.aws import accounts, incidents
from portcullis.aws.changes import Actor
from portcullis.domain.account import Account
from portcullis.domain.incident_recovery import REQUIRED
from portcullis.domain.incidents import DONE
from tests.functions.deployed import Agent, Answer, Deployed
from tests.functions.people import People, Person

GATEWAY = Actor("gateway", "", 1_700_000_000_000_000)
REVIEW = {"cause": "key in a public repository", "policy_version": 1, "addresses": "keep"}


def account(agent: Agent) -> Account:
    """The agent's account as it is now."""
    found = accounts.read(request.stores().table, agent.agent_id)
    assert found is not None
    return found


def start(stack: Deployed, agent: Agent) -> str:
    """Cut the agent off; its incident."""
    body = {"reason": "key in a public repository"}
    started = stack.operator("POST", "/v1/agents/{agent}/incidents", body, agent=agent.agent_id)
    assert started.status == 201, started
    return str(started.body["id"])


def record(incident: str, *steps: str) -> None:
    """As the functions do that have done these steps."""
    for step in steps:
        incidents.record_step(request.stores().table, GATEWAY, incident, step, DONE, {})


def revoke(stack: Deployed, agent: Agent) -> None:
    """End the agent's keys."""
    assert stack.operator("POST", "/v1/agents/{agent}/keys/revoke", agent=agent.agent_id).status == 200


def contained(stack: Deployed, agent: Agent) -> str:
    """Cut the agent off, with all done that has to be before it can come back; its incident."""
    incident = start(stack, agent)
    revoke(stack, agent)
    record(incident, *REQUIRED)
    return incident


def show(stack: Deployed, incident: str) -> dict[str, Any]:
    """The incident with its checklist."""
    return stack.operator("GET", "/v1/incidents/{incident}", incident=incident).body


def review(people: People, person: Person, incident: str, code: str | None = None, **changes: Any) -> Answer:
    """Review what is in force, or with ``changes``."""
    return people.speak(person, "incident-reviews", code, incident_id=incident, **{**REVIEW, **changes})


def confirm(
    people: People, person: Person, incident: str, code: str | None = None, reviewed_at: str | None = None
) -> Answer:
    """Confirm the review as it is now, or that of another instant."""
    if reviewed_at is None:
        reviewed_at = show(people.stack, incident).get("review", {}).get("at", "2026-11-21T08:02:00.000Z")
    return people.speak(person, "recoveries", code, incident_id=incident, reviewed_at=reviewed_at)


def close(stack: Deployed, incident: str, outcome: str = "compromise") -> Answer:
    """Say what it was."""
    body = {"outcome": outcome, "reason": "looked into"}
    return stack.operator("POST", "/v1/incidents/{incident}/close", body, incident=incident)


def events(stack: Deployed, type_: str) -> list[dict[str, Any]]:
    """The stored events of a type."""
    return [item for item in stack.items() if item.get("type") == {"S": type_}]
