"""The life of a transaction after its decision: who moves it where, and what a move releases.

    pending_approval ─ approve, confirm ─> approved ─ claim ─> executing ─ settle ─> settled
        │ deny, void: denied                  │                   │ fail: failed
        └─ cancel, expire, freeze ────────────┘                   └ lease over: needs_reconciliation ─> settled, failed

Every function looks at the record as it is now and says what comes of it; storing that is conditional on the same
record still being there, so of two that race one wins, and the other is judged on what it left.
"""

from dataclasses import dataclass, replace

from portcullis.domain.account import ACTIVE, Account
from portcullis.domain.decisions import BY_HUMAN, BY_PARTIES, BY_RISK_AGENT, Violation
from portcullis.domain.record import CLAIM_LIFETIME, Mover, Past, Record
from portcullis.domain.times import SECOND

LEASE = 900 * SECOND
"""How long a claim holds. Nobody knows after it whether the money moved, so nothing is released by itself."""
WAITING = ("pending_approval", "approved")
OTHER_CLAIM = "Another claim holds it."


@dataclass(frozen=True, slots=True)
class Moved:
    """The record as it shall be. ``guarded``: only while the account is active in the epoch, and under the policy
    version, that were looked at."""

    record: Record
    guarded: Account | None = None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The request was fulfilled before; the same answer again."""

    record: Record


@dataclass(frozen=True, slots=True)
class Conflict:
    """The request does not fit the state that the transaction, or its agent, is in. ``detail`` says what to do."""

    detail: str
    code: str = "state_conflict"


Outcome = Moved | Unchanged | Conflict


def is_due(record: Record, now: int) -> bool:
    """Whether the time of its present state has run out."""
    return record.expires_at is not None and now >= record.expires_at


def status(record: Record, now: int) -> str:
    """The status that it has, or that its time has brought it already though nobody has written it down."""
    if not is_due(record, now):
        return record.status
    return "needs_reconciliation" if record.status == "executing" else "expired"


def expire(record: Record, now: int) -> Outcome:
    """What the end of its time makes of a transaction."""
    if not is_due(record, now):
        return Unchanged(record)
    mover, end = Mover("gateway", None, "", now), status(record, now)
    if end == "needs_reconciliation":
        return Moved(moved(record, mover, status=end, expires_at=None))
    return Moved(_released(record, mover, end))


def claim(record: Record, account: Account, mover: Mover, token_sha256: bytes) -> Outcome:
    """An executor takes it, to pay exactly once: ``token_sha256`` names this attempt, and a repeat of it is the same,
    but not when the lease is over or the agent was suspended meanwhile: whoever asks has not paid yet."""
    repeated = record.status == "executing" and _is_claimer(record, mover, token_sha256)
    if not (repeated or record.status == "approved") or is_due(record, mover.at):
        return Conflict(f"It is {status(record, mover.at)}; only an approved transaction can be claimed.")
    frozen = _frozen(record, account)
    if frozen is not None:
        return frozen
    if repeated:
        return Unchanged(record)
    claimed = {"claimed_by": mover.actor, "claim_sha256": token_sha256}
    return Moved(moved(record, mover, status="executing", expires_at=mover.at + LEASE, **claimed), account)


def settle(record: Record, mover: Mover, token_sha256: bytes, reference: str) -> Outcome:
    """The claimer has paid: also when its lease ran out meanwhile, or the agent was suspended: what moved has moved."""
    if record.status == "settled" and _is_claimer(record, mover, token_sha256):
        return _same_outcome(record, reference)
    if record.status not in ("executing", "needs_reconciliation"):
        return Conflict(f"It is {status(record, mover.at)}; only a claimed transaction can be settled.")
    if not _is_claimer(record, mover, token_sha256):
        return Conflict(OTHER_CLAIM)
    return Moved(moved(record, mover, status="settled", expires_at=None, outcome=reference))


def fail(record: Record, mover: Mover, token_sha256: bytes, reason: str) -> Outcome:
    """The claimer did not pay and will not. After its lease only an operator can say so."""
    if record.status == "failed" and _is_claimer(record, mover, token_sha256):
        return _same_outcome(record, reason)
    if record.status not in ("executing", "needs_reconciliation"):
        return Conflict(f"It is {status(record, mover.at)}; only a claimed transaction can fail.")
    if not _is_claimer(record, mover, token_sha256):
        return Conflict(OTHER_CLAIM)
    if status(record, mover.at) == "needs_reconciliation":
        return Conflict("The lease ran out. An operator has to find out whether it was paid.")
    return Moved(_released(record, mover, "failed", outcome=reason))


def reconcile(record: Record, mover: Mover, outcome: str, reference: str) -> Outcome:
    """An operator has found out whether it was paid (``outcome`` is settled or failed)."""
    if record.status == outcome and record.moved is not None and record.moved.actor == mover.actor:
        return _same_outcome(record, reference)
    if record.status != "needs_reconciliation":
        return Conflict(f"It is {record.status}; only what needs reconciliation can be reconciled.")
    if outcome == "failed":
        return Moved(_released(record, mover, "failed", outcome=reference))
    return Moved(moved(record, mover, status="settled", outcome=reference))


def cancel(record: Record, mover: Mover, reason: str | None) -> Outcome:
    """Take back what nobody has claimed."""
    if record.status == "cancelled":
        return Unchanged(record)
    if record.status not in WAITING or is_due(record, mover.at):
        return Conflict(f"It is {status(record, mover.at)}; only what nobody has claimed can be cancelled.")
    return Moved(_released(record, mover, "cancelled", outcome=reason))


def freeze(record: Record, account: Account, mover: Mover) -> Outcome:
    """End what nobody had claimed when its agent was cut off. It could not move any more; its budget is released."""
    if record.status not in WAITING or _frozen(record, account) is None:
        return Unchanged(record)
    return Moved(_released(record, mover, "frozen"))


def approve(record: Record, account: Account, mover: Mover, by: str, content_sha256: bytes) -> Outcome:
    """One of the approvals that are missing, ``by`` a risk agent or a human, for exactly this content."""
    if by == BY_RISK_AGENT and mover.actor in record.approved_by and record.content_sha256 == content_sha256:
        return Unchanged(record)
    refused = _not_held_for(record, account, mover.at, by, content_sha256)
    if refused is not None:
        return refused
    if mover.actor in record.approved_by:
        return Conflict("The same approver has approved it already; it needs another one.")
    return Moved(_approved(record, mover, record.approval_by[1:]), account)


def confirm(record: Record, account: Account, mover: Mover, content_sha256: bytes, parties: frozenset[str]) -> Outcome:
    """One party of an escrow agrees to its release; both have to."""
    if mover.actor in parties & {*record.approved_by} and record.content_sha256 == content_sha256:
        return Unchanged(record)
    if mover.actor not in parties:
        return Conflict("Only the parties of the escrow confirm its release.")
    refused = _not_held_for(record, account, mover.at, BY_PARTIES, content_sha256)
    if refused is not None:
        return refused
    both = parties <= {*record.approved_by, mover.actor}
    return Moved(_approved(record, mover, record.approval_by[1:] if both else record.approval_by), account)


def deny(record: Record, mover: Mover, by: str, rule: str = "approval_refused", severity: int = 4) -> Outcome:
    """The approver refuses, or the policy as it is now does (``approval_void``)."""
    if record.status != "pending_approval" or by not in record.approval_by or is_due(record, mover.at):
        return Conflict(_not_held(record, mover.at))
    return Moved(_released(record, mover, "denied", violations=(Violation(rule, severity),), approval_by=()))


def _not_held_for(record: Record, account: Account, now: int, by: str, content_sha256: bytes) -> Conflict | None:
    if record.status != "pending_approval" or is_due(record, now):
        return Conflict(_not_held(record, now))
    if record.approval_by[0] != by:
        return Conflict(f"It waits for {_NAMES[record.approval_by[0]]} first.")
    if record.content_sha256 != content_sha256:
        return Conflict("The content is not the one that was shown. Read it again, then decide.")
    return _frozen(record, account)


_NAMES = {BY_PARTIES: "the parties of the escrow", BY_RISK_AGENT: "a risk agent", BY_HUMAN: "a human"}


def _not_held(record: Record, now: int) -> str:
    return f"It is {status(record, now)}; it waits for no such approval."


def _frozen(record: Record, account: Account) -> Conflict | None:
    if account.state == ACTIVE and account.epoch == record.epoch:
        return None
    return Conflict("It is frozen: its agent was suspended, or locked with the fleet, after it was decided.")


def _approved(record: Record, mover: Mover, missing: tuple[str, ...]) -> Record:
    approvers = (*record.approved_by, mover.actor)
    if missing:
        return moved(record, mover, approval_by=missing, approved_by=approvers)
    expires_at = mover.at + CLAIM_LIFETIME
    return moved(record, mover, status="approved", approval_by=(), approved_by=approvers, expires_at=expires_at)


def _is_claimer(record: Record, mover: Mover, token_sha256: bytes) -> bool:
    return (record.claimed_by, record.claim_sha256) == (mover.actor, token_sha256)


def _same_outcome(record: Record, outcome: str) -> Outcome:
    if record.outcome == outcome:
        return Unchanged(record)
    return Conflict(f"It is {record.status} with another reference.")


def _released(record: Record, mover: Mover, end: str, **changes: object) -> Record:
    """Over without money moved: what it reserved is given back, which its record says by holding it no more."""
    return moved(record, mover, status=end, windows=(), expires_at=None, **changes)


def moved(record: Record, mover: Mover, **changes: object) -> Record:
    """The record one ``rev`` later, its present state now its latest past one."""
    past = (*record.past, Past(record.status, record.changed_at))
    return replace(record, rev=record.rev + 1, moved=mover, past=past, **changes)  # type: ignore[arg-type]
