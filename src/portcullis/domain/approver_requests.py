"""The bodies of what approvers do: enrol, confirm, revoke, and decide on transactions."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from portcullis.domain.agent_requests import Sha256, Text
from portcullis.domain.approvers import APPROVER_ID, IDENTITY_SCHEMA, identity_of
from portcullis.domain.identifiers import TRANSACTION_ID
from portcullis.domain.models import StrictModel
from portcullis.domain.operator_requests import Label
from portcullis.domain.transaction import AgentId


def _identity(text: str) -> str:
    identity = identity_of(text)
    if identity is None:
        raise ValueError("expected the ARN of an IAM user or of a role")
    return identity


def _reason_to_deny(schema: dict[str, Any]) -> None:
    schema["if"] = {"properties": {"decision": {"const": "deny"}}}
    schema["then"] = {"required": ["reason"], "properties": {"reason": {"type": "string"}}}


Code = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
ApproverId = Annotated[str, Field(pattern=f"^{APPROVER_ID.pattern}$")]
TransactionId = Annotated[str, Field(pattern=f"^{TRANSACTION_ID.pattern}$")]


class FirstApprover(StrictModel):
    """``POST /v1/approvers``: the identity is the caller's own."""

    name: Label


class NewApprover(StrictModel):
    """``POST /v1/approvers/{approver}/enrolments``, with the code of the one in the path."""

    name: Label
    identity: Annotated[str, Field(max_length=700, json_schema_extra={**IDENTITY_SCHEMA}), AfterValidator(_identity)]
    code: Code


class Confirmation(StrictModel):
    """``POST /v1/approvers/{approver}/confirm``."""

    code: Code


class Revocation(StrictModel):
    """``POST /v1/approvers/{approver}/revocations``: of another approver."""

    approver_id: ApproverId
    code: Code


class OnTransaction(StrictModel):
    """What an approver decides on."""

    agent_id: AgentId
    transaction_id: TransactionId
    code: Code


class Approval(OnTransaction):
    """``POST /v1/approvers/{approver}/approvals``, of exactly the content that was shown."""

    content_sha256: Sha256


class Denial(OnTransaction):
    """``POST /v1/approvers/{approver}/denials``."""

    reason: Text


class Reconciliation(OnTransaction):
    """``POST /v1/approvers/{approver}/reconciliations``: whether it was paid, and where that can be seen."""

    outcome: Literal["settled", "failed"]
    reference: Text


class Cancellation(StrictModel):
    """``POST /v1/agents/{agent}/transactions/{id}/cancel``."""

    reason: Text


class RiskDecision(StrictModel):
    """``POST /v1/transactions/{id}/risk-decision``, on a transaction of the agent that is named."""

    model_config = ConfigDict(json_schema_extra=_reason_to_deny)

    agent_id: AgentId
    content_sha256: Sha256
    decision: Literal["approve", "deny"]
    reason: Text | None = None

    @model_validator(mode="after")
    def _denied_for_a_reason(self) -> Self:
        if self.decision == "deny" and self.reason is None:
            raise ValueError("reason is required to deny")
        return self
