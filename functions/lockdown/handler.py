"""Started every minute, it goes on with a lockdown, or a stage of its lifting, whether or not others drive it."""

from functools import cache
from typing import Any

from portcullis.aws import settings
from portcullis.aws.changes import DEADLINE_SECONDS
from portcullis.aws.dynamo import Table
from portcullis.aws.lockdown_runs import WORKERS, Lockdowns
from portcullis.aws.wire import Service

RESERVE_MILLISECONDS = int((DEADLINE_SECONDS + 5) * 1000)
"""The longest that one agent may take, and the time to give the lease back."""


@cache
def lockdowns() -> Lockdowns:
    """What this process works with."""
    own, environment = settings.lockdown(), settings.aws()
    return Lockdowns([Table(own.core_table, Service("dynamodb", environment)) for _ in range(WORKERS)])


def handler(_event: dict[str, Any], context: Any) -> dict[str, bool]:
    """One slice of the work; whether there was any for this run."""

    def more() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)

    return {"worked": lockdowns().run(more)}
