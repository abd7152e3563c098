"""A step of containment: what waited for an approval or an executor is marked frozen."""

import time
from functools import cache
from typing import Any

from portcullis.aws import freezing, incidents, settings
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import Service

RESERVE_MILLISECONDS = 5_000
"""The longest that one transaction usually takes, and the time to say how far this came."""


@cache
def table() -> Table:
    """The table of this process."""
    return Table(settings.core().core_table, Service("dynamodb", settings.aws()))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What the state machine gives each step in, what the incident keeps of it out; raises what it could not do."""

    def more() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)

    now = time.time_ns() // 1000
    return incidents.perform(table(), event, lambda incident: freezing.freeze(table(), incident, now, more))
