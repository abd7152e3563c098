"""The policy compiled for deciding: sets and integers, so that a decision costs the same with 10 entries or 10,000."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from portcullis.domain import money, windows
from portcullis.domain.rate import Rate
from portcullis.domain.strict_json import parse_object
from portcullis.domain.times import SECOND
from portcullis.domain.transaction import Transaction
from portcullis.domain.trust import CATEGORY_SETS
from portcullis.domain.windows import Spend


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The same content again within ``window`` microseconds is denied, or else held."""

    window: int
    deny: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Amounts in micro-USD, times in microseconds. None of ``tokens`` or ``categories``: not narrowed."""

    trust: str
    kinds: frozenset[str]
    wallets: frozenset[str]
    contracts: frozenset[str]
    agents: frozenset[str]
    merchants: Mapping[str, str]
    tokens: frozenset[str] | None
    categories: frozenset[str] | None
    blocked_categories: frozenset[str]
    per_transaction: int
    daily: int
    weekly: int | None
    monthly: int | None
    hourly_count: int | None
    parts: Mapping[str, int] = field(default_factory=dict)
    """Daily limits of ``t:token``, ``m:merchant`` and ``c:category``."""
    allowlist_from: int
    risk_from: int
    human_above: int
    humans: int
    approval_lifetime: int
    duplicates: Duplicates | None
    executors: frozenset[str]
    risk_agents: frozenset[str]
    rate: Rate
    call_rate: Rate

    @property
    def looks_at_categories(self) -> bool:
        """Whether any rule depends on a merchant's category."""
        narrowed = self.categories is not None or bool(self.blocked_categories)
        return narrowed or any(part.startswith("c:") for part in self.parts)

    def spends(self, transaction: Transaction, usd: int, now: int) -> Iterator[Spend]:
        """What a transaction worth ``usd`` takes of each window that has a limit."""
        yield Spend("daily_limit", windows.name("d", now), usd, self.daily)
        if self.weekly is not None:
            yield Spend("weekly_limit", windows.name("w", now), usd, self.weekly)
        if self.monthly is not None:
            yield Spend("monthly_limit", windows.name("m", now), usd, self.monthly)
        if self.hourly_count is not None:
            yield Spend("hourly_count_limit", windows.name("h", now), 1, self.hourly_count)
        if self.parts:
            yield from self._part_spends(transaction, usd, now)

    def _part_spends(self, transaction: Transaction, usd: int, now: int) -> Iterator[Spend]:
        merchant = transaction.merchant
        parts = [("token_limit", "t", transaction.token)]
        if merchant is not None:
            parts += [("merchant_limit", "m", merchant), ("category_limit", "c", transaction.category or "")]
        for rule, layer, reference in parts:
            limit = self.parts.get(f"{layer}:{reference}")
            if limit is not None:
                yield Spend(rule, windows.part(now, layer, reference), usd, limit)


def text_sha256(text: str) -> bytes:
    """The hash that names a policy version's content."""
    return hashlib.sha256(text.encode()).digest()


def compile_text(text: str) -> Policy:
    """The policy of a stored canonical text. Its amounts and addresses were validated when it was published."""
    document = parse_object(text)
    allowed, limits, tiers = document["allowlist"], document["limits"], document["tiers"]
    return Policy(
        trust=document["trust"],
        kinds=frozenset(allowed["kinds"]),
        wallets=frozenset(allowed["wallets"]),
        contracts=frozenset(allowed["contracts"]),
        agents=frozenset(allowed["agents"]),
        merchants=allowed["merchants"],
        tokens=frozenset(allowed["tokens"]) if "tokens" in allowed else None,
        categories=_categories(allowed),
        blocked_categories=frozenset(document["blocked_categories"]),
        per_transaction=money.parse_usd(limits["per_transaction"]),
        daily=money.parse_usd(limits["daily"]),
        weekly=_usd(limits.get("weekly")),
        monthly=_usd(limits.get("monthly")),
        hourly_count=limits.get("hourly_count"),
        parts=_parts(limits),
        allowlist_from=money.parse_usd(tiers["allowlist_from"]),
        risk_from=money.parse_usd(tiers["risk_from"]),
        human_above=money.parse_usd(tiers["human_above"]),
        humans=tiers["humans"],
        approval_lifetime=tiers["approval_seconds"] * SECOND,
        duplicates=_duplicates(document.get("duplicates")),
        executors=frozenset(document["executors"]),
        risk_agents=frozenset(document["risk_agents"]),
        rate=_rate(document["rate"]),
        call_rate=_rate(document["call_rate"]),
    )


def _categories(allowed: dict[str, Any]) -> frozenset[str] | None:
    if "categories" not in allowed and "category_sets" not in allowed:
        return None
    sets = (CATEGORY_SETS[name] for name in allowed.get("category_sets", ()))
    return frozenset(allowed.get("categories", ())).union(*sets)


def _parts(limits: dict[str, Any]) -> dict[str, int]:
    layers = {"t": "tokens", "m": "merchants", "c": "categories"}
    return {
        f"{layer}:{reference}": money.parse_usd(limit)
        for layer, name in layers.items()
        for reference, limit in limits[name].items()
    }


def _duplicates(value: dict[str, Any] | None) -> Duplicates | None:
    return None if value is None else Duplicates(value["within_seconds"] * SECOND, value["action"] == "deny")


def _rate(value: dict[str, int]) -> Rate:
    return Rate(value["per_minute"], value["burst"])


def _usd(text: str | None) -> int | None:
    return None if text is None else money.parse_usd(text)
