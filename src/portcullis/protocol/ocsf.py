"""How events read in the Open Cybersecurity Schema Framework, for the systems that collect them.

The numbers are those of version 1.8.0 (https://github.com/ocsf/ocsf-schema, folder ``events``), and the same since 1.3.
"""

from typing import NamedTuple

INFORMATIONAL, LOW, MEDIUM, HIGH = 1, 2, 3, 4

_DETECTION_FINDING, _INCIDENT_FINDING = 2004, 2005
_ACCOUNT_CHANGE, _AUTHENTICATION, _ENTITY_MANAGEMENT, _USER_ACCESS = 3001, 3002, 3004, 3005
_API_ACTIVITY = 6003
# An activity is a number of its class: 2 is an update among findings, and 3 elsewhere.
_FOUND, _FINDING_UPDATE, _FINDING_CLOSE = 1, 2, 3
_LOCK, _LOGON, _ASSIGN, _REVOKE = 9, 1, 1, 2
_CREATE, _READ, _UPDATE, _DELETE, _OTHER = 1, 2, 3, 4, 99
_ENROLL, _ACTIVATE, _DEACTIVATE, _SUSPEND = 6, 10, 11, 12


class Ocsf(NamedTuple):
    """Class, activity and severity; category and type follow from them."""

    class_uid: int
    activity_id: int
    severity_id: int

    @property
    def category_uid(self) -> int:
        """The category that the class is in."""
        return self.class_uid // 1000

    @property
    def type_uid(self) -> int:
        """The activity of the class as one number."""
        return self.class_uid * 100 + self.activity_id


