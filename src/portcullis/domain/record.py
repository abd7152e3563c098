"""The record of a decided transaction: what is stored, what the agent is answered, and what the bus is told."""

import json
from dataclasses import dataclass
from typing import Any

from portcullis.domain import money, times
from portcullis.domain.decisions import Approved, Decision, Denied, NeedsApproval, Violation
from portcullis.domain.rate import Rate

APPROVAL_LIFETIME = 3600 * times.SECOND
STATUSES = ("approved", "pending_approval", "denied")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asked, as the authorizer verified it."""

    agent: str
    key_id: str
    key_version: str
    scopes: frozenset[str]
    digest: str
    source_ip: str
    key_rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A transaction as decided. Instants are microseconds, ``usd`` micro-USD (None: unpriced)."""

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
    window: str | None
    approval_by: str | None
    expires_at: int | None
    violations: tuple[Violation, ...]
    created_at: int

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
        "usd": None if record.usd is None else money.format_usd(record.usd),
        "policy": {"version": record.policy_version, "sha256": record.policy_sha256.hex()},
        "created_at": times.rfc3339(record.created_at),
    }
    if record.approval_by is not None and record.expires_at is not None:
        described["approval"] = {"by": record.approval_by, "expires_at": times.rfc3339(record.expires_at)}
    if record.violations:
        described["violations"] = describe_violations(record.violations)
    return described


def describe_violations(violations: tuple[Violation, ...]) -> list[dict[str, Any]]:
    """The public form of violations."""
    return [{"rule": v.rule, "detail": v.detail, "severity": v.severity} for v in violations]
