"""What was decided on an agent's transactions, oldest first."""

from typing import Any

from portcullis.aws import records
from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.aws.listings import INDEX
from portcullis.domain.record import STATUSES, Record

# In the order in which a transaction goes through them: one that moves on while this reads is met twice, not missed.
_IN_ORDER = ("pending_approval", "approved", "executing", "needs_reconciliation")
_READ = (*_IN_ORDER, *(status for status in STATUSES if status not in _IN_ORDER))


def oldest_first(
    table: Table, agent: str, span: tuple[int, int], after: tuple[int, str], limit: int
) -> tuple[list[Record], bool]:
    """At most ``limit`` transactions created within ``span`` and later than ``after`` (instant and id), and whether
    there are more."""
    first = max(span[0], after[0])
    if first > span[1]:
        return [], False
    found: dict[str, int] = {}
    for status in _READ:
        for entry in _entries(table, records.listing_key(agent, status), (first, span[1]), after, limit):
            found[entry["sk"].removeprefix("TX#")] = entry["created_at"]
    ordered = sorted(found, key=lambda txid: (found[txid], txid))
    page = [record for txid in ordered[:limit] if (record := records.read(table, agent, txid))]
    return page, len(ordered) > limit


def _entries(table: Table, partition: str, span: tuple[int, int], after: tuple[int, str], limit: int) -> list[Item]:
    """The oldest entries of one index partition, one more than ``limit`` to know if more follow."""
    entries: list[Item] = []
    position: Item | None = None
    while len(entries) <= limit:
        request: dict[str, Any] = {
            "IndexName": INDEX,
            "KeyConditionExpression": "status_key = :partition AND created_at BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_attributes({":partition": partition, ":first": span[0], ":last": span[1]}),
            "Limit": limit + 1,
        }
        if position:
            request["ExclusiveStartKey"] = to_attributes(position)
        items, position = table.query(**request)
        entries += [item for item in items if (item["created_at"], item["sk"].removeprefix("TX#")) > after]
        if position is None:
            break
    return entries
