"""The one write that contains: it stops the agent and opens its incident, however many ask for it at once."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from functions.operator_api import request
from portcullis.aws import incidents, settings
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Table, from_attributes, to_attributes
from portcullis.aws.wire import Service
from portcullis.domain.incidents import (
    BY_FINDING,
    BY_OPERATOR,
    DONE,
    FAILED,
    MOST_TRIGGERS,
    STEPS,
    Incident,
    Trigger,
    joined,
)
from tests.functions.deployed import Agent, Deployed

NOW = time.time_ns() // 1_000
TRIGGER = Trigger(BY_OPERATOR, "key in a public repository", "arn:aws:iam::123456789012:user/operator", "::1", NOW, 8)
GATEWAY = Actor("gateway", "", NOW)


@pytest.fixture
def agent(stack: Deployed) -> Agent:
    return stack.agent()


def connection() -> Table:
    """A connection of its own, as each process has."""
    return Table(request.stores().table.name, Service("dynamodb", settings.aws()))


def contain(agent: Agent, trigger: Trigger = TRIGGER) -> Incident:
    incident = incidents.contain(connection(), agent.agent_id, trigger)
    assert incident is not None
    return incident


def stored(incident: Incident) -> Incident:
    found = incidents.find(request.stores().table, incident.id)
    assert found is not None
    return found


def record(incident: Incident, step: str, state: str, **result: str) -> Incident:
    after = incidents.record_step(connection(), GATEWAY, incident.id, step, state, result)
    assert after is not None
    return after


def events(incident: Incident) -> list[str]:
    items, _ = request.stores().table.query(
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": incidents.events_partition(incident.id)}},
    )
    assert [item["rev"] for item in items] == list(range(1, len(items) + 1))
    return [item["type"] for item in items]


def test_the_write_that_opens_it_has_stopped_the_agent(stack: Deployed, agent: Agent) -> None:
    incident = contain(agent)
    account = stack.operator("GET", "/v1/agents/{agent}", agent=agent.agent_id).body
    assert (account["state"], account["epoch"], account["incident"]) == ("suspended", incident.epoch, incident.id)
    assert stack.pay(agent).code == "agent_suspended"
    assert stored(incident) == incident
    assert {step.state for step in incident.steps.values()} == {"outstanding"}


def test_of_triggers_that_come_at_once_one_opens_it_and_the_others_join(stack: Deployed, agent: Agent) -> None:
    triggers = [replace(TRIGGER, kind=BY_FINDING, reference=f"fd_{n}", severity=n % 10 + 1) for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda trigger: contain(agent, trigger), triggers))
    assert len({incident.id for incident in found}) == 1
    incident = stored(found[0])
    assert (incident.triggered, incident.severity, incident.epoch) == (8, 8, 2)
    assert {trigger.reference for trigger in incident.triggers} == {trigger.reference for trigger in triggers}
    assert events(incident) == ["incident.opened"] + ["incident.joined"] * 7


def test_a_trigger_that_is_delivered_twice_joins_once(stack: Deployed, agent: Agent) -> None:
    trigger = replace(TRIGGER, kind=BY_FINDING, reference="fd_1")
    first = contain(agent, trigger)
    assert contain(agent, replace(trigger, at=NOW + 5)) == first


def test_a_trigger_beyond_those_that_are_kept_joins_once_too(stack: Deployed, agent: Agent) -> None:
    incident = contain(agent)
    for number in range(MOST_TRIGGERS + 5):
        again = joined(incident, replace(TRIGGER, kind=BY_FINDING, reference=f"fd_{number}"))
        assert again is not None
        incident = again
    assert (len(incident.triggers), incident.triggered) == (MOST_TRIGGERS, MOST_TRIGGERS + 6)
    for number in (0, MOST_TRIGGERS + 4):
        assert joined(incident, replace(TRIGGER, kind=BY_FINDING, reference=f"fd_{number}")) is None
    assert incidents.from_item(from_attributes(to_attributes(incidents.to_item(incident)))) == incident


def test_what_is_over_at_the_moment_of_the_write_opens_none(stack: Deployed, agent: Agent) -> None:
    table = request.stores().table
    assert incidents.contain(table, agent.agent_id, TRIGGER, lambda latest: latest is None) is None
    assert stack.operator("GET", "/v1/agents/{agent}", agent=agent.agent_id).body["state"] == "active"
    incident = contain(agent)
    assert incidents.contain(table, agent.agent_id, replace(TRIGGER, reason="more"), lambda _: True) != incident


def test_of_an_agent_that_was_suspended_already_it_is_a_new_epoch(stack: Deployed, agent: Agent) -> None:
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "paused"}, agent=agent.agent_id)
    assert contain(agent).epoch == 3


def test_nobody_is_no_incident(stack: Deployed) -> None:
    assert incidents.contain(request.stores().table, "ag_" + "0" * 22, TRIGGER) is None
    assert incidents.find(request.stores().table, "in_" + "0" * 22) is None


def test_steps_that_end_at_once_are_all_written_down(stack: Deployed, agent: Agent) -> None:
    incident = contain(agent)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda step: record(incident, step, DONE, did=step), STEPS))
    found = stored(incident)
    assert (found.left, found.contained_at) == ((), NOW)
    assert {name: step.result for name, step in found.steps.items()} == {name: {"did": name} for name in STEPS}
    assert events(incident) == ["incident.opened"] + ["incident.step_done"] * 6


def test_what_failed_is_left_until_another_run_has_done_it(stack: Deployed, agent: Agent) -> None:
    incident = contain(agent)
    assert record(incident, "evidence", FAILED, error="Unavailable").left == STEPS
    assert record(incident, "keys", DONE).left == STEPS[1:]
    assert record(incident, "keys", FAILED) == stored(incident), "what is done is not undone"
    resumed = incidents.resume(request.stores().table, GATEWAY, incident.id)
    assert resumed is not None
    assert resumed.run == 2
    done = record(incident, "evidence", DONE)
    assert (done.steps["evidence"].attempts, done.contained_at) == (2, None)
    assert "incident.step_failed" in events(incident)


def test_what_is_told_is_what_is_answered(stack: Deployed, agent: Agent) -> None:
    incident = contain(agent)
    item = request.stores().table.get({"pk": incidents.events_partition(incident.id), "sk": "EVENT#0000000001"})
    assert item is not None
    assert (item["agent"], item["data"]["actor"]) == (agent.agent_id, TRIGGER.actor)
    assert json.dumps(item["data"]["triggers"]).count("key in a public repository") == 1
