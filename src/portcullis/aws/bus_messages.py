"""Events of the bus as a queue delivers them, read by every function in the same way."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from portcullis.aws import telemetry
from portcullis.domain.events import VERSION

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""What a message raises that is not of the form which is looked for."""
Read = TypeVar("Read")


def read(body: str, function: str, make: Callable[[dict[str, Any]], Read | None]) -> Read | None:
    """What ``make`` makes of the event in a message's body, for this ``function``.

    None also for what cannot be read: it is counted, and trying it again would not help.
    """
    try:
        wrapped = json.loads(body)
        event = wrapped["detail"]
        if event["v"] == VERSION and event["type"] == wrapped["detail-type"]:  # which is what IAM lets a role put
            return make(event)
        cause = "unknown version or type"
    except UNREADABLE as error:
        cause = type(error).__name__
    telemetry.count("EventRejected", dimensions={"Function": function}, cause=cause)
    return None
