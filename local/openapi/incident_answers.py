"""The answers about incidents."""

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # typing's own tells pydantic what is required only from Python 3.12

from local.openapi.answers import Cursor, Version
from local.openapi.detection_answers import Severity
from portcullis.domain import incidents
from portcullis.domain.incident_requests import IncidentId
from portcullis.domain.operator_requests import Instant
from portcullis.domain.transaction import AgentId

IncidentState = Annotated[str, Field(json_schema_extra={"enum": [*incidents.STATES]})]
StepName = Annotated[str, Field(json_schema_extra={"enum": [*incidents.STEPS]})]
StepState = Annotated[str, Field(json_schema_extra={"enum": [incidents.DONE, incidents.FAILED, incidents.OUTSTANDING]})]


class Trigger(TypedDict):
    """Why the agent was cut off, by whom and when."""

    kind: Annotated[
        str, Field(json_schema_extra={"enum": [incidents.BY_FINDING, incidents.BY_OPERATOR, incidents.BY_EVENT]})
    ]
    reason: str
    actor: str
    ip: str
    at: Instant
    severity: Severity
    reference: NotRequired[
        Annotated[str, Field(description="The finding or event, what the caller named, or their Idempotency-Key.")]
    ]


class Step(TypedDict):
    """How a step stands, and what it did or why it failed."""

    state: StepState
    at: NotRequired[Instant]
    attempts: Annotated[int, Field(ge=0)]
    result: dict[str, Any]


class Steps(TypedDict):
    """What is done once the agent is suspended, each step on its own."""

    keys: Step
    transactions: Step
    sources: Step
    secrets: Step
    evidence: Step
    notice: Step


class Reviewed(TypedDict):
    """The checklist of the way back, as one approver has gone through it."""

    by: str
    at: Instant
    cause: str
    policy_version: Version
    addresses: Annotated[str, Field(json_schema_extra={"enum": [incidents.KEEP, incidents.UNBLOCK]})]


class Incident(TypedDict):
    """An agent that was cut off, and what was done about it."""

    id: IncidentId
    agent_id: AgentId
    state: IncidentState
    severity: Severity
    epoch: Annotated[Version, Field(description="Of the suspension: nothing decided before it can move any more.")]
    run: Annotated[int, Field(ge=1, description="How often the steps were started.")]
    triggers: Annotated[list[Trigger], Field(max_length=incidents.MOST_TRIGGERS)]
    triggered: Annotated[int, Field(ge=1, description="How often it was triggered.")]
    steps: Steps
    opened_at: Instant
    contained_at: NotRequired[Annotated[Instant, Field(description="When every step was done.")]]
    review: NotRequired[Reviewed]
    recovered_at: NotRequired[Instant]
    recovered_by: NotRequired[str]
    watched_until: NotRequired[Annotated[Instant, Field(description="Until then the agent is judged stricter.")]]
    closed_at: NotRequired[Instant]
    closed_by: NotRequired[str]
    outcome: NotRequired[Annotated[str, Field(json_schema_extra={"enum": [*incidents.OUTCOMES]})]]
    reason: NotRequired[str]


class ChecklistItem(TypedDict):
    """What is to be so before the agent is back and the incident closed, in this order; `command` sees to it."""

    name: str
    what: str
    done: bool
    command: NotRequired[str]


class IncidentWithChecklist(Incident):
    """An incident and what is left to do about it. One that is closed has nothing left."""

    checklist: list[ChecklistItem]


class Incidents(TypedDict):
    """One page, newest first."""

    incidents: list[Incident]
    cursor: Cursor
