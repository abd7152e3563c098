"""The policy as operators write it, and its canonical text, which is what is stored, hashed and compiled."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from portcullis.domain import addresses, money
from portcullis.domain.models import StrictModel, validate
from portcullis.domain.transaction import AgentId, Kind, Name, Token, canonical_json
from portcullis.domain.trust import CATEGORY_SETS, LIMITS

MAX_ENTRIES = 10_000
MAX_PART_LIMITS = 8
MAX_PRINCIPALS = 16
PLAIN_PAYMENTS: tuple[Kind, ...] = ("bet", "purchase", "transfer")
"""Kinds whose whole effect is the amount to the destination. What a call, a swap or an escrow does lies elsewhere."""
_SELECTOR = re.compile(r"0x[0-9a-f]{8}", re.ASCII)
_CONTRACT_SCHEMA = {"pattern": f"{addresses.REF_SCHEMA['pattern'].removesuffix('$')}(#{_SELECTOR.pattern})?$"}


def _usd(text: str) -> str:
    return money.format_usd(money.parse_usd(text))


def _contract(text: str) -> str:
    reference, mark, selector = text.partition("#")
    if mark and not _SELECTOR.fullmatch(selector):
        raise ValueError("expected <chain>:<address>, or with a selector <chain>:<address>#0x and 8 hex digits")
    return addresses.parse_ref(reference) + mark + selector


def _category_set(text: str) -> str:
    if text not in CATEGORY_SETS:
        raise ValueError(f"unknown set; known are {', '.join(CATEGORY_SETS)}")
    return text


Usd = Annotated[str, AfterValidator(_usd), Field(json_schema_extra={**money.USD_SCHEMA})]
WalletRef = Annotated[str, AfterValidator(addresses.parse_ref), Field(json_schema_extra={**addresses.REF_SCHEMA})]
ContractRef = Annotated[str, AfterValidator(_contract), Field(json_schema_extra={**_CONTRACT_SCHEMA})]
CategorySet = Annotated[str, AfterValidator(_category_set), Field(json_schema_extra={"enum": [*CATEGORY_SETS]})]
PartLimits = Annotated[dict[Name, Usd], Field(max_length=MAX_PART_LIMITS)]
TokenLimits = Annotated[dict[Token, Usd], Field(max_length=MAX_PART_LIMITS)]
Principals = Annotated[list[AgentId], Field(max_length=MAX_PRINCIPALS)]


def _entries() -> Any:
    return Field(default_factory=list, max_length=MAX_ENTRIES)


class Allowlist(StrictModel):
    """What is allowed, each list on its own; what is on none is denied.

    ``contracts`` are ``chain:address`` for payments, swaps and escrows, ``chain:address#selector`` for a call.
    ``merchants`` maps the operator's ids to their categories. ``tokens``, ``categories`` and ``category_sets`` narrow
    further where they are given: None is every priced token, and every category of a listed merchant.
    """

    wallets: list[WalletRef] = _entries()
    contracts: list[ContractRef] = _entries()
    agents: list[AgentId] = _entries()
    merchants: Annotated[dict[Name, Name], Field(max_length=MAX_ENTRIES)] = Field(default_factory=dict)
    tokens: Annotated[list[Token], Field(max_length=MAX_ENTRIES)] | None = None
    categories: Annotated[list[Name], Field(max_length=MAX_ENTRIES)] | None = None
    category_sets: Annotated[list[CategorySet], Field(max_length=len(CATEGORY_SETS))] | None = None
    kinds: Annotated[list[Kind], Field(max_length=8)] = Field(default_factory=lambda: [*PLAIN_PAYMENTS])


class Limits(StrictModel):
    """How much, in USD: in one transaction, in a UTC day, an ISO week, a month; and how many in an hour.

    ``tokens``, ``merchants`` and ``categories`` give some of them a limit of their own for each day.
    """

    per_transaction: Usd
    daily: Usd
    weekly: Usd | None = None
    monthly: Usd | None = None
    hourly_count: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    tokens: TokenLimits = Field(default_factory=dict)
    merchants: PartLimits = Field(default_factory=dict)
    categories: PartLimits = Field(default_factory=dict)

    @model_validator(mode="after")
    def _few_parts(self) -> Self:
        if len(self.tokens) + len(self.merchants) + len(self.categories) > MAX_PART_LIMITS:
            raise ValueError(f"at most {MAX_PART_LIMITS} limits of tokens, merchants and categories together")
        return self


class Tiers(StrictModel):
    """What an amount in USD needs: from ``allowlist_from`` a listed destination, from ``risk_from`` a risk agent's
    approval, above ``human_above`` that of ``humans`` people instead. Approvals expire after ``approval_seconds``."""

    allowlist_from: Usd = "0.00"
    risk_from: Usd = "1000.00"
    human_above: Usd = "10000.00"
    humans: Annotated[int, Field(ge=1, le=2)] = 1
    approval_seconds: Annotated[int, Field(ge=60, le=86_400)] = 3600


class Duplicates(StrictModel):
    """What becomes of the same content under a new Idempotency-Key ``within_seconds`` of the first."""

    within_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    action: Literal["hold", "deny"] = "hold"


class RateLimit(StrictModel):
    """How often: requests per minute sustained, and at once."""

    per_minute: Annotated[int, Field(ge=1, le=60_000)] = 600
    burst: Annotated[int, Field(ge=1, le=10_000)] = 100


class PolicyDocument(StrictModel):
    """What the operator writes. ``rate`` is that of transactions, ``call_rate`` that of every other call.

    ``executors`` and ``risk_agents`` are the agents that may claim, and approve, what this one asks for.
    """

    trust: Literal["low", "medium", "high"] = "low"
    allowlist: Allowlist = Allowlist()
    blocked_categories: Annotated[list[Name], Field(max_length=MAX_ENTRIES)] = Field(default_factory=list)
    limits: Limits | None = None
    tiers: Tiers = Tiers()
    duplicates: Duplicates | None = None
    executors: Principals = Field(default_factory=list)
    risk_agents: Principals = Field(default_factory=list)
    rate: RateLimit = RateLimit()
    call_rate: RateLimit = RateLimit()

    @model_validator(mode="before")
    @classmethod
    def _limits_of_trust(cls, value: Any) -> Any:
        """Limits that are given without a level are the operator's own, which is what high trust means."""
        if not isinstance(value, dict):
            return value
        if value.get("limits") is not None:
            return {"trust": "high", **value}
        trust = value.get("trust", "low")
        preset = LIMITS.get(trust) if isinstance(trust, str) else None
        return {**value, "limits": preset} if preset else value

    @model_validator(mode="after")
    def _limits_fit_trust(self) -> Self:
        if self.limits is None:
            raise ValueError("limits are required at high trust")
        for name, most in LIMITS.get(self.trust, {}).items():
            if money.parse_usd(getattr(self.limits, name)) > money.parse_usd(most):
                raise ValueError(f"limits.{name} is at most {most} at {self.trust} trust; lower it, or raise the trust")
        return self

    def text(self) -> str:
        """The canonical JSON text: what is stored and hashed. Lists are sets, so their order says nothing."""
        return canonical_json(_sorted_lists(self.model_dump(exclude_none=True)))


def parse_document(value: Any) -> PolicyDocument:
    """The document in parsed JSON, or MalformedInput naming the field."""
    return validate(PolicyDocument, value)


def _sorted_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted_lists(member) for name, member in value.items()}
    return sorted(set(value)) if isinstance(value, list) else value
