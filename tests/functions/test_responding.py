"""What the bus tells: findings and requests that contain an agent, incidents whose steps are started."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from functions.incidents import handler as function
from functions.operator_api import request
from portcullis.aws import incidents
from portcullis.aws.changes import Actor
from portcullis.domain.incidents import CLOSED, RECOVERED, Incident
from portcullis.domain.times import DAY, SECOND, rfc3339
from tests.functions.api_events import REGION
from tests.functions.deployed import POLICY, Agent, Deployed
from tests.functions.test_findings import made
from tests.functions.test_incidents import contain, stored

BUS = Path("events/bus")
LIMITS = {"per_transaction": "500", "daily": "1000"}


class Machines:
    """Step Functions, and one state machine."""

    def __init__(self, stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.states = boto3.client(
            "stepfunctions",
            endpoint_url=stack.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        made = self.states.create_state_machine(
            name=stack.environment["CORE_TABLE"], definition="{}", roleArn="arn:aws:iam::123456789012:role/states"
        )
        self.arn = made["stateMachineArn"]
        monkeypatch.setenv("STATE_MACHINE_ARN", self.arn)
        function.responding.cache_clear()

    @property
    def started(self) -> dict[str, dict[str, Any]]:
        """What was given to each execution, by its name."""
        found = self.states.list_executions(stateMachineArn=self.arn)["executions"]
        told = {each["name"]: self.states.describe_execution(executionArn=each["executionArn"]) for each in found}
        return {name: json.loads(execution["input"]) for name, execution in told.items()}


@pytest.fixture
def machines(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Machines:
    return Machines(stack, monkeypatch)


def send(*events: dict[str, Any] | str) -> list[str]:
    """One batch; the numbers of those to try again."""
    bodies = [event if isinstance(event, str) else json.dumps(event) for event in events]
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    failed = function.handler({"Records": records}, None)["batchItemFailures"]
    return [each["itemIdentifier"] for each in failed]


def told(type_: str, agent: str | None, subject: str | None = None, **more: Any) -> dict[str, Any]:
    """An event of the gateway about this agent."""
    event = json.loads((BUS / f"{type_}.json").read_text()) | {"agent": agent, **more}
    if subject:
        event["data"]["id"] = subject
    return {"source": "portcullis", "detail-type": type_, "detail": event}


def asked(agent: str, **more: Any) -> dict[str, Any]:
    """Somebody's request, of this moment."""
    event: dict[str, Any] = json.loads(Path("events/incidents/requested.json").read_text())
    return event | {"time": rfc3339(now()), "detail": {**event["detail"], "agent_id": agent}, **more}


def now() -> int:
    return time.time_ns() // 1000


def found(agent: Agent, severity: int, number: int = 1, type_: str = "finding.opened") -> dict[str, Any]:
    """The event of a stored finding of this moment."""
    finding = made(number, agent.agent_id, severity=severity, last_at=now())
    return told(type_, agent.agent_id, finding.id)


def incident_of(agent: Agent) -> Incident | None:
    return incidents.latest(request.stores().table, agent.agent_id)


def is_active(stack: Deployed, agent: Agent) -> bool:
    return bool(stack.operator("GET", "/v1/agents/{agent}", agent=agent.agent_id).body["state"] == "active")


def agent_of(stack: Deployed, trust: str) -> Agent:
    limits = {"limits": LIMITS} if trust == "high" else {}
    return stack.agent({"allowlist": POLICY["allowlist"], "trust": trust, **limits})


@pytest.mark.parametrize(
    ("trust", "severity", "contained"),
    [("low", 7, False), ("low", 8, True), ("medium", 10, False), ("high", 10, False)],
)
def test_a_finding_contains_as_the_agent_s_class_is_to_be_answered(
    stack: Deployed, trust: str, severity: int, contained: bool
) -> None:
    agent = agent_of(stack, trust)
    assert send(found(agent, severity)) == []
    assert is_active(stack, agent) != contained
    incident = incident_of(agent)
    if contained:
        assert incident is not None
        (trigger,) = incident.triggers
        assert (trigger.kind, trigger.actor, trigger.ip, trigger.severity) == ("finding", "gateway", "203.0.113.7", 8)
        assert (trigger.reason, trigger.reference) == ("9,000 USD, usually 12", "fd_" + "1".zfill(22))
    else:
        assert incident is None


def test_a_finding_that_grew_worse_contains_then(stack: Deployed) -> None:
    agent = agent_of(stack, "low")
    send(found(agent, 6))
    assert is_active(stack, agent)
    assert send(found(agent, 9, 2, "finding.updated")) == []
    assert not is_active(stack, agent)


def came_back(stack: Deployed, agent: Agent, **changes: Any) -> Incident:
    """The agent's incident after its recovery."""
    before = contain(agent)
    after = replace(before, state=RECOVERED, rev=2, recovered_at=now(), watched_until=now() + 7 * DAY, **changes)
    actor = Actor("arn:aws:iam::123456789012:user/operator", "", now())
    request.stores().table.transact(*incidents.writing(before, after, actor, "incident.resumed"))
    stack.dynamodb.update_item(
        TableName=stack.environment["CORE_TABLE"],
        Key={"pk": {"S": f"AGENT#{agent.agent_id}"}, "sk": {"S": "ACCOUNT"}},
        UpdateExpression="SET #state = :active REMOVE incident",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":active": {"S": "active"}},
    )
    return after