_TYPES = {
    "transaction.approved": Ocsf(_API_ACTIVITY, _CREATE, INFORMATIONAL),
    "transaction.pending_approval": Ocsf(_API_ACTIVITY, _CREATE, INFORMATIONAL),
    "transaction.denied": Ocsf(_API_ACTIVITY, _CREATE, LOW),
    "transaction.needs_reconciliation": Ocsf(_API_ACTIVITY, _UPDATE, MEDIUM),
    "request.served": Ocsf(_API_ACTIVITY, _OTHER, INFORMATIONAL),
    "agent.created": Ocsf(_ENTITY_MANAGEMENT, _CREATE, INFORMATIONAL),
    "agent.suspended": Ocsf(_ENTITY_MANAGEMENT, _SUSPEND, HIGH),
    "agent.recovered": Ocsf(_ENTITY_MANAGEMENT, _ACTIVATE, HIGH),
    "agent.locked": Ocsf(_ENTITY_MANAGEMENT, _SUSPEND, HIGH),
    "agent.unlocked": Ocsf(_ENTITY_MANAGEMENT, _ACTIVATE, MEDIUM),
    "policy.drafted": Ocsf(_ENTITY_MANAGEMENT, _CREATE, INFORMATIONAL),
    "policy.draft_discarded": Ocsf(_ENTITY_MANAGEMENT, _DELETE, INFORMATIONAL),
    "approver.bootstrapped": Ocsf(_ENTITY_MANAGEMENT, _ENROLL, MEDIUM),
    "approver.enrolled": Ocsf(_ENTITY_MANAGEMENT, _ENROLL, LOW),
    "approver.device_shown": Ocsf(_ENTITY_MANAGEMENT, _READ, LOW),
    "approver.confirmed": Ocsf(_ENTITY_MANAGEMENT, _ACTIVATE, LOW),
    "approver.revoked": Ocsf(_ENTITY_MANAGEMENT, _DEACTIVATE, LOW),
    "approver.locked": Ocsf(_ACCOUNT_CHANGE, _LOCK, HIGH),
    "key.issued": Ocsf(_USER_ACCESS, _ASSIGN, LOW),
    "key.retiring": Ocsf(_USER_ACCESS, _REVOKE, LOW),
    "key.revoked": Ocsf(_USER_ACCESS, _REVOKE, LOW),
    "key.rotated": Ocsf(_USER_ACCESS, _ASSIGN, LOW),
    "key.job_created": Ocsf(_ENTITY_MANAGEMENT, _CREATE, LOW),
    "root.advanced": Ocsf(_ENTITY_MANAGEMENT, _UPDATE, MEDIUM),
    "finding.opened": Ocsf(_DETECTION_FINDING, _FOUND, MEDIUM),
    "finding.released": Ocsf(_DETECTION_FINDING, _FINDING_CLOSE, INFORMATIONAL),
    "finding.closed": Ocsf(_DETECTION_FINDING, _FINDING_CLOSE, MEDIUM),
    "incident.opened": Ocsf(_INCIDENT_FINDING, _FOUND, HIGH),
    "incident.closed": Ocsf(_INCIDENT_FINDING, _FINDING_CLOSE, MEDIUM),
    "lockdown.started": Ocsf(_INCIDENT_FINDING, _FOUND, HIGH),
    "lockdown.lifted": Ocsf(_INCIDENT_FINDING, _FINDING_CLOSE, MEDIUM),
    "profile.reset": Ocsf(_ENTITY_MANAGEMENT, _UPDATE, LOW),
    "price.refused": Ocsf(_ENTITY_MANAGEMENT, _UPDATE, LOW),
    "source.blocked": Ocsf(_DETECTION_FINDING, _FOUND, MEDIUM),
    "source.unblocked": Ocsf(_DETECTION_FINDING, _FINDING_CLOSE, INFORMATIONAL),
    "outbox.malformed": Ocsf(_DETECTION_FINDING, _FOUND, HIGH),
    "audit.rejected": Ocsf(_DETECTION_FINDING, _FOUND, MEDIUM),
}
_FAMILIES = {
    "transaction": Ocsf(_API_ACTIVITY, _UPDATE, INFORMATIONAL),
    "policy": Ocsf(_ENTITY_MANAGEMENT, _UPDATE, INFORMATIONAL),
    "agent": Ocsf(_ENTITY_MANAGEMENT, _UPDATE, INFORMATIONAL),
    "approver": Ocsf(_ENTITY_MANAGEMENT, _UPDATE, LOW),
    "key": Ocsf(_ENTITY_MANAGEMENT, _UPDATE, INFORMATIONAL),
    "trust": Ocsf(_ENTITY_MANAGEMENT, _OTHER, INFORMATIONAL),
    "price": Ocsf(_ENTITY_MANAGEMENT, _UPDATE, INFORMATIONAL),
    "authentication": Ocsf(_AUTHENTICATION, _LOGON, LOW),
    "finding": Ocsf(_DETECTION_FINDING, _FINDING_UPDATE, MEDIUM),
    "incident": Ocsf(_INCIDENT_FINDING, _FINDING_UPDATE, HIGH),
    "lockdown": Ocsf(_INCIDENT_FINDING, _FINDING_UPDATE, HIGH),
    "request": Ocsf(_API_ACTIVITY, _OTHER, LOW),
}
_GRADED = frozenset({"finding.opened", "finding.updated"})
_GRADES = ((8, HIGH), (5, MEDIUM))
"""From a severity on: what contains an agent, and what is told to a person."""
_ANYTHING = Ocsf(_API_ACTIVITY, _OTHER, INFORMATIONAL)


def ocsf_of(event_type: str, severity: int | None = None) -> Ocsf:
    """The class, activity and severity of a type, or of its family, what stands before the dot.

    ``severity`` is a finding's own, from 1 to 10: what it calls for decides how it reads.
    """
    read = _TYPES.get(event_type) or _FAMILIES.get(event_type.partition(".")[0], _ANYTHING)
    if event_type not in _GRADED or severity is None:
        return read
    return read._replace(severity_id=next((grade for least, grade in _GRADES if severity >= least), LOW))
