"""The record of a decided transaction: what is stored, what the agent is answered, and what the bus is told."""

import json
from dataclasses import dataclass
from typing import Any

from portcullis.domain import events, money, times
from portcullis.domain.decisions import Approved, Decision, Denied, NeedsApproval, Violation
from portcullis.domain.rate import Rate

CLAIM_LIFETIME = times.DAY
"""How long an approved transaction waits for an executor."""
STATUSES = (
    "approved",
    "pending_approval",
    "denied",
    "executing",
    "settled",
    "failed",
    "cancelled",
    "expired",
    "needs_reconciliation",
    "frozen",
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asked, as the authorizer verified it, and from which ``country`` (ISO 3166 alpha-2) where that is known."""

    agent: str
    key_id: str
    key_version: str
    scopes: frozenset[str]
    digest: str
    source_ip: str
    key_rate: Rate | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Mover:
    """Who moved a transaction to its present state, and when: an agent by its key, a person by ``approver`` or ARN,
    or the gateway itself (``actor`` is ``gateway``)."""

    actor: str
    key_id: str | None
    source_ip: str
    at: int


@dataclass(frozen=True, slots=True)
class Past:
    """A state that a transaction was in, and since when."""

    status: str
    at: int


@dataclass(frozen=True, slots=True)
class Record:
    """A transaction as decided. Instants are microseconds, ``usd`` micro-USD (None: unpriced).

    ``windows`` are those of money that it reserved, ``approval_by`` the approvals still missing, in order.
    ``expires_at`` ends the state it is in: a held one's approval, an approved one's time to be claimed, a lease.
    ``past`` are the states before this one, oldest first, one for each earlier ``rev``. ``country`` is where it was
    asked for from, where that is known.
    """

    id: str
    agent: str
    key_id: str
    source_ip: str
    status: str
    rev: int
    content: str
    content_sha256: bytes
    usd: int | None
    epoch: int
    policy_version: int
    policy_sha256: bytes
    windows: tuple[str, ...]
    approval_by: tuple[str, ...]
    reasons: tuple[str, ...]
    expires_at: int | None
    violations: tuple[Violation, ...]
    created_at: int
    shadow: str | None = None
    approved_by: tuple[str, ...] = ()
    claimed_by: str | None = None
    claim_sha256: bytes | None = None
    outcome: str | None = None
    moved: Mover | None = None
    past: tuple[Past, ...] = ()
    country: str | None = None

    @property
    def changed_at(self) -> int:
        """Since when it is as it is."""
        return self.moved.at if self.moved else self.created_at

    @property
    def type(self) -> str:
        """The event type."""
        return f"transaction.{self.status}"


def status_of(decision: Decision) -> str:
    """The status that a decision gives."""
    match decision:
        case Approved():
            return "approved"
        case NeedsApproval():
            return "pending_approval"
        case Denied():
            return "denied"


def violations_of(decision: Decision) -> tuple[Violation, ...]:
    """A denial's violations."""
    return decision.violations if isinstance(decision, Denied) else ()


def describe(record: Record) -> dict[str, Any]:
    """The public form: the request's own fields, and what was decided on them."""
    described = {
        "id": record.id,
        "status": record.status,
        "agent_id": record.agent,
        "key_id": record.key_id,
        **json.loads(record.content),
        "content_sha256": record.content_sha256.hex(),
        "usd": None if record.usd is None else money.format_usd(record.usd),
        "policy": {"version": record.policy_version, "sha256": record.policy_sha256.hex()},
        "created_at": times.rfc3339(record.created_at),
    }
    if record.approval_by and record.expires_at is not None:
        described["approval"] = {
            "by": record.approval_by[0],
            "missing": list(record.approval_by),
            "reasons": list(record.reasons),
            "expires_at": times.rfc3339(record.expires_at),
        }
    elif record.expires_at is not None:
        described["expires_at"] = times.rfc3339(record.expires_at)
    if record.violations:
        described["violations"] = describe_violations(record.violations)
    return described | _later(record)


def describe_to_operator(record: Record) -> dict[str, Any]:
    """The public form, and what is for operators alone: what the shadow policy would have said, where it differs, and
    the country that it was asked for from."""
    more = {"shadow": record.shadow, "country": record.country}
    return describe(record) | {name: value for name, value in more.items() if value}


def event_of(record: Record) -> dict[str, Any]:
    """The event of its latest state: of its decision, or of who moved it since."""
    moved = record.moved or Mover(record.agent, record.key_id, record.source_ip, record.created_at)
    return events.envelope(
        subject=record.id,
        rev=record.rev,
        type_=record.type,
        agent=record.agent,
        key=moved.key_id,
        source_ip=moved.source_ip,
        at=moved.at,
        txid=record.id,
        verified=moved.key_id is not None,
        data=describe_to_operator(record),
    )


def event_of_past(record: Record, index: int) -> dict[str, Any]:
    """What is still known of an earlier state, the one at ``index`` of its past: which it was and since when. Who
    moved it there is known of its first state only, and the rest of its content of none."""
    past, rev = record.past[index], record.rev - len(record.past) + index
    asked = rev == 1
    return events.envelope(
        subject=record.id,
        rev=rev,
        type_="transaction.unrecorded",
        agent=record.agent,
        key=record.key_id if asked else None,
        source_ip=record.source_ip if asked else "",
        at=past.at,
        txid=record.id,
        verified=asked,
        data={
            "id": record.id,
            "agent_id": record.agent,
            "status": past.status,
            "content_sha256": record.content_sha256.hex(),
            "rebuilt": True,
        },
    )


def describe_violations(violations: tuple[Violation, ...]) -> list[dict[str, Any]]:
    """The public form of violations."""
    return [{"rule": v.rule, "detail": v.detail, "severity": v.severity} for v in violations]


def _later(record: Record) -> dict[str, Any]:
    """What came after the decision."""
    later: dict[str, Any] = {
        "approved_by": list(record.approved_by) or None,
        "claimed_by": record.claimed_by,
        "outcome": record.outcome,
    }
    if record.moved is not None:
        later |= {"updated_at": times.rfc3339(record.moved.at), "updated_by": record.moved.actor}
    return {name: value for name, value in later.items() if value is not None}
