"""Tells people of findings, incidents and lockdowns, through the topic."""

import json
import time
from functools import cache
from typing import Any

from portcullis.aws import settings, telemetry
from portcullis.aws.bus_messages import UNREADABLE
from portcullis.aws.dynamo import Table
from portcullis.aws.notices import Topic
from portcullis.aws.notifying import Notifying
from portcullis.aws.wire import AwsError, Service, Unavailable

SELF = {"Function": "notifier"}
FAULTS = (Unavailable, AwsError)


@cache
def notifying() -> Notifying:
    """What this process needs."""
    own, environment = settings.notifier(), settings.aws()
    topic = Topic(own.topic, Service("sns", environment))
    return Notifying(Table(own.core_table, Service("dynamodb", environment)), topic, own.stage, own.responses)


def handler(batch: dict[str, Any], _context: object) -> dict[str, Any]:
    """SQS messages in, those to try again out."""
    failed = [message["messageId"] for message in batch["Records"] if not _told(message["body"])]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _told(body: str) -> bool:
    try:
        subject = notifying().tell(json.loads(body)["detail"], time.time_ns() // 1_000)
    except (*FAULTS, *UNREADABLE) as fault:
        # What cannot be told of may be what matters: it is tried again, and then waits as a dead letter.
        telemetry.count("Fault", dimensions=SELF, cause=f"{type(fault).__name__}: {fault}")
        return False
    if subject:
        telemetry.count("Notice", dimensions=SELF, subject=subject)
    return True
