"""The outbox: turns the core table's stream records into events. The pipe puts what it returns on the bus."""

from typing import Any

from portcullis.aws import records
from portcullis.aws.dynamo import from_attributes
from portcullis.domain import events


def handler(batch: list[dict[str, Any]], _context: object) -> list[dict[str, Any]]:
    """One envelope for each record, in order. The pipe's filter lets only transactions and ``EVENT#`` items pass."""
    return [_envelope(record["dynamodb"]["NewImage"]) for record in batch]


def _envelope(image: dict[str, Any]) -> dict[str, Any]:
    item = from_attributes(image)
    return events.of_record(records.from_item(item)) if item["sk"].startswith("TX#") else events.of_change(item)
