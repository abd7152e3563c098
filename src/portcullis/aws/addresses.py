"""The addresses that agents use: ``ADDRESS#<address or /64>`` in the profiles table, which no block may hit.

Only requests that were judged and of which nobody is told keep an address here; nobody gets his own onto the list by
what is flagged. An item names the ``agent`` that used the address last, ``other_at`` is the last use by another one. It
is written again when the agent's was written a day ago, or by another process, and stays 40 days.
"""

from collections.abc import Mapping

from portcullis.aws.dynamo import Item, Table
from portcullis.aws.expressions import Update
from portcullis.domain.detection.networks import name_of, network_of
from portcullis.domain.times import DAY, SECOND

KEPT_SECONDS = 40 * 86_400
MOST_REMEMBERED = 10_000


def primary_key(address: str) -> Item:
    """Where an address stands: an IPv6 address with its whole /64. The console's test calls have none."""
    network = network_of(address)
    return {"pk": f"ADDRESS#{name_of(network) if network else address}"}


def in_use(table: Table, address: str, now: int, *, but_by: str | None = None) -> bool:
    """Whether an agent, ``but_by`` not counted, has used it in the last 40 days."""
    item = table.get(primary_key(address))
    if item is None:
        return False
    kept = now - KEPT_SECONDS * SECOND
    used_at: int = item["used_at"] if but_by is None or item.get("agent") != but_by else item.get("other_at", kept)
    return used_at > kept


class Addresses:
    """What one process has written."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._written: dict[tuple[str, str], int] = {}

    def note(self, agent: str, used: Mapping[str, int]) -> None:
        """Keep these addresses of an agent, each with the instant of its last use."""
        for address, at in used.items():
            key = primary_key(address)
            if at - self._written.get((agent, key["pk"]), -DAY) >= DAY:
                _keep(self._table, key, agent, at)
                self._remember((agent, key["pk"]), at)

    def _remember(self, name: tuple[str, str], at: int) -> None:
        if len(self._written) >= MOST_REMEMBERED:
            self._written.clear()
        self._written[name] = at


def _keep(table: Table, key: Item, agent: str, at: int) -> None:
    """Where another agent used it last, that one's instant becomes ``other_at``."""
    own, other = Update(), Update()
    for update in (own, other):
        update.put(agent=agent, used_at=at, expires_at=at // SECOND + KEPT_SECONDS)
    own.conditions.append("attribute_not_exists(#used_at) OR #agent = :agent")
    other.conditions.append("attribute_not_exists(#agent) OR #agent <> :agent")
    other.sets.append("other_at = #used_at")
    if not table.update_if(key, own.request())[0]:
        table.update_if(key, other.request())
