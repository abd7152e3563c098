"""Approving a held transaction: what held when it was decided is judged again, by policy and price as they are now.

The case is that of the instant it was decided at, its own reservation taken out of the windows, so that nothing is
counted twice. What has become forbidden is denied; what needs more waits for more. It never needs less than before.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from portcullis.domain import lifecycle, windows
from portcullis.domain.account import Account
from portcullis.domain.approvers import is_approver
from portcullis.domain.decisions import BY_HUMAN, BY_PARTIES, BY_RISK_AGENT, Decision, Denied, NeedsApproval, Violation
from portcullis.domain.judgement import Rulebook
from portcullis.domain.lifecycle import Conflict, Moved, Outcome, Unchanged
from portcullis.domain.record import Mover, Record
from portcullis.domain.rules import WEIGHTS, Case, decide
from portcullis.domain.transaction import Transaction, from_text

_ORDER = (BY_PARTIES, BY_RISK_AGENT, BY_HUMAN)
VOID = "approval_void"


def approve(
    record: Record, account: Account, rulebook: Rulebook, mover: Mover, by: str, content_sha256: bytes
) -> Outcome:
    """An approval ``by`` a risk agent or a human; see again()."""

    def act(held: Record) -> Outcome:
        return lifecycle.approve(held, account, mover, by, content_sha256)

    return again(record, account, rulebook, mover, by, act)


def confirm(
    record: Record, account: Account, rulebook: Rulebook, mover: Mover, parties: frozenset[str], content_sha256: bytes
) -> Outcome:
    """A party's agreement to the release of an escrow; see again()."""

    def act(held: Record) -> Outcome:
        return lifecycle.confirm(held, account, mover, content_sha256, parties)

    return again(record, account, rulebook, mover, BY_PARTIES, act)


def again(
    record: Record, account: Account, rulebook: Rulebook, mover: Mover, by: str, act: Callable[[Record], Outcome]
) -> Outcome:
    """What ``act`` makes of a transaction that would be held or approved again now.

    One that would be denied becomes denied (``approval_void``). One that now needs a stronger approval than the one
    that is given waits for that, this one not counted: `is_escalated` tells.
    """
    case = _case(record, account, rulebook, mover.at)
    decision = decide(rulebook.policy, case)
    as_it_was = act(record)
    if isinstance(as_it_was, Unchanged):
        return as_it_was
    if isinstance(decision, Denied):
        return as_it_was if isinstance(as_it_was, Conflict) else _void(record, account, mover, by, decision)
    held = _under(record, account, case, decision)
    outcome = act(held)
    if isinstance(outcome, Conflict) and isinstance(as_it_was, Moved):
        return Moved(lifecycle.moved(held, mover), account)
    return outcome


def is_escalated(record: Record, mover: Mover) -> bool:
    """Whether an approval was not counted because a stronger one is needed now."""
    return record.status == "pending_approval" and mover.actor not in record.approved_by


def because(outcome: Outcome, reason: str | None) -> Outcome:
    """A denial, with the words of whoever refused."""
    return replace(outcome, record=replace(outcome.record, outcome=reason)) if isinstance(outcome, Moved) else outcome


def _void(record: Record, account: Account, mover: Mover, by: str, decision: Denied) -> Outcome:
    outcome = lifecycle.deny(record, mover, by, VOID, WEIGHTS[VOID])
    if not isinstance(outcome, Moved):
        return outcome
    violations = (Violation(VOID, WEIGHTS[VOID]), *decision.violations)
    return Moved(replace(outcome.record, violations=violations), account)


def _case(record: Record, account: Account, rulebook: Rulebook, now: int) -> Case:
    transaction = from_text(record.content)
    return Case(
        transaction,
        rulebook.prices.value(transaction, now),
        record.created_at,
        stale=rulebook.prices.knows(transaction.token),
        spent=_without(record, account),
        sent_before="possible_duplicate" in record.reasons,
    )


def _without(record: Record, account: Account) -> dict[str, int]:
    """The account's windows as they would be had this transaction not come."""
    own = dict.fromkeys(record.windows, record.usd or 0) | {windows.name("h", record.created_at): 1}
    return {name: max(0, amount - own.get(name, 0)) for name, amount in account.windows.items()}


def _under(record: Record, account: Account, case: Case, decision: Decision) -> Record:
    """The record as it is held under what is in force now."""
    by = decision.by if isinstance(decision, NeedsApproval) else ()
    reasons = decision.reasons if isinstance(decision, NeedsApproval) else ()
    return replace(
        record,
        usd=case.usd,
        policy_version=account.policy_version,
        policy_sha256=account.policy_sha256,
        approval_by=still_missing(record, case.transaction, by),
        reasons=(*record.reasons, *(reason for reason in reasons if reason not in record.reasons)),
    )


def still_missing(record: Record, transaction: Transaction, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The approvals that are missing when ``wanted`` are needed from the start: no fewer than were missing before,
    but for a risk agent's, whose place a human's takes."""
    needed = Counter(wanted) - _given(record, transaction)
    before = Counter(record.approval_by)
    if needed[BY_HUMAN] and not before[BY_HUMAN]:
        del before[BY_RISK_AGENT]
    most = needed | before
    return tuple(by for by in _ORDER for _ in range(most[by]))


def _given(record: Record, transaction: Transaction) -> Counter[str]:
    """The approvals that it has. Whoever is paid, or asked for it, is a party and no risk agent."""
    parties = {record.agent, transaction.destination[1]}
    agents = [actor for actor in record.approved_by if not is_approver(actor)]
    return Counter(
        {
            BY_PARTIES: int(BY_PARTIES not in record.approval_by),
            BY_RISK_AGENT: sum(actor not in parties for actor in agents),
            BY_HUMAN: sum(is_approver(actor) for actor in record.approved_by),
        }
    )
