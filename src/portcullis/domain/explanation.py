"""A decision taken apart, for operators: every rule with its verdict, the tier, and the windows.

It tells the limits, so no agent may see it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from portcullis.domain import money, windows
from portcullis.domain.decisions import RULES, NeedsApproval
from portcullis.domain.policy import Policy
from portcullis.domain.record import status_of
from portcullis.domain.rules import Case, broken, decide, severity
from portcullis.domain.windows import Spend

Verdict = Literal["pass", "broken", "not_applicable"]


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What one rule says of a case; ``severity`` where it is broken."""

    rule: str
    verdict: Verdict
    severity: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """``tier`` is none, allowlist, risk_agent or human; ``spends`` pair what it takes of a window with what is used."""

    status: str
    approval_by: tuple[str, ...]
    reasons: tuple[str, ...]
    usd: int | None
    tier: str | None
    rules: tuple[RuleVerdict, ...]
    spends: tuple[tuple[Spend, int], ...]


def explain(policy: Policy, case: Case) -> Explanation:
    """The decision on a case with everything that led to it."""
    decision = decide(policy, case)
    violated = dict(broken(policy, case))
    spends = tuple(policy.spends(case.transaction, case.usd, case.now)) if case.usd is not None else ()
    limited = {spend.rule for spend in spends}
    return Explanation(
        status_of(decision),
        decision.by if isinstance(decision, NeedsApproval) else (),
        decision.reasons if isinstance(decision, NeedsApproval) else (),
        case.usd,
        None if case.usd is None else tier(policy, case.usd),
        tuple(_verdict(rule, policy, case, violated, limited) for rule in RULES),
        tuple((spend, case.spent.get(spend.window, 0)) for spend in spends),
    )


def tier(policy: Policy, usd: int) -> str:
    """What an amount needs: nothing, a listed destination, a risk agent's approval, or that of people."""
    if usd > policy.human_above:
        return "human"
    if usd >= policy.risk_from:
        return "risk_agent"
    return "allowlist" if usd >= policy.allowlist_from else "none"


def describe(explanation: Explanation) -> dict[str, Any]:
    """The public form."""
    return {
        "status": explanation.status,
        "approval": list(explanation.approval_by),
        "reasons": list(explanation.reasons),
        "usd": None if explanation.usd is None else money.format_usd(explanation.usd),
        "tier": explanation.tier,
        "rules": [_describe_rule(each) for each in explanation.rules],
        "windows": [_describe_spend(spend, used) for spend, used in explanation.spends],
    }


def _verdict(rule: str, policy: Policy, case: Case, violated: dict[str, int], limited: set[str]) -> RuleVerdict:
    if rule in violated:
        return RuleVerdict(rule, "broken", severity(rule, violated[rule], case))
    applies = _APPLIES[rule](policy, case) if rule in _APPLIES else rule in limited
    return RuleVerdict(rule, "pass" if applies else "not_applicable")


def _calls(case: Case) -> bool:
    return case.transaction.selector is not None and case.transaction.destination[0] == "contract"


_APPLIES: dict[str, Callable[[Policy, Case], bool]] = {
    "kind_not_allowed": lambda _policy, _case: True,
    "destination_not_allowlisted": lambda _policy, case: not _calls(case),
    "selector_not_allowlisted": lambda _policy, case: _calls(case),
    "token_not_allowlisted": lambda policy, _case: policy.tokens is not None,
    "instruction_not_allowlisted": lambda _policy, case: case.transaction.instructed_by is not None,
    "category_not_allowlisted": lambda policy, case: (
        case.transaction.category is not None and policy.categories is not None
    ),
    "category_mismatch": lambda policy, case: case.transaction.merchant in policy.merchants,
    "category_blocked": lambda policy, case: case.transaction.category is not None and bool(policy.blocked_categories),
    "token_unpriced": lambda _policy, _case: True,
    "price_stale": lambda _policy, case: case.stale or case.usd is not None,
    "per_transaction_limit": lambda _policy, case: case.usd is not None,
    "possible_duplicate": lambda policy, _case: policy.duplicates is not None,
}
"""When a rule has anything to say. Those of the windows do where the policy limits one; the approvals' come later."""


def _describe_rule(each: RuleVerdict) -> dict[str, Any]:
    shown: dict[str, Any] = {"rule": each.rule, "verdict": each.verdict}
    return shown if each.severity is None else shown | {"severity": each.severity, "detail": RULES[each.rule]}


def _describe_spend(spend: Spend, used: int) -> dict[str, Any]:
    amount = money.format_usd if windows.is_money(spend.window) else str
    return {
        "rule": spend.rule,
        "window": spend.window,
        "limit": None if spend.limit is None else amount(spend.limit),
        "used": amount(used),
        "wanted": amount(spend.amount),
    }
