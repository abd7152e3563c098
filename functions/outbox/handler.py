"""The outbox: turns the core table's stream records into events. The pipe puts what it returns on the bus."""

from typing import Any

from portcullis.aws import stored_events
from portcullis.aws.dynamo import from_attributes
from portcullis.domain import events
from portcullis.domain.times import SECOND


def handler(batch: list[dict[str, Any]], _context: object) -> list[dict[str, Any]]:
    """One envelope for each record, in order. The pipe's filter lets only transactions and ``EVENT#`` items pass.

    A record that cannot be read is an event too: raising would hold up all that come after it.
    """
    return [_envelope(change["dynamodb"]) for change in batch]


def _envelope(change: dict[str, Any]) -> dict[str, Any]:
    try:
        return stored_events.latest(from_attributes(change["NewImage"]))
    except (KeyError, TypeError, ValueError) as error:
        keys, seconds = from_attributes(change["Keys"]), int(change["ApproximateCreationDateTime"])
        return events.of_malformed(keys["pk"], keys["sk"], seconds * SECOND, type(error).__name__)
