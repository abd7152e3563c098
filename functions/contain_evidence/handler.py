"""A step of a containment: the agent's audit log up to its suspension, exported into the locked bucket, verified."""

import time
from functools import cache
from typing import Any

from portcullis.aws import incidents, settings
from portcullis.aws.dynamo import Table
from portcullis.aws.evidence import Evidence
from portcullis.aws.wire import Service


@cache
def table() -> Table:
    """The table of this process."""
    return Table(settings.core().core_table, Service("dynamodb", settings.aws()))


@cache
def evidence() -> Evidence:
    """The bucket of this process."""
    return Evidence(settings.contain_evidence(), settings.audit_reader(), settings.aws(), time.sleep)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The incident's id in, what was exported and where it lies out. Whatever is raised, the step can be repeated."""

    def left() -> float:
        return float(context.get_remaining_time_in_millis() / 1000)

    return incidents.perform(table(), event, lambda incident: evidence().keep(incident, left))
