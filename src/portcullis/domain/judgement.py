"""From a request to the record that is committed and what it reserves: the one place where a decision is made."""

from dataclasses import dataclass, replace

from portcullis.domain import account as accounts
from portcullis.domain import windows
from portcullis.domain.account import Account, Reservation
from portcullis.domain.decisions import Approved, Decision, Denied, NeedsApproval
from portcullis.domain.policy import Policy
from portcullis.domain.prices import PriceTable
from portcullis.domain.record import CLAIM_LIFETIME, Principal, Record, status_of, violations_of
from portcullis.domain.rules import Case, decide
from portcullis.domain.transaction import Transaction
from portcullis.domain.windows import Spend


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What is judged by: the policy in force, one that is only tried beside it, and the prices."""

    policy: Policy
    prices: PriceTable
    shadow: Policy | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: who asks for what, under which id, and when it came."""

    principal: Principal
    txid: str
    transaction: Transaction
    arrived: int


def wanted(principal: Principal, account: Account, policy: Policy, arrived: int, now: int) -> Reservation:
    """What any transaction asks of the account; a budget comes on top of it."""
    return Reservation(
        principal.key_version,
        account.epoch,
        account.policy_version,
        policy.rate,
        arrived,
        now,
        key_rate=principal.key_rate,
    )


def case(rulebook: Rulebook, transaction: Transaction, account: Account, now: int, *, exact: bool) -> Case:
    """The case as the rules see it. What is merely cached (not ``exact``) is left to the commit's conditions: it
    could deny what a release has made room for."""
    denials = windows.name("x", now)
    known = account.windows if exact else {denials: account.windows.get(denials, 0)}
    repeated = rulebook.policy.duplicates
    mark = accounts.mark(transaction.sha256, now, repeated.window) if repeated else None
    return Case(
        transaction,
        rulebook.prices.value(transaction, now),
        now,
        stale=rulebook.prices.knows(transaction.token),
        spent=known,
        sent_before=exact and accounts.sent_before(account, mark),
    )


def judge(rulebook: Rulebook, asked: Asked, account: Account, now: int, *, exact: bool) -> tuple[Record, Reservation]:
    """The decision on what ``account`` says, and what committing it asks of the account."""
    policy, transaction = rulebook.policy, asked.transaction
    seen = case(rulebook, transaction, account, now, exact=exact)
    decision = decide(policy, seen)
    reservation = _reservation(asked, account, policy, seen, decision)
    record = Record(
        id=asked.txid,
        agent=asked.principal.agent,
        key_id=asked.principal.key_id,
        source_ip=asked.principal.source_ip,
        status=status_of(decision),
        rev=1,
        content=transaction.content,
        content_sha256=transaction.sha256,
        usd=seen.usd,
        epoch=account.epoch,
        policy_version=account.policy_version,
        policy_sha256=account.policy_sha256,
        windows=tuple(spend.window for spend in reservation.spends if windows.is_money(spend.window)),
        approval_by=decision.by if isinstance(decision, NeedsApproval) else (),
        reasons=decision.reasons if isinstance(decision, NeedsApproval) else (),
        expires_at=_expiry(policy, decision, now),
        violations=violations_of(decision),
        created_at=now,
        shadow=_shadow(rulebook, asked.transaction, account, now, decision),
        country=asked.principal.country,
    )
    return record, reservation


def _reservation(asked: Asked, account: Account, policy: Policy, seen: Case, decision: Decision) -> Reservation:
    common = wanted(asked.principal, account, policy, asked.arrived, seen.now)
    denied = isinstance(decision, Denied)
    spends: tuple[Spend, ...] = (Spend("", windows.name("x", seen.now), 1, None),)
    if not denied and seen.usd is not None:
        spends = tuple(policy.spends(asked.transaction, seen.usd, seen.now))
    repeated = policy.duplicates
    mark = accounts.mark(asked.transaction.sha256, seen.now, repeated.window) if repeated and not denied else None
    return replace(common, spends=spends, mark=mark, known=seen.sent_before, denied=denied)


def _expiry(policy: Policy, decision: Decision, now: int) -> int | None:
    match decision:
        case Approved():
            return now + CLAIM_LIFETIME
        case NeedsApproval():
            return now + policy.approval_lifetime
        case Denied():
            return None


def _shadow(rulebook: Rulebook, transaction: Transaction, account: Account, now: int, decision: Decision) -> str | None:
    """What the shadow policy would have said, where it differs. Nothing depends on it, so what is cached will do."""
    if rulebook.shadow is None:
        return None
    other = status_of(decide(rulebook.shadow, case(rulebook, transaction, account, now, exact=True)))
    return other if other != status_of(decision) else None
