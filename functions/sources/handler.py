"""What is refused to requests that nothing vouches for counts against their source address; a schedule lifts blocks."""

import time
from collections import defaultdict
from functools import cache
from typing import Any

from portcullis.aws import bus_messages, settings, telemetry
from portcullis.aws.blocking import Blocking
from portcullis.aws.wire import AwsError, Unavailable
from portcullis.domain.detection.networks import Network
from portcullis.domain.detection.sources import Block, Refusals, refusals

SELF = {"Function": "sources"}
FAULTS = (Unavailable, AwsError)


@cache
def blocking() -> Blocking:
    """What this process needs."""
    return Blocking(settings.sources(), settings.aws())


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """SQS messages in, those to try again out. Without messages it is the schedule, and makes the firewall agree."""
    if "Records" not in event:
        return {"blocked": blocking().reconcile(_now())}
    by_address: dict[Network, list[tuple[str, Refusals]]] = defaultdict(list)
    for message in event["Records"]:
        told = bus_messages.read(message["body"], "sources", refusals)
        if told is not None:
            by_address[told.address].append((message["messageId"], told))
    failed: list[str] = []
    begun: list[Block] = []
    for group in by_address.values():
        try:
            block = blocking().count([told for _, told in group], _now())
        except FAULTS as fault:
            _fault(fault, address=str(group[0][1].address))
            failed += [name for name, _ in group]
        else:
            begun += [block] if block else []
    _tell(begun)
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}


def _tell(begun: list[Block]) -> None:
    """Tell of all new blocks at once. They are stored: where that fails, the schedule's next run makes up for it."""
    try:
        if begun:
            blocking().reconcile(_now(), *begun)
    except FAULTS as fault:
        _fault(fault)


def _fault(fault: Exception, **fields: Any) -> None:
    telemetry.count("Fault", dimensions=SELF, cause=str(fault), **fields)


def _now() -> int:
    return time.time_ns() // 1_000
