"""People are told of what concerns them, as their agents are to be answered, and of how an incident stands."""

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.sns.models import sns_backends

from functions.contain_notice import handler as contain_notice
from functions.notifier import handler as notifier
from functions.operator_api import request
from portcullis.aws import incidents
from portcullis.aws.changes import Actor
from portcullis.domain.incidents import BY_OPERATOR, DONE, FAILED, Trigger
from tests.functions.api_events import REGION, load_event
from tests.functions.deployed import Deployed, unique

NOW = time.time_ns() // 1_000
Sent = tuple[str, str, dict[str, Any]]


class Topic:
    """A topic of moto's, and what was published to it."""

    def __init__(self, stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
        client = boto3.client(
            "sns",
            endpoint_url=stack.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.arn = client.create_topic(Name=unique("notices"))["TopicArn"]
        monkeypatch.setenv("TOPIC_ARN", self.arn)
        monkeypatch.setenv("RESPONSES", "low=notify medium=off high=contain:8")

    def sent(self) -> list[Sent]:
        """Message, subject and attributes."""
        topic: Any = sns_backends["123456789012"][REGION].topics[self.arn]
        return [(message, subject, attributes) for _, message, subject, attributes, _ in topic.sent_notifications]

    def subjects(self) -> list[str]:
        return [subject.partition("] ")[2] for _, subject, _ in self.sent()]


@pytest.fixture
def topic(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Topic]:
    forget()
    yield Topic(stack, monkeypatch)
    forget()


def forget() -> None:
    notifier.notifying.cache_clear()
    contain_notice.stores.cache_clear()


def handle(type_: str = "finding.opened", body: str | None = None, **data: Any) -> list[str]:
    """The messages that are to come again of a batch with the event file's finding, or with another event."""
    batch = load_event("notifier/batch.json")
    (message,) = batch["Records"]
    told = json.loads(message["body"])
    told["detail"]["data"] |= data
    told["detail"] |= {"type": type_, "agent": data.get("agent_id", told["detail"]["agent"])}
    message["body"] = json.dumps(told) if body is None else body
    return [each["itemIdentifier"] for each in notifier.handler(batch, None)["batchItemFailures"]]


def test_a_notice_has_what_subscriptions_filter_by(topic: Topic, stack: Deployed) -> None:
    agent = stack.agent().agent_id
    assert handle(agent_id=agent) == []
    ((text, subject, attributes),) = topic.sent()
    assert subject == f"[portcullis test] unusual requests of {agent} (severity 6)"
    assert "portcullis findings explain fd_" in text
    assert {name: (each["Type"], each["Value"]) for name, each in attributes.items()} == {
        "id": ("String", "fd_00Gh2kQe0Zs7WcX1bYpL4t#1"),
        "type": ("String", "finding.opened"),
        "severity": ("Number", "6"),
    }


def test_findings_are_told_as_the_agents_class_is_to_be_answered(topic: Topic, stack: Deployed) -> None:
    low, medium = (stack.agent({"trust": trust, "allowlist": {"wallets": []}}).agent_id for trust in ("low", "medium"))
    for agent, severity in ((low, 4), (low, 9), (medium, 9)):
        assert handle(agent_id=agent, severity=severity) == []
    assert topic.subjects() == [f"unusual requests of {low} (severity 9)"]


def test_what_cannot_be_told_comes_again(topic: Topic, stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    (message,) = load_event("notifier/batch.json")["Records"]
    for body in ("[]", "{", '{"detail": {"type": "incident.opened", "data": {}}}'):
        assert handle(body=body) == [message["messageId"]]
    assert handle(agent_id="ag_" + "0" * 22) == [message["messageId"]], "nobody knows how it is to be answered"
    forget()
    monkeypatch.setenv("TOPIC_ARN", f"{topic.arn}-gone")
    assert handle(agent_id=stack.agent().agent_id) == [message["messageId"]]
    assert topic.sent() == []


def test_the_last_step_tells_how_the_incident_stands(topic: Topic, stack: Deployed) -> None:
    table, agent = request.stores().table, stack.agent().agent_id
    trigger = Trigger(BY_OPERATOR, "key in a public repository", "arn", "::1", NOW, 8)
    incident = incidents.contain(table, agent, trigger)
    assert incident is not None
    actor = Actor("gateway", "", NOW)
    secrets = {"rotated": [], "rotated_in_all": 0, "by_hand": ["bank"], "by_hand_in_all": 1}
    for name in ("keys", "transactions", "sources"):
        incidents.record_step(table, actor, incident.id, name, DONE, {})
    incidents.record_step(table, actor, incident.id, "secrets", DONE, secrets)
    incidents.record_step(table, actor, incident.id, "evidence", FAILED, {"error": "E", "cause": "no room"})
    event = {"incident": incident.id, "agent": agent, "step": "notice"}
    (published,) = contain_notice.handler(event, None).values()
    ((text, subject, attributes),) = topic.sent()
    assert published == subject == f"[portcullis test] {incident.id}: 1 steps of {agent} are left"
    assert "change this secret by hand: bank" in text
    assert attributes["severity"]["Value"] == "8"
    assert attributes["id"]["Value"] == f"{incident.id}/summary/1"
