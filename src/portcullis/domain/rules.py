"""The decision: every rule looks at the case on its own, any violation denies, and their order changes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from portcullis.domain import windows
from portcullis.domain.decisions import (
    BY_HUMAN,
    BY_PARTIES,
    BY_RISK_AGENT,
    Approved,
    Decision,
    Denied,
    NeedsApproval,
    Violation,
)
from portcullis.domain.money import MICRO
from portcullis.domain.policy import Policy
from portcullis.domain.policy_document import PLAIN_PAYMENTS
from portcullis.domain.transaction import Transaction

NOTABLE, LARGE = 1_000 * int(MICRO), 10_000 * int(MICRO)
FEW, MANY = 3, 10

_LAYERS_OF_KIND: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(PLAIN_PAYMENTS, ("wallet", "contract", "agent", "merchant")),
    "contract_call": ("contract",),
    "swap": ("contract",),
    "escrow_create": ("agent", "contract"),
    "escrow_release": ("agent",),
}
"""An escrow is released to an agent, for both parties must be able to confirm."""


@dataclass(frozen=True, slots=True)
class Case:
    """A transaction and what is known of its agent. ``usd`` is None without a current price, ``stale`` if it had one.

    ``spent`` are the account's windows as far as known, ``sent_before`` whether the same content came a moment ago.
    """

    transaction: Transaction
    usd: int | None
    now: int
    stale: bool = False
    spent: Mapping[str, int] = field(default_factory=dict)
    sent_before: bool = False


Verdict = tuple[str, int]
"""A rule of decisions.RULES that is broken, and by how much: amount over limit as a ratio, rounded up; 1 otherwise."""
Rule = Callable[[Policy, Case], Verdict | None]


def decide(policy: Policy, case: Case) -> Decision:
    """Judge a case. Deny by default; any violation denies; what is left may need approval."""
    verdicts = broken(policy, case)
    if verdicts or case.usd is None:
        return Denied(tuple(Violation(rule, severity(rule, times, case)) for rule, times in verdicts))
    by, reasons = _approvals(policy, case, case.usd)
    return NeedsApproval(by, reasons) if by else Approved()


def broken(policy: Policy, case: Case) -> tuple[Verdict, ...]:
    """Every rule that the case breaks."""
    own = (verdict for rule in _RULES if (verdict := rule(policy, case)))
    return (*own, *_without_room(policy, case))


def severity(rule: str, times: int, case: Case) -> int:
    """1 to 10: the rule's weight, more by distance (over twice the limit 2, over ten times 4), by amount (from $1,000
    1, from $10,000 2) and by repetition (from 3 denials this hour 1, from 10 on 2)."""
    denials = case.spent.get(windows.name("x", case.now), 0)
    distance = 0 if times <= 2 else 2 if times <= 10 else 4
    amount = ((case.usd or 0) >= NOTABLE) + ((case.usd or 0) >= LARGE)
    repetition = (denials >= FEW) + (denials >= MANY)
    return min(10, WEIGHTS[rule] + distance + amount + repetition)


def _kind(policy: Policy, case: Case) -> Verdict | None:
    kind = case.transaction.kind
    allowed = kind in policy.kinds and case.transaction.destination[0] in _LAYERS_OF_KIND[kind]
    return None if allowed else ("kind_not_allowed", 1)


def _destination(policy: Policy, case: Case) -> Verdict | None:
    transaction = case.transaction
    layer, reference = transaction.destination
    listed = {
        "wallet": policy.wallets,
        "contract": policy.contracts,
        "agent": policy.agents,
        "merchant": policy.merchants,
    }[layer]
    if transaction.selector is not None and layer == "contract":
        return None if f"{reference}#{transaction.selector}" in listed else ("selector_not_allowlisted", 1)
    return None if reference in listed or _is_waived(policy, case) else ("destination_not_allowlisted", 1)


def _is_waived(policy: Policy, case: Case) -> bool:
    """Whether the amount is too small for the destination to matter. The category of a merchant that nobody has listed
    is what the agent says it is, so merchants are never waived by a policy that looks at categories."""
    if case.usd is None or case.usd >= policy.allowlist_from or case.transaction.kind not in PLAIN_PAYMENTS:
        return False
    layer, _ = case.transaction.destination
    return layer in ("wallet", "agent") or (layer == "merchant" and not policy.looks_at_categories)


def _tokens(policy: Policy, case: Case) -> Verdict | None:
    tokens = {case.transaction.token, case.transaction.token_out or case.transaction.token}
    return None if policy.tokens is None or tokens <= policy.tokens else ("token_not_allowlisted", 1)


def _instruction(policy: Policy, case: Case) -> Verdict | None:
    instructor = case.transaction.instructed_by
    return None if instructor is None or instructor in policy.agents else ("instruction_not_allowlisted", 1)


def _category(policy: Policy, case: Case) -> Verdict | None:
    category = case.transaction.category
    if category is None or policy.categories is None or category in policy.categories:
        return None
    return "category_not_allowlisted", 1


def _known_category(policy: Policy, case: Case) -> Verdict | None:
    merchant, category = case.transaction.merchant, case.transaction.category
    if merchant is None or policy.merchants.get(merchant, category) == category or _is_waived(policy, case):
        return None
    return "category_mismatch", 1


def _blocked(policy: Policy, case: Case) -> Verdict | None:
    return ("category_blocked", 1) if case.transaction.category in policy.blocked_categories else None


def _price(_policy: Policy, case: Case) -> Verdict | None:
    if case.usd is not None:
        return None
    return ("price_stale", 1) if case.stale else ("token_unpriced", 1)


def _per_transaction(policy: Policy, case: Case) -> Verdict | None:
    if case.usd is None or case.usd <= policy.per_transaction:
        return None
    return "per_transaction_limit", _times(case.usd, policy.per_transaction)


def _duplicate(policy: Policy, case: Case) -> Verdict | None:
    denied = case.sent_before and policy.duplicates is not None and policy.duplicates.deny
    return ("possible_duplicate", 1) if denied else None


_RULES: tuple[Rule, ...] = (
    _kind,
    _destination,
    _tokens,
    _instruction,
    _category,
    _known_category,
    _blocked,
    _price,
    _per_transaction,
    _duplicate,
)

WEIGHTS = {
    "kind_not_allowed": 5,
    "destination_not_allowlisted": 5,
    "selector_not_allowlisted": 5,
    "token_not_allowlisted": 4,
    "instruction_not_allowlisted": 6,
    "category_not_allowlisted": 4,
    "category_mismatch": 5,
    "category_blocked": 6,
    "token_unpriced": 2,
    "price_stale": 1,
    "per_transaction_limit": 3,
    "hourly_count_limit": 3,
    "daily_limit": 3,
    "weekly_limit": 3,
    "monthly_limit": 3,
    "token_limit": 3,
    "merchant_limit": 3,
    "category_limit": 3,
    "possible_duplicate": 2,
    "approval_refused": 4,
    "approval_void": 2,
}
"""Where a severity starts. Docs and events give the formula with it."""


def _without_room(policy: Policy, case: Case) -> list[Verdict]:
    if case.usd is None:
        return []
    spends = policy.spends(case.transaction, case.usd, case.now)
    after = ((spend, case.spent.get(spend.window, 0) + spend.amount) for spend in spends)
    return [
        (spend.rule, _times(total, spend.limit))
        for spend, total in after
        if spend.limit is not None and total > spend.limit
    ]


def _approvals(policy: Policy, case: Case, usd: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who has to approve, in order, and why."""
    by: list[tuple[str, ...]] = []
    reasons: list[str] = []
    if case.transaction.kind == "escrow_release":
        by.append((BY_PARTIES,))
        reasons.append("escrow_release")
    if usd > policy.human_above:
        by.append((BY_HUMAN,) * policy.humans)
        reasons.append("amount")
    elif usd >= policy.risk_from:
        by.append((BY_RISK_AGENT,))
        reasons.append("amount")
    if case.sent_before and policy.duplicates is not None:
        reasons.append("possible_duplicate")
        if usd <= policy.human_above:
            by.append((BY_HUMAN,))
    return tuple(chain.from_iterable(by)), tuple(reasons)


def _times(amount: int, limit: int) -> int:
    return -(-amount // limit) if limit else 100
