"""The bodies of the operator API about policies in the making."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from portcullis.domain import times
from portcullis.domain.backtest import State
from portcullis.domain.models import StrictModel
from portcullis.domain.operator_requests import Instant
from portcullis.domain.policy_document import PolicyDocument, parse_document
from portcullis.domain.transaction import TransactionRequest
from portcullis.domain.trust import LIMITS

MAX_REPLAYED = 500


def _policy_or_draft(schema: dict[str, Any]) -> None:
    """The schema of a body that names exactly one policy."""
    given = {"required": ["policy"], "properties": {"policy": {"type": "object"}, "draft": {"const": False}}}
    draft = {"required": ["draft"], "properties": {"policy": {"type": "null"}, "draft": {"const": True}}}
    schema["oneOf"] = [given, draft]


class Publication(StrictModel):
    """``POST /v1/agents/{agent}/policy/publish``: the hash of the draft that was looked at."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DraftChosen(StrictModel):
    """The draft in the place of a document."""

    draft: Literal[True]


class Explaining(StrictModel):
    """``POST /v1/agents/{agent}/policy/explain``: a transaction as the agent would send it, under the policy in force
    or under the draft."""

    transaction: TransactionRequest
    draft: bool = False


class Backtest(StrictModel):
    """``POST /v1/agents/{agent}/policy/backtest``: a document or the draft, on what was decided in a span of time."""

    model_config = ConfigDict(json_schema_extra=_policy_or_draft)

    policy: PolicyDocument | None = None
    draft: bool = False
    since: Instant | None = None
    until: Instant | None = None
    cursor: State = State()
    limit: Annotated[int, Field(ge=1, le=MAX_REPLAYED)] = 200

    @model_validator(mode="after")
    def _one_policy(self) -> Self:
        if (self.policy is not None) == self.draft:
            raise ValueError('give either "policy" or "draft": true')
        return self

    @model_validator(mode="after")
    def _since_before_until(self) -> Self:
        if self.span[0] > self.span[1]:
            raise ValueError("since is later than until")
        return self

    @property
    def span(self) -> tuple[int, int]:
        """First and last instant (microseconds)."""
        first = times.parse_rfc3339(self.since) if self.since else 0
        return first, times.parse_rfc3339(self.until) if self.until else 10**17


def preset(trust: str) -> PolicyDocument | None:
    """The document of a trust level that allows nobody yet; None where there is no such level. High trust starts with
    the limits of the level below, for its own are the operator's to set."""
    if trust == "high":
        return parse_document({"trust": trust, "limits": LIMITS["medium"]})
    return parse_document({"trust": trust}) if trust in LIMITS else None
