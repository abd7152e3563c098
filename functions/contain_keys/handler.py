"""A step of containment: the agent's keys end for good. None could commit any more; now none can read either."""

import time
from functools import cache
from typing import Any

from portcullis.aws import incidents, key_revoking, settings
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import Service
from portcullis.domain.incidents import Incident


@cache
def table() -> Table:
    """The table of this process."""
    return Table(settings.core().core_table, Service("dynamodb", settings.aws()))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """What the state machine gives each step in, what the incident keeps of it out; raises what it could not do."""
    return incidents.perform(table(), event, _revoke)


def _revoke(incident: Incident) -> dict[str, Any]:
    actor, revoked = Actor("gateway", "", time.time_ns() // 1000), 0
    while ended := key_revoking.revoke_unlisted(table(), actor, incident.agent):
        revoked += len(ended)
    return {"revoked": revoked}
