"""A queue on the event bus of a local run, to see what consumers see. The deployment knows nothing of it."""

import json
import time
from collections.abc import Callable
from typing import Any

from local.aws import client

Event = dict[str, Any]


class Tap:
    """Every event of the bus since it was made, in ``events`` as far as received."""

    def __init__(self, description: dict[str, Any], name: str) -> None:
        self._sqs = client("sqs", description["endpoint_url"])
        events = client("events", description["endpoint_url"])
        bus = description["outputs"]["BusName"]
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": ["portcullis"]})
        events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "tap", "Arn": arn}])
        self.events: list[Event] = []

    def wait(self, count: int, wanted: Callable[[Event], bool], seconds: float = 30) -> list[Event]:
        """The wanted events once there are ``count``; then a moment longer, so that a twin would be seen."""
        deadline = time.monotonic() + seconds
        while len(found := [event for event in self.events if wanted(event)]) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(found)} of {count} events came in {seconds:g} s")
            self._receive(wait=1)
        self._receive(wait=1)
        return [event for event in self.events if wanted(event)]

    def _receive(self, wait: int) -> None:
        batch = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        for message in batch.get("Messages", []):
            self.events.append(json.loads(message["Body"])["detail"])
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
