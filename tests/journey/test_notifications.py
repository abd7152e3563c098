"""Who is subscribed is told what an agent did, that it was cut off, what was done about it, and what to run next."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.journey.deployment import Deployment
from tests.journey.test_detection import STRANGER
from tests.journey.test_findings import settle

THIEF = "198.51.100.144"
SECRET = "journey/provider-key"


class Inbox:
    """A queue that is subscribed to notices that are grave enough."""

    def __init__(self, deployment: Deployment) -> None:
        self._sqs = deployment.root("sqs")
        self._url = self._sqs.create_queue(QueueName="notices")["QueueUrl"]
        wanted = ["QueueArn"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=wanted)["Attributes"]["QueueArn"]
        topic = deployment.outputs["NoticesTopicArn"]
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(_taking_from(topic, arn))})
        deployment.root("sns").subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"FilterPolicy": json.dumps({"severity": [{"numeric": [">=", 5]}]})},
        )
        self._notices: list[dict[str, Any]] = []

    def wait(self, type_: str, about: str, seconds: float = 60) -> dict[str, Any]:
        """The notice of this type whose text names ``about``."""
        deadline = time.monotonic() + seconds
        while not (found := [each for each in self._notices if _is(each, type_) and about in each["Message"]]):
            assert time.monotonic() < deadline, [each["Subject"] for each in self._notices]
            received = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            self._notices += [json.loads(message["Body"]) for message in received.get("Messages", ())]
        return found[0]


def _taking_from(topic: str, queue: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _is(notice: dict[str, Any], type_: str) -> bool:
    return bool(notice["MessageAttributes"]["type"]["Value"] == type_)


@pytest.fixture
def inbox(deployment: Deployment) -> Iterator[Inbox]:
    secrets = deployment.root("secretsmanager")
    tags = [{"Key": "portcullis:reachable-by", "Value": "all-agents"}]
    secrets.create_secret(Name=SECRET, SecretString="of the provider", Tags=tags)
    yield Inbox(deployment)
    secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


def test_a_theft_is_told_of_and_what_was_done_about_it(deployment: Deployment, inbox: Inbox) -> None:
    agent = deployment.agent()
    settle(deployment, agent)
    deployment.pay(replace(agent, address=THIEF), destination=STRANGER)
    found = inbox.wait("finding.opened", agent.agent_id)
    assert found["MessageAttributes"]["severity"] == {"Type": "Number", "Value": "5"}
    assert "portcullis findings explain fd_" in found["Message"]

    request = {"agent_id": agent.agent_id, "reason": "the key was sold", "severity": 9}
    entry = {"Source": "portcullis.trigger", "DetailType": "incident.requested", "Detail": json.dumps(request)}
    deployment.root("events").put_events(Entries=[{**entry, "EventBusName": deployment.outputs["BusName"]}])
    opened = inbox.wait("incident.opened", agent.agent_id)
    assert opened["Subject"] == f"[portcullis local] {agent.agent_id} was cut off (severity 9)"
    assert "the key was sold" in opened["Message"]

    summary = inbox.wait("incident.summary", agent.agent_id)["Message"].splitlines()
    assert "addresses blocked: blocked 1, spared 0, spared_in_all 0" in summary
    assert f"change this secret by hand: {SECRET}" in summary
    blocked = deployment.operator("GET", "/v1/sources").json()["sources"]
    (block,) = (each for each in blocked if each["address"] == THIEF)
    assert agent.agent_id in block["reason"]
