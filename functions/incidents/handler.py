"""Findings and requests from the bus contain agents; incidents that were opened or resumed have their steps started."""

import json
import time
from functools import cache
from typing import Any

from portcullis.aws import settings, telemetry
from portcullis.aws.bus_messages import UNREADABLE
from portcullis.aws.dynamo import Table
from portcullis.aws.responding import Responding
from portcullis.aws.state_machine import StateMachine
from portcullis.aws.wire import AwsError, Service, Unavailable
from portcullis.domain import triggers

SELF = {"Function": "incidents"}
FAULTS = (Unavailable, AwsError, KeyError, TypeError, ValueError)
"""Those of what is stored among them, which somebody has to look at: such a message becomes a dead letter."""


@cache
def responding() -> Responding:
    """What this process needs."""
    own, environment = settings.incidents(), settings.aws()
    table = Table(own.core_table, Service("dynamodb", environment))
    return Responding(table, StateMachine(Service("states", environment), own.state_machine), own.responses)


def handler(batch: dict[str, Any], _context: object) -> dict[str, Any]:
    """SQS messages in, those to try again out."""
    failed = [message["messageId"] for message in batch["Records"] if not _done(message["body"])]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _done(body: str) -> bool:
    """Also with what cannot be read: it is counted, and trying it again would not help."""
    now = time.time_ns() // 1000
    try:
        told = triggers.read(json.loads(body), now)
    except UNREADABLE as error:
        telemetry.count("EventRejected", dimensions=SELF, cause=f"{type(error).__name__}: {error}")
        return True
    try:
        outcome = responding().respond(told, now)
    except FAULTS as fault:
        telemetry.count("Fault", dimensions=SELF, cause=f"{type(fault).__name__}: {fault}")
        return False
    telemetry.count("Response", dimensions={**SELF, "Outcome": outcome}, told=type(told).__name__)
    return True
