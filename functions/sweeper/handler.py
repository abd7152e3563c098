"""The sweeper: started every minute, it moves on every transaction whose time has run out."""

import time
from functools import cache
from typing import Any

from portcullis.aws import settings, telemetry
from portcullis.aws.changes import DEADLINE_SECONDS
from portcullis.aws.dynamo import Table
from portcullis.aws.sweep import sweep
from portcullis.aws.wire import Service

RESERVE_MILLISECONDS = int((DEADLINE_SECONDS + 5) * 1000)
"""The longest that one move may take, and the time to store where the run stopped."""


@cache
def table() -> Table:
    """The table of this process."""
    return Table(settings.core().core_table, Service("dynamodb", settings.aws()))


def handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One run; how many it moved, and whether it came to the end."""

    def more() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)

    swept = sweep(table(), time.time_ns() // 1000, more)
    telemetry.count("Sweep", dimensions={"Finished": str(swept.finished).lower()}, moved=swept.moved)
    return {"moved": swept.moved, "finished": swept.finished}
