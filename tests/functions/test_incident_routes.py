"""Incidents over the operator API: started, listed, read with what is left to do, resumed."""

from typing import Any

import pytest

from functions.operator_api import request
from portcullis.aws import incidents
from portcullis.aws.changes import Actor
from portcullis.domain.incidents import DONE
from tests.functions.deployed import Agent, Answer, Deployed

GATEWAY = Actor("gateway", "", 1_700_000_000_000_000)


@pytest.fixture
def agent(stack: Deployed) -> Agent:
    return stack.agent()


def start(stack: Deployed, agent: str, headers: dict[str, str] | None = None, **body: Any) -> Answer:
    content = {"reason": "key in a public repository", **body}
    return stack.operator("POST", "/v1/agents/{agent}/incidents", content, agent=agent, headers=headers)


def get(stack: Deployed, incident: str) -> Answer:
    return stack.operator("GET", "/v1/incidents/{incident}", incident=incident)


def resume(stack: Deployed, incident: str) -> Answer:
    return stack.operator("POST", "/v1/incidents/{incident}/resume", incident=incident)


def listed(stack: Deployed, query: str = "") -> list[str]:
    return [incident["id"] for incident in stack.operator("GET", f"/v1/incidents?{query}").body["incidents"]]


def commands(answer: Answer) -> dict[str, str | None]:
    return {item["name"]: item.get("command") for item in answer.body["checklist"]}


def test_whoever_starts_an_incident_has_stopped_the_agent(stack: Deployed, agent: Agent) -> None:
    started = start(stack, agent.agent_id, severity=9)
    assert (started.status, started.body["state"], started.body["severity"]) == (201, "open", 9)
    assert started.body["triggers"][0] | {"at": ""} == {
        "kind": "operator",
        "reason": "key in a public repository",
        "actor": stack.caller,
        "ip": "198.51.100.20",
        "at": "",
        "severity": 9,
    }
    assert stack.pay(agent).code == "agent_suspended"


def test_who_comes_second_joins(stack: Deployed, agent: Agent) -> None:
    first, second = start(stack, agent.agent_id), start(stack, agent.agent_id, severity=10)
    assert (second.body["id"], second.body["triggered"]) == (first.body["id"], 2)
    assert (first.body["severity"], second.body["severity"]) == (8, 10)


def test_a_call_that_is_repeated_is_one_trigger(stack: Deployed, agent: Agent) -> None:
    key = {"Idempotency-Key": "k" * 20}
    assert start(stack, agent.agent_id, key).body == start(stack, agent.agent_id, key).body
    assert start(stack, agent.agent_id, key, reference="ticket 7").body["triggered"] == 2
    assert start(stack, agent.agent_id, reference="ticket 7").body["triggered"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"severity": 11}, "severity"),
        ({"severity": 0}, "severity"),
        ({"reference": "two\nlines"}, "reference"),
        ({"state": "open"}, "state"),
    ],
)
def test_what_cannot_be_stops_nobody(stack: Deployed, agent: Agent, body: dict[str, Any], field: str) -> None:
    answer = start(stack, agent.agent_id, **body)
    assert (answer.code, answer.body["field"]) == ("malformed_request", field)
    assert stack.pay(agent).status == 201


def test_what_is_not_there(stack: Deployed) -> None:
    assert start(stack, "ag_" + "0" * 22).code == "not_found"
    for incident in ("in_" + "0" * 22, "INCIDENTS#open"):
        assert get(stack, incident).code == "not_found"
        assert resume(stack, incident).code == "not_found"


def test_incidents_are_listed_by_state_and_agent(stack: Deployed, agent: Agent) -> None:
    other = stack.agent()
    first, second = (start(stack, each.agent_id).body["id"] for each in (agent, other))
    assert listed(stack) == [second, first]
    assert listed(stack, f"agent={agent.agent_id}") == [first]
    assert listed(stack, "state=closed") == []
    assert listed(stack, "state=all&limit=1") == [second]
    assert stack.operator("GET", "/v1/incidents?state=done").body["field"] == "state"
    assert stack.operator("GET", "/v1/incidents?agent=ag_1").body["field"] == "agent"


def test_the_checklist_names_the_command_for_what_is_left(stack: Deployed, agent: Agent) -> None:
    incident = start(stack, agent.agent_id).body["id"]
    assert commands(get(stack, incident))["keys"] == f"portcullis incident resume {incident}"
    for step in ("keys", "transactions"):
        incidents.record_step(request.stores().table, GATEWAY, incident, step, DONE, {})
    left = commands(get(stack, incident))
    assert left["transactions"] is None
    assert left["keys"] == f"portcullis keys revoke {agent.agent_id} --all"
    stack.operator("POST", "/v1/agents/{agent}/keys/revoke", agent=agent.agent_id)
    left = commands(get(stack, incident))
    assert left["keys"] is None
    assert "--policy-version 1" in (left["review"] or "")
    assert [name for name, command in left.items() if command] == [
        "review",
        "confirmation",
        "addresses",
        "new_keys",
        "steps",
        "closing",
    ]


def test_resuming_asks_for_another_run(stack: Deployed, agent: Agent) -> None:
    incident = start(stack, agent.agent_id).body["id"]
    resumed = resume(stack, incident)
    assert (resumed.status, resumed.body["run"]) == (200, 2)
