"""The outcome of judging a transaction. Decisions are values; faults are exceptions."""

from dataclasses import dataclass

RULES = {
    "kind_not_allowed": "The policy has no rule for this kind, so it is denied. Ask the operator.",
    "destination_not_allowlisted": "The destination is not on the agent's allowlist. Ask the operator to add it.",
    "token_unpriced": "The token has no current price, so its value is unknown. Ask the operator to price it.",
    "per_transaction_limit": "The amount is above what one transaction may move. Send less or ask the operator.",
    "daily_limit": "The amount does not fit what is left of the day's budget (UTC). Send less or wait.",
}


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
    """Held, its budget reserved, until ``by`` approves."""

    by: str


@dataclass(frozen=True, slots=True)
class Denied:
    """Refused, with every rule it breaks."""

    violations: tuple[Violation, ...]


Decision = Approved | NeedsApproval | Denied
