"""The census of keys: ``ROOT / COUNTING`` says how far a count is, ``ROOT / COUNTED`` holds the last whole one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any, TypeVar

from portcullis.aws import accounts, key_records, listings, telemetry
from portcullis.aws.dynamo import MOST_KEYS, Item, Table
from portcullis.aws.expressions import Update
from portcullis.aws.generations import PARTITION
from portcullis.aws.listings import order
from portcullis.domain.account import Account
from portcullis.domain.key_census import Census, counted
from portcullis.domain.key_classes import Rotation
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys

COUNTING: Item = {"pk": PARTITION, "sk": "COUNTING"}
COUNTED: Item = {"pk": PARTITION, "sk": "COUNTED"}
Read = TypeVar("Read", Account, KeyRecord)


def last(table: Table) -> Census | None:
    """The last whole count, or None."""
    return _stored(table, COUNTED)


def take(table: Table, stage: str, rotation: Rotation, now: int, more: Callable[[], bool]) -> Census | None:
    """Go on with the count, or begin one, for as long as there is ``more`` time; the count once it is whole."""
    census = _stored(table, COUNTING) or Census(now)
    walk = listings.walk(table, accounts.LISTING_KEY, census.started_at, census.place)
    while page := list(islice(walk, MOST_KEYS)):
        if not more():
            return None
        found, unreadable = _keys(table, stage, page)
        census = counted(census, found, rotation, now)
        census = replace(census, unreadable=census.unreadable + unreadable, place=order(page[-1]))
        _store(table, COUNTING, census)
    _store(table, COUNTED, census)
    _store(table, COUNTING, None)
    return census


def _keys(table: Table, stage: str, page: Sequence[Item]) -> tuple[list[KeyRecord], int]:
    """The live keys of a page of agents, and how many items could not be read."""
    items = table.get_many([{"pk": entry["pk"], "sk": entry["sk"]} for entry in page])
    found = list(_readable(items, accounts.from_item))
    bodies = sorted({name.split("#")[0] for account in found for name in account.live_keys})
    wanted = [key_records.primary_key(keys.key_id_of(stage, body)) for body in bodies]
    records = list(_readable(table.get_many(wanted), key_records.from_item))
    return records, len(items) - len(found) + len(wanted) - len(records)


def _readable(items: Sequence[Item], from_item: Callable[[Item], Read]) -> Iterator[Read]:
    for item in items:
        try:
            yield from_item(item)
        except (KeyError, TypeError, ValueError) as fault:
            telemetry.count("CensusFault", dimensions={"Fault": type(fault).__name__}, pk=item["pk"], sk=item["sk"])


def _stored(table: Table, key: Item) -> Census | None:
    item = table.get(key)
    if item is None or "started_at" not in item:
        return None
    named = {name: value for name, value in item.items() if name not in key}
    return Census(**named | {"place": tuple(item["place"]) if item.get("place") else None})


def _store(table: Table, key: Item, census: Census | None) -> None:
    update = Update()
    fields: dict[str, Any] = asdict(census) if census else dict.fromkeys(Census.__dataclass_fields__)
    update.put(**fields)
    table.update_if(key, update.request())
