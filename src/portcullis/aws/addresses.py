"""The addresses that agents use: ``ADDRESS#<address or /64>`` in the profiles table, which no block may hit.

Only requests that were judged and found usual keep an address here; nobody gets his own onto the list by what is
flagged. An address is written again when it was written a day ago, or by another process, and stays 40 days.
"""

import ipaddress
from collections.abc import Mapping

from portcullis.aws.dynamo import Table
from portcullis.domain.times import DAY, SECOND

KEPT_SECONDS = 40 * 86_400
MOST_REMEMBERED = 10_000


def primary_key(address: str) -> dict[str, str]:
    """Where an address stands: an IPv6 address with its whole /64."""
    return {"pk": f"ADDRESS#{_block(address)}"}


def in_use(table: Table, address: str, now: int) -> bool:
    """Whether an agent has used it in the last 40 days."""
    item = table.get(primary_key(address))
    return item is not None and bool(item["expires_at"] > now // SECOND)


class Addresses:
    """What one process has written."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._written: dict[str, int] = {}

    def note(self, used: Mapping[str, int]) -> None:
        """Keep these addresses, each with the instant of its last use."""
        for address, at in used.items():
            key = primary_key(address)
            if at - self._written.get(key["pk"], -DAY) >= DAY:
                item = {**key, "used_at": at, "expires_at": at // SECOND + KEPT_SECONDS}
                self._table.put_if(item, "attribute_not_exists(pk) OR used_at < :at", {":at": at})
                self._remember(key["pk"], at)

    def _remember(self, name: str, at: int) -> None:
        if len(self._written) >= MOST_REMEMBERED:
            self._written.clear()
        self._written[name] = at


def _block(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # the console's test calls have none
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
