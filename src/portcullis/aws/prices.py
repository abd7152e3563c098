"""The operator's price table: one item, ``PRICES / PRICES``."""

from portcullis.aws.cache import TtlCache
from portcullis.aws.dynamo import Item, Table
from portcullis.domain.prices import PriceTable

CACHE_SECONDS = 15
PARTITION = "PRICES"
PRIMARY_KEY: Item = {"pk": PARTITION, "sk": "PRICES"}


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
