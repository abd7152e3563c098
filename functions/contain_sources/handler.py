"""A step of containment: keeps out the addresses that an agent was attacked from."""

import time
from functools import cache
from typing import Any

from portcullis.aws import incidents, settings
from portcullis.aws.dynamo import Table
from portcullis.aws.incident_sources import IncidentSources
from portcullis.aws.wire import Service


@cache
def core() -> Table:
    """Where incidents and findings are."""
    return Table(settings.contain_sources().core_table, Service("dynamodb", settings.aws()))


@cache
def sources() -> IncidentSources:
    """What this process needs."""
    own = settings.contain_sources()
    return IncidentSources(core(), Table(own.profiles_table, Service("dynamodb", settings.aws())), own.never_block)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Which addresses are blocked for the incident, and which are not for what reason."""
    return incidents.perform(core(), event, lambda incident: sources().block(incident, _now()))


def _now() -> int:
    return time.time_ns() // 1_000
