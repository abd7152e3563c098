"""A queue on the event bus of a local run, to see what consumers see. The deployment knows nothing of it."""

import json
import time
from typing import Any

from local.aws import client


class Tap:
    """Every event of the bus since it was made."""

    def __init__(self, description: dict[str, Any], name: str) -> None:
        self._sqs = client("sqs", description["endpoint_url"])
        events = client("events", description["endpoint_url"])
        bus = description["outputs"]["BusName"]
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": ["portcullis"]})
        events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "tap", "Arn": arn}])
        self._events: list[dict[str, Any]] = []

    def of(self, agent: str, count: int, seconds: float = 30) -> list[dict[str, Any]]:
        """The agent's events once there are ``count``; then a moment longer, so that a twin would be seen."""
        deadline = time.monotonic() + seconds
        while len(self._mine(agent)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self._mine(agent))} of {count} events came in {seconds:g} s")
            self._receive(wait=1)
        self._receive(wait=2)
        return self._mine(agent)

    def _mine(self, agent: str) -> list[dict[str, Any]]:
        return [event for event in self._events if event["agent"] == agent]

    def _receive(self, wait: int) -> None:
        batch = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        for message in batch.get("Messages", []):
            self._events.append(json.loads(message["Body"])["detail"])
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
