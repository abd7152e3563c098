"""The numbers against the schema's own words, copied from events/ of ocsf-schema 1.8.0."""

from pathlib import Path

import pytest

from portcullis.protocol.ocsf import ocsf_of

EVENTS = Path(__file__).parents[3] / "events" / "bus"
CATEGORIES = {"findings": 2, "iam": 3, "application": 6}
CLASSES = {
    "Detection Finding": ("findings", 4, {"Create": 1, "Update": 2, "Close": 3}),
    "Incident Finding": ("findings", 5, {"Create": 1, "Update": 2, "Close": 3}),
    "Account Change": ("iam", 1, {"Lock": 9, "Unlock": 12}),
    "Authentication": ("iam", 2, {"Logon": 1, "Logoff": 2}),
    "Entity Management": (
        "iam",
        4,
        {
            "Create": 1,
            "Read": 2,
            "Update": 3,
            "Delete": 4,
            "Enroll": 6,
            "Activate": 10,
            "Deactivate": 11,
            "Suspend": 12,
        },
    ),
    "User Access Management": ("iam", 5, {"Assign Privileges": 1, "Revoke Privileges": 2}),
    "API Activity": ("application", 3, {"Create": 1, "Read": 2, "Update": 3, "Delete": 4}),
}
"""By caption: category, the class's number in it, and those of its activities."""
OTHER = 99
"""An activity of any class."""
SEVERITIES = {"Informational": 1, "Low": 2, "Medium": 3, "High": 4, "Critical": 5, "Fatal": 6}
READ_AS = {
    "agent.created": ("Entity Management", "Create", "Informational"),
    "agent.recovered": ("Entity Management", "Activate", "High"),
    "agent.suspended": ("Entity Management", "Suspend", "High"),
    "agent.locked": ("Entity Management", "Suspend", "High"),
    "agent.unlocked": ("Entity Management", "Activate", "Medium"),
    "approver.bootstrapped": ("Entity Management", "Enroll", "Medium"),
    "approver.confirmed": ("Entity Management", "Activate", "Low"),
    "approver.device_shown": ("Entity Management", "Read", "Low"),
    "approver.enrolled": ("Entity Management", "Enroll", "Low"),
    "approver.locked": ("Account Change", "Lock", "High"),
    "approver.revoked": ("Entity Management", "Deactivate", "Low"),
    "audit.rejected": ("Detection Finding", "Create", "Medium"),
    "authentication.any": ("Authentication", "Logon", "Low"),
    "finding.closed": ("Detection Finding", "Close", "Medium"),
    "finding.opened": ("Detection Finding", "Create", "Medium"),
    "finding.released": ("Detection Finding", "Close", "Informational"),
    "finding.updated": ("Detection Finding", "Update", "Medium"),
    "incident.any": ("Incident Finding", "Update", "High"),
    "incident.closed": ("Incident Finding", "Close", "Medium"),
    "incident.joined": ("Incident Finding", "Update", "High"),
    "incident.opened": ("Incident Finding", "Create", "High"),
    "key.due": ("Entity Management", "Update", "Informational"),
    "key.job_created": ("Entity Management", "Create", "Low"),
    "key.rotated": ("User Access Management", "Assign Privileges", "Low"),
    "key.issued": ("User Access Management", "Assign Privileges", "Low"),
    "key.retiring": ("User Access Management", "Revoke Privileges", "Low"),
    "key.revoked": ("User Access Management", "Revoke Privileges", "Low"),
    "lockdown.any": ("Incident Finding", "Update", "High"),
    "lockdown.lifted": ("Incident Finding", "Close", "Medium"),
    "lockdown.started": ("Incident Finding", "Create", "High"),
    "source.blocked": ("Detection Finding", "Create", "Medium"),
    "source.unblocked": ("Detection Finding", "Close", "Informational"),
    "outbox.malformed": ("Detection Finding", "Create", "High"),
    "policy.draft_discarded": ("Entity Management", "Delete", "Informational"),
    "policy.drafted": ("Entity Management", "Create", "Informational"),
    "policy.published": ("Entity Management", "Update", "Informational"),
    "profile.reset": ("Entity Management", "Update", "Low"),
    "request.any": ("API Activity", "Other", "Low"),
    "request.served": ("API Activity", "Other", "Informational"),
    "price.refused": ("Entity Management", "Update", "Low"),
    "price.set": ("Entity Management", "Update", "Informational"),
    "root.advanced": ("Entity Management", "Update", "Medium"),
    "transaction.approved": ("API Activity", "Create", "Informational"),
    "transaction.denied": ("API Activity", "Create", "Low"),
    "transaction.needs_reconciliation": ("API Activity", "Update", "Medium"),
    "transaction.settled": ("API Activity", "Update", "Informational"),
}


@pytest.mark.parametrize("type_", READ_AS)
def test_a_type_reads_as_the_schema_says(type_: str) -> None:
    caption, activity, severity = READ_AS[type_]
    category, number, activities = CLASSES[caption]
    ocsf = ocsf_of(type_)
    assert (ocsf.category_uid, ocsf.severity_id) == (CATEGORIES[category], SEVERITIES[severity])
    assert ocsf.class_uid == CATEGORIES[category] * 1000 + number
    assert ocsf.type_uid == ocsf.class_uid * 100 + (activities | {"Other": OTHER})[activity]


@pytest.mark.parametrize(("severity", "read"), [(1, "Low"), (4, "Low"), (5, "Medium"), (7, "Medium"), (8, "High")])
def test_a_finding_is_as_severe_as_what_it_calls_for(severity: int, read: str) -> None:
    assert ocsf_of("finding.opened", severity).severity_id == SEVERITIES[read]
    assert ocsf_of("finding.released", severity) == ocsf_of("finding.released")


@pytest.mark.parametrize("type_", [path.stem for path in sorted(EVENTS.glob("*.json"))] + ["unheard.of"])
def test_no_type_reads_as_what_the_schema_lacks(type_: str) -> None:
    ocsf = ocsf_of(type_)
    known = {CATEGORIES[category] * 1000 + number: activities for category, number, activities in CLASSES.values()}
    assert ocsf.activity_id in {*known[ocsf.class_uid].values(), OTHER}
    assert ocsf.severity_id in SEVERITIES.values()
