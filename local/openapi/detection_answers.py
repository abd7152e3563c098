"""The answers about detection, as functions/operator_api/detection.py gives them."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # typing's own tells pydantic what is required only from Python 3.12

from local.openapi.answers import Cursor, KeyId, TransactionId, Usd, Version
from local.openapi.key_job_answers import Count
from portcullis.domain.detection.findings import FINDING_ID, MAX_EVIDENCE, MAX_LESSONS, STATES
from portcullis.domain.detection.signals import CONTAIN, MOST_SEVERE, NOTIFY, RECORD
from portcullis.domain.operator_requests import Instant
from portcullis.domain.transaction import AgentId

FindingId = Annotated[str, Field(pattern=f"^{FINDING_ID.pattern}$")]
FindingState = Annotated[str, Field(json_schema_extra={"enum": [*STATES]})]
Action = Annotated[str, Field(json_schema_extra={"enum": [RECORD, NOTIFY, CONTAIN]})]
Severity = Annotated[int, Field(ge=1, le=MOST_SEVERE)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
Hour = Annotated[int, Field(ge=0, le=23)]


class Signal(TypedDict):
    """One thing that is unusual, in words, and the value that crossed its threshold."""

    name: str
    detail: str
    severity: Severity
    value: str
    threshold: str


class Finding(TypedDict):
    """What an agent did out of the ordinary: an episode, which later unusual requests join while it is open."""

    id: FindingId
    agent_id: AgentId
    state: FindingState
    severity: Severity
    action: Annotated[Action, Field(description="What a finding of this severity calls for.")]
    p_value: NotRequired[Annotated[str, Field(description="How often the agent's usual behaviour would look so.")]]
    score: NotRequired[Annotated[str, Field(description="-log10 of `p_value`; absent where only rules speak.")]]
    signals: list[Signal]
    key_ids: list[KeyId]
    evidence: Annotated[list[str], Field(max_length=MAX_EVIDENCE, description="The ids of the first events.")]
    count: Annotated[int, Field(ge=1, description="How many events there were.")]
    opened_at: Instant
    last_at: Instant
    closed_at: NotRequired[Instant]
    closed_by: NotRequired[str]
    reason: NotRequired[str]


class Findings(TypedDict):
    """One page, newest first."""

    findings: list[Finding]
    cursor: Cursor


class Address(TypedDict):
    """Where requests of a finding came from."""

    ip: str
    country: str | None


class Lesson(TypedDict):
    """What a release teaches of one request."""

    at: Instant
    usd: Usd | None
    endpoint: str
    counterparty: str | None
    ip: str
    country: str | None


class NextStep(TypedDict):
    """When which command is the next one."""

    when: str
    command: str


class ExplainedFinding(Finding):
    """A finding, what it rests on, what a release of it teaches, and what to do next."""

    transaction_ids: Annotated[list[TransactionId], Field(description="Those among the evidence.")]
    addresses: list[Address]
    lessons: Annotated[list[Lesson], Field(max_length=MAX_LESSONS)]
    next: list[NextStep]


class UsualAmount(TypedDict):
    """In USD: the middle of its payments, and the ends between which two of three lie."""

    usual: Usd
    low: Usd
    high: Usd


class KnownAddress(TypedDict):
    """Where requests came from. What is stored are digests, which tell addresses apart."""

    address: Digest
    network: Digest
    country: str | None
    first_at: Instant
    last_at: Instant
    known: Annotated[bool, Field(description="Whether its use is usual.")]


class Export(TypedDict):
    """The profile as stored: the `version` of its format, and its bytes in base64."""

    version: Version
    packed: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+=*$")]


class Profile(TypedDict):
    """What is usual for an agent."""

    agent_id: AgentId
    since: Annotated[Instant | None, Field(description="The first of its payments that was judged.")]
    last_at: Instant | None
    payments: Annotated[Count, Field(description="How many of its payments were judged.")]
    warm_up: Annotated[bool, Field(description="Whether it is still judged mostly by what is usual for the fleet.")]
    amount: UsualAmount | None
    hours: Annotated[list[Hour], Field(description="Of the UTC day, the fewest that hold nine of ten payments.")]
    per_hour: Annotated[str, Field(description="Payments an hour, over the last two weeks.")]
    endpoints: Count
    counterparties: Count
    addresses: Annotated[list[KnownAddress], Field(description="Latest first.")]
    open_finding: FindingId | None
    export: Annotated[Export | None, Field(description="Null where nothing was learnt yet.")]


class BlockedSource(TypedDict):
    """A source address, or a /64 of IPv6, that is blocked `until` an instant; `times` is how often it was, this time
    included."""

    address: str
    since: Instant
    until: Instant
    times: Annotated[int, Field(ge=1)]
    severity: Severity
    reason: Annotated[str, Field(description="What it was blocked for, in words.")]


class BlockedSources(TypedDict):
    """All that the firewall holds, at most 1,000."""

    sources: list[BlockedSource]


class UnblockedSource(TypedDict):
    """An address that is not blocked any more; the firewall follows within a minute."""

    address: str
    blocked: Literal[False]
