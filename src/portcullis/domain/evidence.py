"""Evidence of an incident: which part of the audit log is exported, where to, and when the log is far enough for it."""

from portcullis.domain import audit_reading, times
from portcullis.domain.audit_operations import Steps
from portcullis.domain.incidents import Incident
from portcullis.protocol.log_export import Asked

SLACK = 20 * times.SECOND
"""What committed before the suspension may bear an instant after the trigger's, which is the incident's: a suspension
that payments contend with is tried for 15 s."""


def asked(incident: Incident, hours: int) -> Asked:
    """The entries of the agent over so many hours, up to the suspension itself."""
    since, until = incident.opened_at - hours * times.HOUR, incident.opened_at + SLACK
    return Asked(times.rfc3339(since), times.rfc3339(until), incident.agent)


def key(incident_id: str, run: int) -> str:
    """Where the export lies that this run of the steps has written."""
    return f"incidents/{incident_id}/export-{run}.zip"


def opening(incident_id: str) -> str:
    """The id of the event that tells of the suspension."""
    return f"{incident_id}#1"


def covering(incident: Incident) -> Steps[bytes | None]:
    """The checkpoint of the published log if it tells of the suspension, else None: it is not that far yet."""
    published, cursor = (yield from audit_reading.latest()), None
    while True:
        hit = yield from audit_reading.entry_of(published.size, opening(incident.id), incident.opened_at, cursor)
        if hit.entry is not None:
            return published.note
        if (cursor := hit.following) is None:
            return None
