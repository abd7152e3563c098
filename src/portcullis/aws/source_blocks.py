"""Blocked source addresses as stored, in the profiles table.

``SOURCE#<address>`` counts what was refused, ``BLOCK#<address>`` is a block. The block is the truth: the firewall's
sets and the events are made from what is stored, again by every run, so a crash between two writes loses nothing. A
block that has ended leaves the index ``by_block`` and is remembered for a week, for the next one is longer.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from zlib import crc32

from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.aws.expressions import Update
from portcullis.aws.wire import Unavailable
from portcullis.domain.detection import networks, sources
from portcullis.domain.detection.sources import MINUTE, Block, Refusals
from portcullis.domain.detection.windows import Window
from portcullis.domain.times import SECOND

INDEX = "by_block"
BLOCKED = "BLOCKED"
MOST_BLOCKED = 1_000
"""That the firewall holds at once; AWS takes 10,000. The first to end gives way."""
ATTEMPTS = 8
MOST_SEEN = 128
KEPT_SECONDS = 3_600
_SEEN = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Stored:
    """A block, whether it was told, the incident that it is of, and who has lifted it for what reason, if anyone."""

    block: Block
    told: bool = False
    incident: str | None = None
    lifted_by: str | None = None
    lift_reason: str | None = None


def count(table: Table, refusals: list[Refusals], now: int) -> Window:
    """Add them, which are all of one address, to its window, each once. Raises Unavailable under contention."""
    key = {"pk": f"SOURCE#{networks.name_of(refusals[0].address)}"}
    for _ in range(ATTEMPTS):
        item = table.get(key) or {}
        window = Window.unpack(MINUTE, item["window"]) if item else Window.new(MINUTE)
        seen = [number for (number,) in _SEEN.iter_unpack(item.get("seen", b""))]
        fresh = {crc32(told.id.encode()): told for told in sorted(refusals, key=lambda each: each.at)}
        for number in seen:
            fresh.pop(number, None)
        if not fresh:
            return window
        for told in fresh.values():
            sources.count(window, told)
        seen += fresh
        packed = b"".join(map(_SEEN.pack, seen[-MOST_SEEN:]))
        rev = item.get("rev", 0)
        counted = {"window": window.pack(), "seen": packed, "rev": rev + 1, "expires_at": now // SECOND + KEPT_SECONDS}
        if table.put_if({**key, **counted}, "attribute_not_exists(pk) OR rev = :rev", {":rev": rev}):
            return window
    raise Unavailable("the counters of an address are contended")


def read(table: Table, address: str) -> Stored | None:
    """The block of an address, or its last one."""
    item = table.get(_key(address))
    return _from_item(item) if item else None


def begin(table: Table, block: Block, *, incident: str | None = None, instead_of: Block | None = None) -> bool:
    """Store a block, unless one stands or the end of the last one has not been told; whether it was stored. Where that
    one is ``instead_of``, the new one takes its place, and the end of the new one is the end of both."""
    condition = "attribute_not_exists(blocked) OR blocked <> :blocked"
    values: Item = {":blocked": BLOCKED}
    if instead_of:
        condition, values[":since"] = f"{condition} OR since = :since", instead_of.since
    item = {**_key(block.address), **asdict(block), "blocked": BLOCKED, "ends_at": block.until, "told": False}
    item["expires_at"] = (block.until + sources.REMEMBERED) // SECOND
    item |= {"incident": incident} if incident else {}
    return table.put_if(item, condition, values)


def list_blocks(table: Table, now: int) -> list[Stored]:
    """Those that stand, the last to end first, at most as many as the firewall holds."""
    return list(_query(table, "#ends_at > :now", now, forward=False))


def unblock(table: Table, address: str, by: str, reason: str, now: int, *, since: int | None = None) -> Block | None:
    """End a block now, only that of ``since`` where it is given; the firewall follows within a minute. None where none
    stands, or the text is no address."""
    network = networks.network_of(address.removesuffix("/64"))
    if network is None:
        return None
    key = _key(networks.name_of(network))
    update = Update()
    update.require(blocked=BLOCKED, **({} if since is None else {"since": since}))
    update.conditions.append("#ends_at > :ends_at")
    update.put(ends_at=now, until=now, lifted_by=by, lift_reason=reason)
    ended, item = table.update_if(key, update.request())
    return _from_item(item).block if ended else None


def ended(table: Table, now: int) -> list[Stored]:
    """Those whose end has not been told, the first to end first."""
    return list(_query(table, "#ends_at <= :now", now, forward=True))


def mark_told(table: Table, block: Block) -> None:
    """Remember that the beginning of a block was told."""
    _mark(table, block, lambda update: update.put(told=True))


def mark_ended(table: Table, block: Block) -> None:
    """Take a block whose end was told out of the index. It is not forgotten yet."""
    _mark(table, block, lambda update: update.put(blocked=None))


def _mark(table: Table, block: Block, change: Callable[[Update], None]) -> None:
    update = Update()
    update.require(since=block.since)
    change(update)
    table.update_if(_key(block.address), update.request())


def _query(table: Table, condition: str, now: int, *, forward: bool) -> Iterator[Stored]:
    left, start = MOST_BLOCKED, None
    while left:
        items, start = table.query(
            IndexName=INDEX,
            KeyConditionExpression=f"blocked = :blocked AND {condition}",
            ExpressionAttributeNames={"#ends_at": "ends_at"},
            ExpressionAttributeValues=to_attributes({":blocked": BLOCKED, ":now": now}),
            ScanIndexForward=forward,
            Limit=left,
            **({"ExclusiveStartKey": to_attributes(start)} if start else {}),
        )
        yield from map(_from_item, items)
        left -= len(items)
        if start is None:
            return


def _key(address: str) -> dict[str, str]:
    return {"pk": f"BLOCK#{address}"}


def _from_item(item: Item) -> Stored:
    names = ("address", "since", "until", "times", "severity", "reason")
    block = Block(**{name: item[name] for name in names})
    return Stored(block, item["told"], item.get("incident"), item.get("lifted_by"), item.get("lift_reason"))
