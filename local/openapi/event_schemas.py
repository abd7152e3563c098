"""JSON Schemas of the events on the bus, one file for each type: `docs/events/v1/<type>.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from local.openapi import (
    approver_events,
    detection_events,
    incident_events,
    key_events,
    lockdown_answers,
    source_events,
)
from local.openapi.answers import KeyId, Sha256, TransactionRecord, Version
from local.openapi.key_events import Change, KeyIssued, KeyRetiring, KeyRevoked, KeyRotated, Micros
from local.openapi.operation import Json
from local.openapi.request_events import AuthenticationRefused, RequestRefused, RequestServed
from local.openapi.schemas import Untitled, polished
from portcullis.domain.events import VERSION
from portcullis.domain.operator_requests import Instant, Label
from portcullis.domain.record import STATUSES
from portcullis.domain.transaction import AgentId, Amount, Token

FOLDER = Path(__file__).parents[2] / f"docs/events/v{VERSION}"


class TransactionData(TransactionRecord):
    """The transaction as it is now. `shadow` is what a policy in shadow mode would have said, where it differs."""


class TransactionUnrecorded(TypedDict):
    """A state that the transaction was in, told afterwards because its own event was lost: which, and since when
    (`at`). Nothing else of it is known but what never changes; who moved it there is told only where `rev` is 1."""

    id: str
    agent_id: AgentId
    status: Annotated[str, Field(json_schema_extra={"enum": [*STATUSES]})]
    content_sha256: Sha256
    rebuilt: Annotated[bool, Field(json_schema_extra={"const": True})]


class AgentCreated(Change):
    """An agent and the first version of its policy."""

    name: Label
    policy_version: Version
    policy_sha256: Sha256


class AgentSuspended(Change):
    """An agent was stopped: its keys ended, and what it had approved or held is frozen by the new epoch."""

    reason: str
    epoch: Version
    incident: NotRequired[Annotated[str, Field(description="The incident that it opened.")]]


class PolicyPublished(Change):
    """A new version of the policy is in force."""

    policy_version: Version
    policy_sha256: Sha256


class PolicyDrafted(Change):
    """A draft, which is not in force, was kept."""

    policy_sha256: Sha256


class PolicyDraftDiscarded(Change):
    """The draft was removed without being published."""

    policy_sha256: Sha256


class PolicyShadowed(Change):
    """A policy is tried beside the one in force; decisions tell in `shadow` what it would have said."""

    policy_sha256: Sha256


class PolicyUnshadowed(Change):
    """The trial of a policy in the shadow has ended."""


class TrustUpgradeProposed(Change):
    """The agent went long enough without a violation. Nothing changes until an operator publishes a policy."""

    trust: str
    proposed: str
    clean_since: Instant
    limits: Annotated[
        dict[str, str] | None, Field(description="Of the level that is proposed; null: the operator's to set.")
    ]


class PriceSet(Change):
    """What one token is worth; `expires_at` is null for a peg."""

    token: Token
    usd: Amount
    expires_at: Micros | None
    updated_at: Micros
    max_age: Annotated[int, Field(ge=60, description="Seconds.")]


class PriceRefused(Change):
    """A price of the feed that was not believed, or an event that could not be read (`event_id`)."""

    token: NotRequired[Token]
    usd: NotRequired[Amount]
    event_id: NotRequired[str]
    reason: str


class Malformed(TypedDict):
    """A stored item that could not be read, so that nobody misses it."""

    pk: str
    sk: str
    error: str


DATA: Mapping[str, Any] = {
    **{f"transaction.{status}": TransactionData for status in STATUSES},
    "transaction.unrecorded": TransactionUnrecorded,
    "agent.created": AgentCreated,
    "agent.suspended": AgentSuspended,
    "agent.recovered": incident_events.AgentRecovered,
    "agent.locked": lockdown_answers.AgentLocked,
    "agent.unlocked": lockdown_answers.AgentUnlocked,
    "policy.published": PolicyPublished,
    "policy.drafted": PolicyDrafted,
    "policy.draft_discarded": PolicyDraftDiscarded,
    "policy.shadowed": PolicyShadowed,
    "policy.unshadowed": PolicyUnshadowed,
    "trust.upgrade_proposed": TrustUpgradeProposed,
    "approver.bootstrapped": approver_events.ApproverBootstrapped,
    "approver.enrolled": approver_events.ApproverEnrolled,
    "approver.device_shown": approver_events.ApproverDeviceShown,
    "approver.confirmed": approver_events.ApproverConfirmed,
    "approver.revoked": approver_events.ApproverRevoked,
    "approver.locked": approver_events.ApproverLocked,
    "key.issued": KeyIssued,
    "key.retiring": KeyRetiring,
    "key.revoked": KeyRevoked,
    "key.rotated": KeyRotated,
    "key.due": key_events.KeyDue,
    "key.job_created": key_events.KeyJobCreated,
    "key.job_finished": key_events.KeyJobFinished,
    "key.job_cancelled": key_events.KeyJobCancelled,
    "root.advanced": key_events.RootAdvanced,
    "finding.opened": detection_events.FindingOpened,
    "finding.updated": detection_events.FindingUpdated,
    "finding.released": detection_events.FindingReleased,
    "finding.closed": detection_events.FindingClosed,
    "incident.opened": incident_events.IncidentOpened,
    "incident.joined": incident_events.IncidentJoined,
    "incident.resumed": incident_events.IncidentResumed,
    "incident.step_done": incident_events.IncidentStepDone,
    "incident.step_failed": incident_events.IncidentStepFailed,
    "incident.reviewed": incident_events.IncidentReviewed,
    "incident.recovered": incident_events.IncidentRecovered,
    "incident.closed": incident_events.IncidentClosed,
    "lockdown.started": lockdown_answers.LockdownStarted,
    "lockdown.completed": lockdown_answers.LockdownCompleted,
    "lockdown.lifting": lockdown_answers.LockdownLifting,
    "lockdown.stage_lifted": lockdown_answers.LockdownStageLifted,
    "lockdown.lifted": lockdown_answers.LockdownLifted,
    "profile.reset": detection_events.ProfileReset,
    "price.set": PriceSet,
    "price.refused": PriceRefused,
    "authentication.refused": AuthenticationRefused,
    "request.refused": RequestRefused,
    "source.blocked": source_events.SourceBlocked,
    "source.unblocked": source_events.SourceUnblocked,
    "request.served": RequestServed,
    "outbox.malformed": Malformed,
}
"""Event type -> its ``data``."""


class Envelope(TypedDict):
    """An event. Deliveries may come twice and in any order: handle each `id` once, order by `rev` within its subject,
    which is the part of `id` before the last `#`."""

    v: int
    id: Annotated[str, Field(pattern=r"^.+#[0-9]+$")]
    type: str
    agent: AgentId | None
    key: KeyId | None
    ip: str
    at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    txid: str | None
    rev: Annotated[int, Field(ge=0)]
    verified: Annotated[
        bool, Field(description="Whether it comes from a request that passed every authentication step.")
    ]
    data: dict[str, Any]


def text(type_: str) -> str:
    """The schema as it is written to its file."""
    return json.dumps(schema(type_), indent=2, ensure_ascii=False) + "\n"


def schema(type_: str) -> Json:
    """The schema of one type: the envelope with this ``type`` and its ``data``."""
    envelope, data = (TypeAdapter(model).json_schema(schema_generator=Untitled) for model in (Envelope, DATA[type_]))
    definitions = data.pop("$defs", {}) | {DATA[type_].__name__: data}
    fixed = {"v": {"const": VERSION}, "type": {"const": type_}, "data": {"$ref": f"#/$defs/{DATA[type_].__name__}"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": type_,
        **polished(envelope | {"properties": envelope["properties"] | fixed, "additionalProperties": False}),
        "$defs": {name: polished(definition) for name, definition in sorted(definitions.items())},
    }
