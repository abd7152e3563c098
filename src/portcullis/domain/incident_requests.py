"""The bodies of the operator API about incidents."""

from typing import Annotated, Literal

from pydantic import Field

from portcullis.domain.agent_requests import Text
from portcullis.domain.approver_requests import Code
from portcullis.domain.incidents import INCIDENT_ID
from portcullis.domain.models import Reason, StrictModel
from portcullis.domain.operator_requests import Instant

IncidentId = Annotated[str, Field(pattern=f"^{INCIDENT_ID.pattern}$")]


class NewIncident(StrictModel):
    """``POST /v1/agents/{agent}/incidents``: the agent is stopped at once. ``reference`` is where it came from; the
    same one again is the same trigger."""

    reason: Reason
    severity: Annotated[int, Field(ge=1, le=10)] = 8
    reference: Text | None = None


class IncidentReview(StrictModel):
    """``POST /v1/approvers/{approver}/incident-reviews``: the cause, the version of the policy whose allowlists are
    right, and whether addresses that the incident has blocked are to be unblocked."""

    incident_id: IncidentId
    code: Code
    cause: Reason
    policy_version: Annotated[int, Field(ge=1, le=999_999_999)]
    addresses: Literal["keep", "unblock"]


class RecoveryConfirmation(StrictModel):
    """``POST /v1/approvers/{approver}/recoveries``: exactly the review of ``reviewed_at``, by another person."""

    incident_id: IncidentId
    code: Code
    reviewed_at: Instant


class Closing(StrictModel):
    """``POST /v1/incidents/{incident}/close``."""

    outcome: Literal["compromise", "false_alarm", "drill"]
    reason: Reason