def test_an_agent_that_came_back_is_judged_one_level_stricter(stack: Deployed) -> None:
    agent = agent_of(stack, "low")
    first = came_back(stack, agent)
    send(found(agent, 4))
    assert is_active(stack, agent)
    send(found(agent, 5, 2))
    second = incident_of(agent)
    assert second is not None
    assert second.id != first.id
    assert not is_active(stack, agent)


def test_what_is_delivered_again_after_a_recovery_does_not_undo_it(stack: Deployed) -> None:
    agent = agent_of(stack, "low")
    late_finding, late_request = found(agent, 9), asked(agent.agent_id)
    late_request["time"] = rfc3339(now() - 2 * SECOND)
    came_back(stack, agent)
    assert send(late_finding, late_request, late_finding) == []
    assert is_active(stack, agent)


FORGED: dict[str, dict[str, Any]] = {
    "an unverified finding": told("finding.opened", None, verified=False),
    "a finding that is stored nowhere": told("finding.opened", None, "fd_" + "9" * 22),
    "refused authentications": told("authentication.refused", None),
    "a request that was refused": told("request.refused", None, verified=False),
    "a finding from another source": told("finding.opened", None) | {"source": "somebody"},
    "a finding from the source of requests": told("finding.opened", None) | {"source": "portcullis.trigger"},
    "a request from the gateway's source": asked("") | {"source": "portcullis"},
    "an incident that is stored nowhere": told("incident.opened", None, "in_" + "9" * 22),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_flood_of_what_proves_nothing_stops_nobody(stack: Deployed, machines: Machines, name: str) -> None:
    agent, event = stack.agent(), json.loads(json.dumps(FORGED[name]))
    finding = made(1, agent.agent_id, severity=10, last_at=now())
    field = "agent_id" if "agent_id" in event["detail"] else "agent"
    event["detail"][field] = agent.agent_id
    if name.startswith("an unverified"):
        event["detail"]["data"]["id"] = finding.id
    for _ in range(20):
        assert send(*[event] * 10) == []
    assert is_active(stack, agent)
    assert incident_of(agent) is None
    assert machines.started == {}


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '{"detail-type":[]}', "[" * 5_000, '{"detail":{}}'])
def test_what_cannot_be_read_is_counted_and_dropped(
    stack: Deployed, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send(body) == []
    assert '"EventRejected":1,"Function":"incidents"' in capsys.readouterr().out


def test_a_request_contains_and_is_joined_by_its_like_but_not_by_itself(stack: Deployed) -> None:
    agent = stack.agent()
    event = asked(agent.agent_id)
    assert send(event, event, asked(agent.agent_id, detail={"agent_id": agent.agent_id, "reason": "me too"})) == []
    incident = incident_of(agent)
    assert incident is not None
    assert [trigger.reason for trigger in incident.triggers] == ["its key is in a public repository", "me too"]
    assert incident.triggers[0].actor == "event of account 123456789012"
    assert not is_active(stack, agent)


def test_a_request_about_nobody_is_told(stack: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    assert send(asked("ag_" + "0" * 22)) == []
    assert '"Outcome":"unknown_agent"' in capsys.readouterr().out


def test_triggers_of_every_kind_at_once_open_one_incident(stack: Deployed) -> None:
    agent = agent_of(stack, "low")
    events = [found(agent, 9), asked(agent.agent_id), asked(agent.agent_id, id="2")]
    del events[2]["detail"]["reference"]
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(3) as threads:
        patch.setattr(function, "responding", function.responding.__wrapped__)  # each in a process of its own
        assert list(threads.map(send, events)) == [[], [], []]
    incident = incident_of(agent)
    assert incident is not None
    assert (incident.triggered, {trigger.kind for trigger in incident.triggers}) == (3, {"finding", "event"})
    _, following = incidents.page(request.stores().table, None, agent.agent_id, 1, None)
    assert following is None


def test_an_incident_has_its_steps_started_once_for_each_run(stack: Deployed, machines: Machines) -> None:
    agent = stack.agent()
    incident = contain(agent)
    opened = told("incident.opened", agent.agent_id, incident.id)
    assert send(opened, opened) == []
    given = {"incident": incident.id, "agent": agent.agent_id, "run": 1}
    assert machines.started == {f"{incident.id}-1": given}
    incidents.resume(request.stores().table, Actor("gateway", "", now()), incident.id)
    assert send(told("incident.resumed", agent.agent_id, incident.id), opened) == []
    assert machines.started == {f"{incident.id}-1": given, f"{incident.id}-2": given | {"run": 2}}


def test_of_one_that_is_closed_no_step_is_started(stack: Deployed, machines: Machines) -> None:
    incident = contain(stack.agent())
    closed = replace(stored(incident), state=CLOSED, rev=2, closed_at=now())
    actor = Actor("arn:aws:iam::123456789012:user/operator", "", now())
    request.stores().table.transact(*incidents.writing(incident, closed, actor, "incident.resumed"))
    assert send(told("incident.opened", incident.agent, incident.id)) == []
    assert machines.started == {}


def test_what_fails_is_tried_again_alone(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = stack.agent()
    incident = contain(stack.agent())
    monkeypatch.setenv("STATE_MACHINE_ARN", "arn:aws:states:us-east-1:123456789012:stateMachine:gone")
    function.responding.cache_clear()
    opened = told("incident.opened", incident.agent, incident.id)
    assert send(asked(agent.agent_id), opened, "{}") == ["1"]
    assert not is_active(stack, agent)
