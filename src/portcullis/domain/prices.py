"""The operator's price table. The value of a transaction comes from here alone, never from an agent."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portcullis.domain import money
from portcullis.domain.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PriceTable:
    """``entries`` maps a token to ``{usd, expires_at, updated_at, max_age}``: a decimal string, microseconds
    (``expires_at`` None: a peg), seconds."""

    rev: int
    entries: dict[str, dict[str, Any]]

    def current(self, token: str, now: int) -> Decimal | None:
        """Dollars for one token, or None where there is no price or it has expired."""
        entry = self.entries.get(token)
        if entry is None or (entry["expires_at"] is not None and now >= entry["expires_at"]):
            return None
        return Decimal(entry["usd"])

    def value(self, transaction: Transaction, now: int) -> int | None:
        """What a transaction is worth in micro-USD, or None without a current price."""
        price = self.current(transaction.token, now)
        return None if price is None else min(money.MAX_VALUE, money.to_micro_usd(transaction.amount, price))

    def knows(self, token: str) -> bool:
        """Whether the token has, or once had, a price."""
        return token in self.entries
