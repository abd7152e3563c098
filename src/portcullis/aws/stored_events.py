"""The events that the core table's items stand for: transactions, and the changes that are stored as ``EVENT#``."""

from typing import Any

from portcullis.aws import records
from portcullis.aws.dynamo import Item
from portcullis.domain import events, record


def latest(item: Item) -> dict[str, Any]:
    """The event of an item as it is now."""
    return record.event_of(records.from_item(item)) if _is_transaction(item) else events.of_change(item)


def every(item: Item) -> list[dict[str, Any]]:
    """One event for each ``rev`` of an item, oldest first; of a transaction's earlier ones what is still known."""
    if not _is_transaction(item):
        return [latest(item)]
    found = records.from_item(item)
    return [*(record.event_of_past(found, index) for index in range(len(found.past))), latest(item)]


def _is_transaction(item: Item) -> bool:
    return bool(item["sk"].startswith("TX#"))
