"""The outcome of judging a transaction. Decisions are values; faults are exceptions."""

from dataclasses import dataclass

RULES = {
    "kind_not_allowed": "The policy has no rule for this kind to such a destination. Ask the operator.",
    "destination_not_allowlisted": "The destination is not on the agent's allowlist. Ask the operator to add it.",
    "selector_not_allowlisted": "This function of the contract is not on the agent's allowlist. Ask the operator.",
    "token_not_allowlisted": "A token of this transaction is not on the agent's allowlist. Ask the operator.",
    "instruction_not_allowlisted": "The agent may not act for the one that instructed it. Ask the operator.",
    "category_not_allowlisted": "The merchant's category is not on the agent's allowlist. Ask the operator.",
    "category_mismatch": "The category is not the one that the operator knows for this merchant. Correct it.",
    "category_blocked": "The merchant's category is blocked for this agent.",
    "token_unpriced": "The token has no price, so its value is unknown. Ask the operator to price it.",
    "price_stale": "The token's price is too old to tell its value. Ask the operator to renew it, then send again.",
    "per_transaction_limit": "The amount is above what one transaction may move. Send less or ask the operator.",
    "hourly_count_limit": "There were too many transactions this hour (UTC). Wait for the next.",
    "daily_limit": "The amount does not fit what is left of the day's budget (UTC). Send less or wait.",
    "weekly_limit": "The amount does not fit what is left of the week's budget (ISO, UTC). Send less or wait.",
    "monthly_limit": "The amount does not fit what is left of the month's budget (UTC). Send less or wait.",
    "token_limit": "The amount does not fit what is left for this token today (UTC). Send less or wait.",
    "merchant_limit": "The amount does not fit what is left for this merchant today (UTC). Send less or wait.",
    "category_limit": "The amount does not fit what is left for this category today (UTC). Send less or wait.",
    "possible_duplicate": "The same content was sent a moment ago. A retry repeats the first Idempotency-Key.",
    "approval_refused": "The one who had to approve it refused.",
    "approval_void": "Policy or price have changed and no longer allow it. Send it again to have it judged anew.",
}

BY_PARTIES, BY_RISK_AGENT, BY_HUMAN = "parties", "risk_agent", "human"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of RULES that the transaction breaks, and its severity from 1 (nuisance) to 10 (theft in progress)."""

    rule: str
    severity: int

    @property
    def detail(self) -> str:
        """What the developer can do. It never tells a limit: whoever stole the key would learn how much to take."""
        return RULES[self.rule]


@dataclass(frozen=True, slots=True)
class Approved:
    """May be executed."""


@dataclass(frozen=True, slots=True)
class NeedsApproval:
    """Held, its budget reserved, until each of ``by`` has approved, in this order; ``reasons`` say why."""

    by: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Denied:
    """Refused, with every rule it breaks."""

    violations: tuple[Violation, ...]


Decision = Approved | NeedsApproval | Denied
