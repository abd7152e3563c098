"""Stream, pipe, enrichment, bus, rule and targets."""

import json
from typing import Any

from tests.local.conftest import Deployed
from tests.local.waiting import until


def put(deployed: Deployed, name: str, kind: str | None) -> None:
    item = {"pk": {"S": name}} | ({"type": {"S": kind}} if kind else {})
    deployed.client("dynamodb").put_item(TableName=deployed.outputs["Core"], Item=item)


def received(deployed: Deployed, queue: str) -> list[Any]:
    """What is in a queue now, taken out of it."""
    sqs = deployed.client("sqs")
    url = deployed.outputs[queue]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


def collect(deployed: Deployed, queue: str, wanted: set[str]) -> list[Any]:
    """Read a queue until every event of `wanted`, by id, has come."""
    found: list[Any] = []

    def complete() -> bool:
        found.extend(received(deployed, queue))
        return wanted <= {event["detail"].get("id") for event in found}

    until(complete)
    return found


def test_events_arrive_from_the_first_record_on(deployed: Deployed) -> None:
    names = {f"pipe-{number}" for number in range(25)}
    for name in sorted(names):
        put(deployed, name, "transaction.approved")
    put(deployed, "pipe-untyped", None)
    events = collect(deployed, "Received", names)
    event = next(event for event in events if event["detail"]["id"] == "pipe-0")
    assert (event["source"], event["detail-type"]) == ("portcullis", "transaction.approved")
    assert event["detail"] == {"id": "pipe-0", "type": "transaction.approved"}
    assert "pipe-untyped" not in {event["detail"]["id"] for event in events}


def test_a_rule_writes_to_its_log_group(deployed: Deployed) -> None:
    put(deployed, "logged", "key.issued")

    def logged() -> bool:
        events = deployed.client("logs").filter_log_events(logGroupName=deployed.outputs["Seen"])["events"]
        return any(json.loads(event["message"])["detail"]["id"] == "logged" for event in events)

    until(logged)


def test_a_record_that_cannot_be_enriched_is_given_up_alone(deployed: Deployed) -> None:
    put(deployed, "before", "fine")
    put(deployed, "bad", "poison")
    put(deployed, "after", "fine")
    collect(deployed, "Received", {"before", "after"})
    dead = until(lambda: received(deployed, "Dead"))
    assert [letter["DDBStreamBatchInfo"]["batchSize"] for letter in dead] == [1]
    assert "bad" not in json.dumps(dead)
