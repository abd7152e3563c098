"""The operator's price table: one item, ``PRICES / PRICES``."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portcullis.aws.cache import TtlCache
from portcullis.aws.dynamo import Item, Table

CACHE_SECONDS = 15
PARTITION = "PRICES"
PRIMARY_KEY: Item = {"pk": PARTITION, "sk": "PRICES"}


@dataclass(frozen=True, slots=True)
class PriceTable:
    """``entries`` maps a token to ``{usd, expires_at, updated_at}``: a decimal string and instants in microseconds."""

    rev: int
    entries: dict[str, dict[str, Any]]

    def current(self, token: str, now: int) -> Decimal | None:
        """Dollars for one token, or None where there is no price or it has expired."""
        entry = self.entries.get(token)
        if entry is None or (entry["expires_at"] is not None and now >= entry["expires_at"]):
            return None
        return Decimal(entry["usd"])


class Prices:
    """Look-ups, kept at most 15 s."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._cache: TtlCache[PriceTable] = TtlCache(1, CACHE_SECONDS)

    def table(self) -> PriceTable:
        """The price table, at most 15 s old."""
        prices = self._cache.get(PARTITION)
        if prices is None:
            prices = read(self._table)
            self._cache.put(PARTITION, prices)
        return prices


def read(table: Table) -> PriceTable:
    """The price table as it is now; empty before the first price is set."""
    item = table.get(PRIMARY_KEY) or {"rev": 0, "prices": {}}
    return PriceTable(item["rev"], item["prices"])
