"""The audit writer: what the bus tells is recorded, and what is recorded is published, if need be by the schedule."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from portcullis.aws import settings, telemetry
from portcullis.aws.audit_log import AuditLog
from portcullis.aws.audit_writer import AuditWriter
from portcullis.aws.wire import AwsError, Unavailable
from portcullis.domain import audit_records
from portcullis.domain.audit_operations import Contended, LogDisagrees, Recordable
from portcullis.protocol.log_errors import MalformedLog

SELF = {"Function": "audit_writer"}
FAULTS = (Unavailable, AwsError, Contended, LogDisagrees, MalformedLog)


@cache
def writer() -> AuditWriter:
    """The writer of this process."""
    return AuditWriter(AuditLog(settings.audit_writer(), settings.aws()))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """SQS messages in, those to try again out. Without messages it is the schedule, and publishes and renews only."""
    if "Records" not in event:
        return {"size": _told(writer().sweep)}
    messages = event["Records"]
    batch = [audit_records.recordable(message["body"], _sent(message)) for message in messages]
    try:
        writer().record(batch)
    except FAULTS as fault:
        _tell(fault)
        return {"batchItemFailures": [{"itemIdentifier": message["messageId"]} for message in messages]}
    _tell_lag(batch)
    with suppress(*FAULTS):  # told already; every message is recorded, and the schedule publishes
        _told(writer().publish)
    return {"batchItemFailures": []}


def _sent(message: dict[str, Any]) -> int:
    return int(message["attributes"]["SentTimestamp"]) * 1_000


def _told(publish: Callable[[], int]) -> int:
    try:
        return publish()
    except FAULTS as fault:
        _tell(fault)
        raise


def _tell(fault: Exception) -> None:
    disagrees = isinstance(fault, LogDisagrees | MalformedLog)
    telemetry.count("AuditLogDisagrees" if disagrees else "Fault", dimensions=SELF, cause=str(fault))


def _tell_lag(batch: list[Recordable]) -> None:
    """How long the oldest event of the batch took from when it happened to when it was recorded."""
    age = time.time_ns() // 1_000_000 - min(entry.at for entry in batch) // 1_000
    rejected = sum(entry.rejected for entry in batch)
    telemetry.milliseconds("AuditLag", max(age, 0), dimensions=SELF, entries=len(batch), rejected=rejected)
