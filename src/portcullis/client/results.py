"""What the gateway answers, as frozen values. A decision is one of Approved, PendingApproval and Denied; what has moved
on since is one of the kinds of Later."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from portcullis.client.signer import Secret


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
class AgentKey:
    """A live key of the agent. ``rotate_by`` is when a key of its class is due, ``calling`` whether it signed."""

    key_id: str
    state: str
    key_class: str
    created_at: datetime
    expires_at: datetime | None
    rotate_by: datetime
    self_rotation: bool
    parent: str | None
    calling: bool


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """The successor of the key that signed. ``secret`` is shown here alone; None when it has a public key."""

    key: AgentKey
    secret: Secret | None


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
    ``min_out``, ``escrow_id``, ``instructed_by``). Instants are in UTC; ``expires_at`` ends the state it is in.

    ``content`` is the canonical text of what was asked, ``content_sha256`` the hash that approvals are bound to.
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
    expires_at: datetime | None = None
    content: str = ""
    content_sha256: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether these fields are the ones whose hash was decided on. An executor pays nothing else."""
        return hashlib.sha256(self.content.encode()).hexdigest() == self.content_sha256


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


@dataclass(frozen=True, slots=True)
class Later:
    """It was decided before, and has moved on since. Match this one for all of its kinds."""

    transaction_id: str
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class Executing(Later):
    """Claimed: ``claimed_by`` pays it, and reports before ``lease_until``."""

    claimed_by: str
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Settled(Later):
    """Paid; ``reference`` names the payment."""

    reference: str


@dataclass(frozen=True, slots=True)
class Failed(Later):
    """Not paid, for this ``reason``. Its budget was given back."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled(Later):
    """Taken back before anybody claimed it. Its budget was given back."""


@dataclass(frozen=True, slots=True)
class Expired(Later):
    """Nobody approved it, or claimed it, in time. Its budget was given back."""


@dataclass(frozen=True, slots=True)
class Frozen(Later):
    """Its agent was cut off before anybody claimed it, and it cannot come back. Its budget was given back."""


@dataclass(frozen=True, slots=True)
class NeedsReconciliation(Later):
    """The lease ran out without a report: it may have been paid. An operator finds out."""


Decision = Approved | PendingApproval | Denied | Later


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; ``cursor`` leads to the next part, None at the end."""

    transactions: tuple[Decision, ...]
    cursor: str | None
