"""The policy: the operator's document, its compiled form, and the decision."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from portcullis.domain import addresses, money
from portcullis.domain.decisions import Approved, Decision, Denied, NeedsApproval, Violation
from portcullis.domain.models import StrictModel, validate
from portcullis.domain.rate import Rate
from portcullis.domain.transaction import Transaction, canonical_json
from portcullis.protocol.strict_json import parse_object

MAX_ENTRIES = 10_000
PLAIN_PAYMENTS = frozenset({"transfer", "bet", "purchase"})
"""Kinds whose whole effect is the amount to the destination. What a call, a swap or an escrow does lies elsewhere."""


def _usd(text: str) -> str:
    return money.format_usd(money.parse_usd(text))


Usd = Annotated[str, AfterValidator(_usd), Field(json_schema_extra={**money.USD_SCHEMA})]
WalletRef = Annotated[str, AfterValidator(addresses.parse_ref), Field(json_schema_extra={**addresses.REF_SCHEMA})]


class Allowlist(StrictModel):
    """Who may be paid: wallets as ``chain:address``."""

    wallets: Annotated[list[WalletRef], Field(max_length=MAX_ENTRIES)] = Field(default_factory=list)


class Limits(StrictModel):
    """How much, in USD: in one transaction, and in one UTC day."""

    per_transaction: Usd
    daily: Usd


class RateLimit(StrictModel):
    """How often: requests per minute sustained, and at once."""

    per_minute: Annotated[int, Field(ge=1, le=60_000)] = 600
    burst: Annotated[int, Field(ge=1, le=10_000)] = 100


class PolicyDocument(StrictModel):
    """What the operator writes. ``hold_above``: larger transactions wait for a human. ``rate`` is that of
    transactions, ``call_rate`` that of every other call."""

    allowlist: Allowlist
    limits: Limits
    hold_above: Usd
    rate: RateLimit = RateLimit()
    call_rate: RateLimit = RateLimit()

    def text(self) -> str:
        """The canonical JSON text, which is what is stored and hashed."""
        wallets = {"wallets": sorted(set(self.allowlist.wallets))}
        return canonical_json({**self.model_dump(), "allowlist": wallets})


@dataclass(frozen=True, slots=True)
class Policy:
    """A document compiled for deciding; amounts in micro-USD."""

    wallets: frozenset[str]
    per_transaction: int
    daily: int
    hold_above: int
    rate: Rate
    call_rate: Rate


def parse_document(value: Any) -> PolicyDocument:
    """The document in parsed JSON, or MalformedInput naming the field."""
    return validate(PolicyDocument, value)


def text_sha256(text: str) -> bytes:
    """The hash that names a policy version's content."""
    return hashlib.sha256(text.encode()).digest()


def compile_text(text: str) -> Policy:
    """The policy of a stored canonical text. Its amounts and addresses were validated when it was published."""
    document = parse_object(text)
    limits, rate = document["limits"], document["rate"]
    call_rate = document.get("call_rate") or RateLimit().model_dump()  # older policies have none
    return Policy(
        frozenset(document["allowlist"]["wallets"]),
        money.parse_usd(limits["per_transaction"]),
        money.parse_usd(limits["daily"]),
        money.parse_usd(document["hold_above"]),
        Rate(rate["per_minute"], rate["burst"]),
        Rate(call_rate["per_minute"], call_rate["burst"]),
    )


def decide(policy: Policy, transaction: Transaction, usd: int | None, spent_today: int) -> Decision:
    """Judge a transaction worth ``usd`` micro-USD (None: no current price). Deny by default; any violation denies."""
    violations = tuple(_violations(policy, transaction, usd, spent_today))
    if usd is None or violations:
        return Denied(violations)
    return NeedsApproval("human") if usd > policy.hold_above else Approved()


def _violations(policy: Policy, transaction: Transaction, usd: int | None, spent_today: int) -> Iterator[Violation]:
    if transaction.kind not in PLAIN_PAYMENTS:
        yield Violation("kind_not_allowed", 5)
    layer, reference = transaction.destination
    if layer != "wallet" or reference not in policy.wallets:
        yield Violation("destination_not_allowlisted", 5)
    if usd is None:
        yield Violation("token_unpriced", 2)
        return
    if usd > policy.per_transaction:
        yield Violation("per_transaction_limit", _overshoot(usd, policy.per_transaction))
    elif spent_today + usd > policy.daily:
        yield Violation("daily_limit", _overshoot(spent_today + usd, policy.daily))


def _overshoot(amount: int, limit: int) -> int:
    """Severity by how far an amount passes its limit: up to twice 3, up to ten times 5, beyond 7."""
    return 3 if amount <= 2 * limit else 5 if amount <= 10 * limit else 7
