"""The answers, as what renders them (the ``describe_`` functions of the domain, and the handlers) gives them."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # typing's own tells pydantic what is required only from Python 3.12

from portcullis.domain.decisions import RULES
from portcullis.domain.operator_requests import Instant, KeyClass, Label, Network, Scope
from portcullis.domain.policy_document import PolicyDocument, RateLimit
from portcullis.domain.policy_review import PROTECTION
from portcullis.domain.record import STATUSES
from portcullis.domain.transaction import AgentId, Amount, Call, Chain, Destination, Kind, Name, Token
from portcullis.protocol.message_signatures import ED25519, HMAC_SHA256

KeyId = Annotated[str, Field(pattern=r"^pk_[a-z]{1,12}_[0-9A-Za-z]{28}$")]
TransactionId = Annotated[str, Field(pattern=r"^tx_[0-9A-Za-z]{22}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Usd = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{2,6}$")]
Version = Annotated[int, Field(ge=1)]
Country = Annotated[
    str,
    Field(
        pattern=r"^[A-Z]{2}$",
        description="Where the request came from (ISO 3166-1 alpha-2), on stages that have a trusted header for it.",
    ),
]
State = Literal["active", "suspended", "locked"]
Rule = Annotated[str, Field(json_schema_extra={"enum": [*RULES]})]
Decided = Annotated[str, Field(json_schema_extra={"enum": [*STATUSES[:3]]})]
Trust = Literal["low", "medium", "high"]
Cursor = Annotated[str | None, Field(description="Pass it on to get the next page; null on the last one.")]


class Violation(TypedDict):
    """A rule of the policy that the transaction breaks; `severity` is 1 (nuisance) to 10."""

    rule: Rule
    detail: str
    severity: Annotated[int, Field(ge=1, le=10)]


class Problem(TypedDict):
    """A refusal (RFC 9457). Decide by `code`, show `detail`, quote `request_id`."""

    type: Annotated[str, Field(pattern=r"^urn:portcullis:problem:[a-z_]+$")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    code: str
    detail: str
    request_id: str
    field: NotRequired[Annotated[str, Field(description="The place that is malformed, such as `destination.wallet`.")]]
    transaction_id: NotRequired[Annotated[TransactionId, Field(description="The record of the denial.")]]
    violations: NotRequired[list[Violation]]


class Whoami(TypedDict):
    """The agent and key that signed the request."""

    agent_id: AgentId
    name: Label
    state: State
    key_id: KeyId
    scopes: list[Scope]
    policy_version: Version


class PolicyVersion(TypedDict):
    """The policy under which it was decided."""

    version: Version
    sha256: Sha256


ApprovalBy = Literal["parties", "risk_agent", "human"]
Reason = Literal["amount", "escrow_release", "possible_duplicate"]


class MissingApproval(TypedDict):
    """Who must approve next, whose approvals are `missing` in all, why, and until when."""

    by: ApprovalBy
    missing: list[ApprovalBy]
    reasons: list[Reason]
    expires_at: Instant


class Transaction(TypedDict):
    """The request's own fields in canonical form, and what was decided on them."""

    id: TransactionId
    status: Annotated[str, Field(json_schema_extra={"enum": [*STATUSES]})]
    agent_id: AgentId
    key_id: KeyId
    kind: Kind
    amount: Amount
    token: Token
    chain: Chain
    destination: Destination
    instructed_by: NotRequired[AgentId]
    memo: NotRequired[str]
    call: NotRequired[Call]
    token_out: NotRequired[Token]
    min_out: NotRequired[Amount]
    escrow_id: NotRequired[Name]
    usd: Annotated[Usd | None, Field(description="Its value; null when the token had no current price.")]
    policy: PolicyVersion
    content_sha256: Annotated[Sha256, Field(description="Of the canonical content, which approvals are bound to.")]
    created_at: Instant
    approval: NotRequired[MissingApproval]
    expires_at: NotRequired[Annotated[Instant, Field(description="The end of the state that it is in.")]]
    violations: NotRequired[list[Violation]]
    approved_by: NotRequired[list[str]]
    claimed_by: NotRequired[AgentId]
    outcome: NotRequired[str]
    updated_at: NotRequired[Instant]
    updated_by: NotRequired[str]


class TransactionRecord(Transaction):
    """A transaction as operators see it. `shadow` is what a policy in shadow mode would have said, where it differs."""

    shadow: NotRequired[Decided]
    country: NotRequired[Country]


class Agent(TypedDict):
    """An agent as operators see it."""

    agent_id: AgentId
    name: Label
    state: State
    epoch: Version
    policy_version: Version
    policy_sha256: Sha256
    shadow_sha256: NotRequired[Annotated[Sha256, Field(description="Of the policy that is tried in shadow mode.")]]
    created_at: Instant


class Key(TypedDict):
    """A key without its secret. `expires_at` is its expiry or the end of its retiring, the earlier."""

    key_id: KeyId
    agent_id: AgentId
    state: Annotated[
        Literal["active", "retiring", "ended", "revoked"],
        Field(description="In lists, `ended` is a key that has reached its end by itself and is refused."),
    ]
    version: Version
    scopes: list[Scope]
    ip_ranges: list[Network]
    expires_at: Instant | None
    rate: RateLimit | None
    created_at: Instant
    algorithm: Annotated[str, Field(json_schema_extra={"enum": [HMAC_SHA256, ED25519]})]
    public_key: NotRequired[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]]
    key_class: KeyClass
    self_rotation: bool
    delivered: Annotated[bool, Field(description="Secrets Manager hands it to its agent and rotates it.")]
    parent: KeyId | None


class IssuedKey(Key):
    """A new key. `secret` is shown here alone; a key that was issued with a public key has none, and one that is
    delivered lies in the agent's secret `secret_arn` of Secrets Manager."""

    secret: NotRequired[Annotated[str, Field(pattern=r"^sk_[a-z]{1,12}_[0-9A-Za-z]{49}$")]]
    secret_arn: NotRequired[Annotated[str, Field(pattern=r"^arn:")]]


Protection = Annotated[str, Field(json_schema_extra={"enum": [*PROTECTION]})]


class Policy(TypedDict):
    """The policy in force. `ETag` carries its version, for `If-Match`."""

    version: Version
    sha256: Sha256
    protection: Protection
    policy: PolicyDocument


class Price(TypedDict):
    """Dollars for one token; `expires_at` is null for a peg."""

    usd: Amount
    expires_at: Instant | None
    updated_at: Instant
    max_age_seconds: Annotated[int, Field(ge=60)]


class Event(TypedDict):
    """A change by an operator or a function, as it is put on the bus. Order by `rev`."""

    v: Literal[1]
    id: str
    type: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", examples=["key.issued"])]
    agent: AgentId | None
    key: KeyId | None
    ip: str
    at: Instant
    txid: TransactionId | None
    rev: Version
    verified: bool
    data: dict[str, Any]


class Agents(TypedDict):
    """One page, newest first."""

    agents: list[Agent]
    cursor: Cursor


class Transactions(TypedDict):
    """One page, newest first."""

    transactions: list[Transaction]
    cursor: Cursor


class TransactionRecords(TypedDict):
    """One page, newest first."""

    transactions: list[TransactionRecord]
    cursor: Cursor


class Events(TypedDict):
    """One page, newest first."""

    events: list[Event]
    cursor: Cursor


class Prices(TypedDict):
    """Every price by its token."""

    prices: dict[Token, Price]
