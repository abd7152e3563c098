"""The answers about approvers, as answers.py gives the others."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from portcullis.domain.approver_requests import ApproverId
from portcullis.domain.operator_requests import Instant, Label


class Approver(TypedDict):
    """A person who approves, bound to an IAM user or role. `sponsor` enrolled them; the first one has none."""

    approver_id: ApproverId
    name: Label
    identity: Annotated[str, Field(description="The ARN of the user or role, without path and session.")]
    state: Literal["pending", "active", "revoked", "lapsed"]
    sponsor: ApproverId | None
    created_at: Instant


class Approvers(TypedDict):
    """All of them."""

    approvers: list[Approver]


class Device(Approver):
    """The secret for an authenticator app, shown in this answer alone."""

    secret: Annotated[str, Field(pattern=r"^[A-Z2-7]{16,64}$", description="Base32.")]
    uri: Annotated[str, Field(pattern=r"^otpauth://totp/")]
