"""The answers about policies in the making, as answers.py gives the others."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from local.openapi.answers import ApprovalBy, Cursor, Decided, Protection, Reason, Rule, Sha256, Trust, Usd, Version
from portcullis.domain import windows
from portcullis.domain.backtest import State
from portcullis.domain.explanation import Verdict
from portcullis.domain.operator_requests import Instant
from portcullis.domain.policy_diff import Effect
from portcullis.domain.policy_document import PolicyDocument
from portcullis.domain.transaction import AgentId, Kind

Count = Annotated[int, Field(ge=0)]
Arn = Annotated[str, Field(description="The ARN of who called.")]


class Finding(TypedDict):
    """Something that is allowed and probably not meant."""

    code: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    field: str
    detail: str


class Preset(TypedDict):
    """The policy of a trust level, which allows nobody yet."""

    trust: Trust
    policy: PolicyDocument


class Review(TypedDict):
    """A policy in its canonical form, how much it protects, and what looks wrong."""

    sha256: Sha256
    protection: Protection
    warnings: list[Finding]
    policy: PolicyDocument


class Draft(Review):
    """The draft. `ETag` carries its `rev`, for `If-Match`; its hash is what is published."""

    rev: Version
    by: Arn
    at: Instant


class NoDraft(TypedDict):
    """There is no draft any more."""

    agent_id: AgentId
    draft: None


class PublishedVersion(TypedDict):
    """Who put which version in force when."""

    version: Version
    sha256: Sha256
    trust: Trust
    published_at: Instant
    published_by: Arn


class PublishedPolicy(PublishedVersion):
    """A version with its policy."""

    policy: PolicyDocument


class PublishedVersions(TypedDict):
    """One page, newest first."""

    versions: list[PublishedVersion]
    cursor: Cursor


class Difference(TypedDict):
    """`entries` added or removed, or a value that changed from `old` to `new`. What `tightens` favours no decision."""

    path: Annotated[str, Field(examples=["limits.daily"])]
    change: Literal["added", "removed", "changed"]
    effect: Effect
    entries: NotRequired[list[str]]
    old: NotRequired[Any]
    new: NotRequired[Any]


Differences = TypedDict("Differences", {"from": str, "to": str, "differences": list[Difference]})
Differences.__doc__ = "What differs between two policies; nothing exactly when they are the same."


class JudgedRule(TypedDict):
    """What one rule says; `severity` and `detail` where it is broken."""

    rule: Rule
    verdict: Verdict
    severity: NotRequired[Annotated[int, Field(ge=1, le=10)]]
    detail: NotRequired[str]


class Window(TypedDict):
    """What is `used` of a window and `wanted` of it: dollars, or a count. Without a `limit` it only counts."""

    rule: str
    window: Annotated[str, Field(pattern=f"^({windows.NAME.pattern})$")]
    limit: str | None
    used: str
    wanted: str


class Explanation(TypedDict):
    """The decision that a transaction would get now, and everything that leads to it."""

    policy_sha256: Sha256
    status: Decided
    approval: list[ApprovalBy]
    reasons: list[Reason]
    usd: Usd | None
    tier: Literal["none", "allowlist", "risk_agent", "human"] | None
    rules: list[JudgedRule]
    windows: list[Window]


_Redecided = TypedDict("_Redecided", {"from": Decided, "to": Decided})


class Redecided(_Redecided):
    """A transaction that the policy decides otherwise, and the `rules` that it breaks."""

    id: Annotated[str, Field(pattern=r"^tx_[0-9A-Za-z]{22}$")]
    created_at: Instant
    kind: Kind
    destination: str
    usd: Usd | None
    rules: list[Rule]


class RedecidedTotal(_Redecided):
    """How many change in the same way, and their value. Totals of pages may be added up."""

    count: Count
    usd: Usd


class Replay(TypedDict):
    """One page of a backtest, oldest first. Send `cursor` back for the next; it is null on the last one."""

    examined: Count
    changes: list[Redecided]
    totals: list[RedecidedTotal]
    rules: Annotated[dict[str, Count], Field(description="How many break each rule.")]
    cursor: State | None


class TrustLimits(TypedDict):
    """The most that a level allows, in dollars."""

    per_transaction: Usd
    daily: Usd


class NextTrust(TypedDict):
    """The level that is proposed. `limits` are null where they are the operator's to set."""

    trust: Trust
    limits: TrustLimits | None


class Standing(TypedDict):
    """The trust that an agent has, and the level that is proposed after a clean period; it never rises by itself."""

    agent_id: AgentId
    trust: Trust
    clean_since: Instant
    due_at: Instant | None
    proposal: NextTrust | None
