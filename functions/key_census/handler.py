"""Started every hour, it counts the keys of each generation, and those that are older than their class allows."""

import time
from functools import cache
from typing import Any

from portcullis.aws import key_census, settings, telemetry
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import Service

RESERVE_MILLISECONDS = 20_000
"""The longest that one page of agents may take."""


@cache
def table() -> Table:
    """The table of this process."""
    return Table(settings.key_census().core_table, Service("dynamodb", settings.aws()))


def handler(_event: dict[str, Any], context: Any) -> dict[str, bool]:
    """One run: whether it came to the end. Only a whole count is told."""

    def more() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)

    own = settings.key_census()
    census = key_census.take(table(), own.stage, own.rotation, time.time_ns() // 1000, more)
    if census is None:
        return {"finished": False}
    for key_class, number in census.overdue.items():
        telemetry.count("OverdueKeys", number, dimensions={"Class": key_class})
    for generation, number in census.keys.items():
        telemetry.count("ValidKeys", number, dimensions={"Generation": generation})
    return {"finished": True}
