"""What the gateway answers, as frozen values. A decision is one of Approved, PendingApproval and Denied."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the gateway takes this key for."""

    agent_id: str
    name: str
    state: str
    key_id: str
    scopes: tuple[str, ...]
    policy_version: int


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule of the policy that a transaction breaks; ``severity`` 1 to 10."""

    rule: str
    detail: str
    severity: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A recorded transaction: what was asked, in canonical form, and under which policy it was decided.

    ``usd`` is None when the token has no price. ``details`` holds what only some kinds have (``call``, ``token_out``,
    ``min_out``, ``escrow_id``, ``instructed_by``). ``created_at`` is in UTC.
    """

    id: str
    status: str
    agent_id: str
    key_id: str
    kind: str
    amount: Decimal
    token: str
    chain: str
    destination: Mapping[str, Any]
    memo: str | None
    details: Mapping[str, Any]
    usd: Decimal | None
    policy_version: int
    policy_sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Approved:
    """The executor may act on it, unless it is frozen in between."""

    transaction_id: str
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """Held: ``approved_by`` says who must approve, ``expires_at`` until when. Its budget is reserved."""

    transaction_id: str
    transaction: Transaction
    approved_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Denied:
    """The policy does not allow it, for these reasons. ``transaction`` is None in the answer to a creation."""

    transaction_id: str
    violations: tuple[Violation, ...]
    transaction: Transaction | None = None


Decision = Approved | PendingApproval | Denied
