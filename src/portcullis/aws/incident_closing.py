"""How an incident ends: first what detection found of it, each finding in a write of its own, then the incident itself.

So whoever repeats a call that stopped half-way completes it.
"""

from collections.abc import Iterator
from typing import Any

from portcullis.aws import accounts, changes, detection_changes, finding_lists, incidents
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.expressions import Update
from portcullis.aws.incident_recovery import accepted
from portcullis.aws.wire import Unavailable
from portcullis.domain import incident_recovery as recovery
from portcullis.domain import times
from portcullis.domain.detection.findings import OPEN, Finding
from portcullis.domain.incidents import FALSE_ALARM, Incident

CLOSED = "incident.closed"
BEFORE = times.DAY
"""How long before an incident its findings may have been opened."""
_PAGE = 100


def close(core: Table, profiles: Table, actor: Actor, incident_id: str, outcome: str, reason: str) -> Incident | None:
    """Say what an incident was. None: no such incident. Raises Conflict where it was closed as something else."""
    for _ in changes.attempts():
        incident = incidents.find(core, incident_id)
        after = accepted(recovery.closed(incident, outcome, reason, actor.arn, actor.now)) if incident else None
        if incident is None or after is None:
            return incident
        for finding in list(_findings(core, incident)):
            if outcome == FALSE_ALARM:
                detection_changes.release(core, profiles, actor, finding.id, reason)
            else:
                detection_changes.close(core, actor, finding.agent, finding.id, reason)
        try:
            core.transact(*incidents.writing(incident, after, actor, CLOSED), *_forgetting(incident))
        except Cancelled:
            continue
        return after
    raise Unavailable("the incident was contended")


def _findings(core: Table, incident: Incident) -> Iterator[Finding]:
    """The open ones of the agent, from before the incident until it was back: what came then is another matter, and so
    is what an earlier incident was about."""
    cursor: str | None = None
    earliest = max(incident.opened_at - BEFORE, _previous_end(core, incident))
    while True:
        found, cursor = finding_lists.page(core, OPEN, incident.agent, _PAGE, cursor)
        for finding in found:
            if finding.opened_at < earliest:
                return
            if incident.recovered_at is None or finding.opened_at <= incident.recovered_at:
                yield finding
        if cursor is None:
            return


def _previous_end(core: Table, incident: Incident) -> int:
    """Until when the agent's incident before this one lasted, or nothing."""
    cursor: str | None = None
    while True:
        found, cursor = incidents.page(core, None, incident.agent, _PAGE, cursor)
        for each in found:
            if each.opened_at < incident.opened_at:
                return each.recovered_at or each.closed_at or each.opened_at
        if cursor is None:
            return 0


def _forgetting(incident: Incident) -> list[dict[str, Any]]:
    """An open one leaves the account, whose agent stays suspended."""
    if incident.recovered_at is not None:
        return []
    update = Update()
    update.require(incident=incident.id)
    update.put(incident=None)
    return [update.action(accounts.primary_key(incident.agent))]
