"""Lists, newest first, from the index ``by_status``. A cursor is opaque and names where to go on."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from portcullis.aws import accounts, key_records, records
from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.domain.account import Account
from portcullis.domain.record import STATUSES, Record
from portcullis.domain.verification import KeyRecord
from portcullis.protocol.strict_json import MalformedInput

INDEX = "by_status"
MAX_CURSOR = 300
LOOKED_THROUGH = 200
"""Items that one call looks at where only some are wanted."""
Position = tuple[int, str]
"""Where an entry stands: its creation and its key."""
_CURSOR = re.compile(r"([0-9]{1,17}) ([A-Za-z0-9_#]{1,160})", re.ASCII)


def list_agents(table: Table, limit: int, cursor: str | None) -> tuple[list[Account], str | None]:
    """One page of agents."""
    items, following = page(table, [accounts.LISTING_KEY], limit, cursor)
    return [accounts.from_item(item) for item in items], following


def list_keys(table: Table, agent: str, limit: int, cursor: str | None) -> tuple[list[KeyRecord], str | None]:
    """One page of an agent's keys, the revoked ones among them."""
    items, following = page(table, [key_records.listing_key(agent)], limit, cursor)
    return [key_records.from_item(item) for item in items], following


def list_transactions(
    table: Table, agent: str, status: str | None, limit: int, cursor: str | None
) -> tuple[list[Record], str | None]:
    """One page of an agent's transactions, of one status or of all."""
    statuses = [status] if status else STATUSES
    items, following = page(table, [records.listing_key(agent, name) for name in statuses], limit, cursor)
    return [records.from_item(item) for item in items], following


def walk(table: Table, partition: str, latest: int, start: Position | None = None) -> Iterator[Item]:
    """The keys of an index partition's entries after ``start``, oldest first, none younger than ``latest``; read as
    they are asked for."""
    position: Item | None = None
    while True:
        request = _bounded(partition, start[0] if start else 0, latest)
        if position:
            request["ExclusiveStartKey"] = to_attributes(position)
        items, position = table.query(**request)
        yield from (item for item in items if start is None or order(item) > start)
        if position is None:
            return


def _bounded(partition: str, earliest: int, latest: int) -> dict[str, Any]:
    bounds = {":partition": partition, ":earliest": earliest, ":latest": latest}
    return {
        "IndexName": INDEX,
        "KeyConditionExpression": "status_key = :partition AND created_at BETWEEN :earliest AND :latest",
        "ExpressionAttributeValues": to_attributes(bounds),
    }


def list_changes(table: Table, agent: str, limit: int, cursor: str | None) -> tuple[list[Item], str | None]:
    """One page of an agent's event items: what operators and functions changed."""
    return backwards(table, accounts.partition(agent), "EVENT#", limit, cursor)


def backwards(
    table: Table, partition: str, prefix: str, limit: int, cursor: str | None, only: Item | None = None
) -> tuple[list[Item], str | None]:
    """One page of a partition's items whose sort keys begin with ``prefix``, the last first; those alone whose
    attributes are as in ``only``."""
    request = _backwards(partition, prefix, limit, only or {})
    if cursor:
        _, sk = _decode(cursor)
        if not sk.startswith(prefix):
            raise MalformedInput("cursor", "pass on the cursor of the previous page unchanged")
        request["ExclusiveStartKey"] = to_attributes({"pk": partition, "sk": sk})
    found, last = table.query(**request)
    while last and len(found) <= limit:
        more, last = table.query(**request | {"ExclusiveStartKey": to_attributes(last)})
        found += more
    following = _encode(0, found[limit - 1]["sk"]) if len(found) > limit else None
    return found[:limit], following


def _backwards(partition: str, prefix: str, limit: int, only: Item) -> dict[str, Any]:
    """Items are counted before they are filtered, so a page of few is not made of many calls."""
    values = {":pk": partition, ":prefix": prefix, **{f":{name}": value for name, value in only.items()}}
    request: dict[str, Any] = {
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": to_attributes(values),
        "ScanIndexForward": False,
        "Limit": limit + 1,
    }
    if only:
        request["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in only)
        request["ExpressionAttributeNames"] = {f"#{name}": name for name in only}
        request["Limit"] = LOOKED_THROUGH
    return request


def page(table: Table, partitions: Sequence[str], limit: int, cursor: str | None) -> tuple[list[Item], str | None]:
    """The newest ``limit`` items of several index partitions taken as one list, then read whole from the table."""
    start = _decode(cursor) if cursor else None
    found = [entry for partition in partitions for entry in _entries(table, partition, limit, start)]
    found.sort(key=order, reverse=True)
    first = found[:limit]
    items = [table.get({"pk": entry["pk"], "sk": entry["sk"]}) for entry in first]
    following = _encode(*order(first[-1])) if len(found) > limit else None
    return [item for item in items if item], following


def _entries(table: Table, partition: str, limit: int, start: Position | None) -> list[Item]:
    """The newest entries of one index partition after ``start``, one more than ``limit`` to know if more follow."""
    entries: list[Item] = []
    position: Item | None = None
    while len(entries) <= limit:
        request: dict[str, Any] = {
            "IndexName": INDEX,
            "KeyConditionExpression": "status_key = :partition AND created_at <= :latest",
            "ExpressionAttributeValues": to_attributes(
                {":partition": partition, ":latest": start[0] if start else 10**17}
            ),
            "ScanIndexForward": False,
            "Limit": limit + 1,
        }
        if position:
            request["ExclusiveStartKey"] = to_attributes(position)
        items, position = table.query(**request)
        entries += [item for item in items if start is None or order(item) < start]
        if position is None:
            break
    return entries


def order(entry: Item) -> Position:
    """Where an entry stands in its partition."""
    return entry["created_at"], entry["pk"] + entry["sk"]


def _encode(created_at: int, key: str) -> str:
    return urlsafe_b64encode(f"{created_at} {key}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> Position:
    """The position in a cursor, which comes from outside: it can be anything, and names no partition."""
    text = ""
    if len(cursor) <= MAX_CURSOR:
        with suppress(ValueError):
            text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    match = _CURSOR.fullmatch(text)
    if not match:
        raise MalformedInput("cursor", "pass on the cursor of the previous page unchanged")
    return int(match[1]), match[2]
