"""What an operator should know of a policy before it is in force: how much it protects, and what looks wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from portcullis.domain import money
from portcullis.domain.policy import Policy, compile_text
from portcullis.domain.policy_document import PLAIN_PAYMENTS, PolicyDocument

PROTECTION = ("open", "basic", "standard", "strict")
_LAYERS_OF_KIND = {
    "contract_call": ("contracts",),
    "swap": ("contracts",),
    "escrow_create": ("agents", "contracts"),
    "escrow_release": ("agents",),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is allowed and probably not meant: a stable code, the field to look at, and why."""

    code: str
    field: str
    detail: str


def protection(policy: Policy) -> str:
    """The protection level, computed from the policy alone.

    open      a destination on no list may receive as much as one transaction may move
    basic     a destination on no list may receive less than that
    standard  every destination must be listed
    strict    and so must every token; there is a weekly or monthly limit, duplicates are checked, and the largest
              transactions need an approval
    """
    if unlisted_below(policy) > policy.per_transaction:
        return "open"
    if unlisted_below(policy):
        return "basic"
    if policy.tokens is None or policy.duplicates is None or (policy.weekly is None and policy.monthly is None):
        return "standard"
    return "strict" if largest(policy) >= min(policy.risk_from, policy.human_above + 1) else "standard"


def unlisted_below(policy: Policy) -> int:
    """Payments to a destination on no list have to be below this many micro-USD; 0: there are none."""
    return policy.allowlist_from if policy.kinds.intersection(PLAIN_PAYMENTS) else 0


def largest(policy: Policy) -> int:
    """The most that one transaction can move within every limit, in micro-USD."""
    limits = (policy.per_transaction, policy.daily, policy.weekly, policy.monthly)
    return min(limit for limit in limits if limit is not None)


def warnings(document: PolicyDocument) -> tuple[Finding, ...]:
    """What looks like a mistake, in the order of the document's fields."""
    policy = compile_text(document.text())
    return tuple(found for check in _CHECKS for found in check(document, policy))


def review(document: PolicyDocument) -> dict[str, Any]:
    """The public form of both."""
    found = warnings(document)
    return {
        "protection": protection(compile_text(document.text())),
        "warnings": [{"code": each.code, "field": each.field, "detail": each.detail} for each in found],
    }


def _reach(_document: PolicyDocument, policy: Policy) -> Iterator[Finding]:
    below = unlisted_below(policy)
    lists = (policy.wallets, policy.contracts, policy.agents, policy.merchants)
    if below > policy.per_transaction:
        yield Finding("open", "tiers.allowlist_from", "anybody may receive as much as one transaction may move")
    elif below:
        detail = f"a destination that is on no list may receive anything below ${money.format_usd(below)}"
        yield Finding("unlisted_payments", "tiers.allowlist_from", detail)
    elif not any(lists):
        detail = "there are limits but no allowlist: nobody can be paid until somebody is listed"
        yield Finding("nobody_can_be_paid", "allowlist", detail)


def _kinds(_document: PolicyDocument, policy: Policy) -> Iterator[Finding]:
    if not policy.kinds:
        yield Finding("nobody_can_be_paid", "allowlist.kinds", "no kind of transaction is allowed")
    with_selector = any("#" in contract for contract in policy.contracts)
    plain = any("#" not in contract for contract in policy.contracts)
    for kind in sorted(policy.kinds.intersection(_LAYERS_OF_KIND)):
        listed = {"contracts": with_selector if kind == "contract_call" else plain, "agents": bool(policy.agents)}
        if not any(listed[layer] for layer in _LAYERS_OF_KIND[kind]):
            wanted = "a contract with its selector" if kind == "contract_call" else " or ".join(_LAYERS_OF_KIND[kind])
            yield Finding("kind_without_destination", "allowlist.kinds", f"{kind} is allowed, but not {wanted} for it")
    if "swap" in policy.kinds and policy.tokens is None:
        yield Finding("swap_for_any_token", "allowlist.tokens", "swaps are allowed into any token; list the tokens")


def _categories(_document: PolicyDocument, policy: Policy) -> Iterator[Finding]:
    both = policy.blocked_categories.intersection(policy.categories or ())
    if both:
        detail = f"blocked although they are allowed, and a block wins: {_some(both)}"
        yield Finding("blocked_and_allowed", "blocked_categories", detail)
    useless = {id_ for id_, category in policy.merchants.items() if not _category_open(policy, category)}
    if useless:
        detail = f"listed, but their category is blocked or not allowed: {_some(useless)}"
        yield Finding("merchant_without_category", "allowlist.merchants", detail)


def _limits(_document: PolicyDocument, policy: Policy) -> Iterator[Finding]:
    named = {
        "per_transaction": policy.per_transaction,
        "daily": policy.daily,
        "weekly": policy.weekly,
        "monthly": policy.monthly,
    }
    given = [(name, limit) for name, limit in named.items() if limit is not None]
    for (shorter, less), (longer, more) in pairwise(given):
        if more < less:
            detail = f"it is below limits.{shorter}, which can therefore never be used up"
            yield Finding("limit_below_shorter", f"limits.{longer}", detail)
    if policy.weekly is None and policy.monthly is None:
        detail = "no weekly or monthly limit: a thief may take the daily limit every day"
        yield Finding("no_long_limit", "limits", detail)


def _part_limits(document: PolicyDocument, policy: Policy) -> Iterator[Finding]:
    if document.limits is None:
        return
    anybody = unlisted_below(policy) > 0
    useless = {
        "tokens": [name for name in document.limits.tokens if policy.tokens is not None and name not in policy.tokens],
        "merchants": [name for name in document.limits.merchants if name not in policy.merchants and not anybody],
        "categories": [name for name in document.limits.categories if not _category_open(policy, name)],
    }
    for part, names in useless.items():
        if names:
            detail = f"limited, but not allowed at all: {_some(names)}"
            yield Finding("limit_without_effect", f"limits.{part}", detail)


def _tiers(_document: PolicyDocument, policy: Policy) -> Iterator[Finding]:
    if policy.risk_from > policy.human_above:
        if policy.risk_agents:
            detail = "it is above tiers.human_above, so the risk agents are never asked"
            yield Finding("tier_without_effect", "tiers.risk_from", detail)
    elif policy.risk_from <= largest(policy) and not policy.risk_agents:
        detail = f"from ${money.format_usd(policy.risk_from)} a risk agent has to approve, and there is none"
        yield Finding("nobody_can_approve", "risk_agents", detail)


def _principals(_document: PolicyDocument, policy: Policy) -> Iterator[Finding]:
    if policy.duplicates is None:
        detail = "the same content under a new Idempotency-Key is paid again"
        yield Finding("no_duplicate_check", "duplicates", detail)
    if not policy.executors:
        yield Finding("nobody_can_claim", "executors", "what is approved is executed by nobody; name an executor")
    if both := policy.executors & policy.risk_agents:
        detail = f"approves what it executes itself: {_some(both)}"
        yield Finding("executor_approves", "risk_agents", detail)


_CHECKS: tuple[Callable[[PolicyDocument, Policy], Iterator[Finding]], ...] = (
    _reach,
    _kinds,
    _categories,
    _limits,
    _part_limits,
    _tiers,
    _principals,
)


def _category_open(policy: Policy, category: str) -> bool:
    allowed = policy.categories is None or category in policy.categories
    return allowed and category not in policy.blocked_categories


def _some(names: Any) -> str:
    """A few of them, and how many more there are."""
    first = sorted(names)[:5]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
