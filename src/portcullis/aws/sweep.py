"""The sweep: whatever is overdue is moved on, agent by agent, oldest first, within the time that a run has.

The index knows when a transaction was created, not when its time ends, so it only rules out those too young to be
overdue; the others are read. Where a run stops, ``SWEEPER / CURSOR`` says; the next goes on there, and so no agent
with much to do keeps the others from their turn. Two runs at once do no harm: every move is conditional.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from portcullis.aws import accounts, listings, records, telemetry, transitions
from portcullis.aws.dynamo import Item, Table
from portcullis.aws.expressions import Update
from portcullis.aws.listings import Position, order
from portcullis.aws.wire import Unavailable
from portcullis.domain import lifecycle
from portcullis.domain.lifecycle import LEASE
from portcullis.domain.record import CLAIM_LIFETIME
from portcullis.domain.times import SECOND

CURSOR = {"pk": "SWEEPER", "sk": "CURSOR"}
YOUNGEST = {"executing": LEASE, "pending_approval": 60 * SECOND, "approved": CLAIM_LIFETIME}
"""How old a transaction of each status is at least when its time ends."""
_STATUSES = tuple(YOUNGEST)


@dataclass(frozen=True, slots=True)
class Place:
    """How far the sweep is: in an agent, of one ``status`` past one ``transaction`` (None: before its first), or past
    the agent itself when there is no ``status``."""

    agent: Position
    status: str | None = None
    transaction: Position | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What a run did. ``finished``: it came to the last agent."""

    moved: int
    finished: bool


def sweep(table: Table, now: int, more: Callable[[], bool]) -> Swept:
    """Go on where the last run stopped, for as long as there is ``more`` time."""
    moved, start = 0, _stored(table)
    for entry, place in _overdue(table, now, start):
        if not more():
            _store(table, place)
            return Swept(moved, finished=False)
        if entry is not None:
            moved += _move(table, entry, now)
    if start is not None:
        _store(table, None)
    return Swept(moved, finished=True)


def _overdue(table: Table, now: int, start: Place | None) -> Iterator[tuple[Item | None, Place]]:
    """Each transaction that may be overdue with the place before it, and each agent's end with None."""
    if start is not None and start.status is not None:
        yield from _of_agent(table, now, start, start.status)
    for entry in listings.walk(table, accounts.LISTING_KEY, now, start.agent if start else None):
        yield from _of_agent(table, now, Place(order(entry), _STATUSES[0]), _STATUSES[0])


def _of_agent(table: Table, now: int, start: Place, first: str) -> Iterator[tuple[Item | None, Place]]:
    place, agent = start, start.agent[1].removeprefix("AGENT#").removesuffix("ACCOUNT")
    for status in _STATUSES[_STATUSES.index(first) :]:
        after = start.transaction if status == first else None
        for entry in listings.walk(table, records.listing_key(agent, status), now - YOUNGEST[status], after):
            yield entry, place
            place = Place(start.agent, status, order(entry))
    yield None, Place(start.agent)


def _move(table: Table, entry: Item, now: int) -> int:
    """Move one on if it is overdue. One that cannot be read, or is contended, does not hold up the others."""
    agent, txid = entry["pk"].removeprefix("AGENT#"), entry["sk"].removeprefix("TX#")
    try:
        record = records.read(table, agent, txid)
        if record is None or not lifecycle.is_due(record, now):
            return 0
        status = transitions.expire(table, record, now).status
    except (KeyError, TypeError, ValueError, Unavailable) as fault:
        telemetry.count("SweepFault", dimensions={"Fault": type(fault).__name__}, agent=agent, txid=txid)
        return 0
    telemetry.count("Overdue", dimensions={"Status": status}, agent=agent, txid=txid)
    return 1


def _stored(table: Table) -> Place | None:
    item = table.get(CURSOR)
    if item is None or "agent" not in item:
        return None
    (created_at, key), last = item["agent"], item.get("transaction")
    return Place((created_at, key), item.get("status"), (last[0], last[1]) if last else None)


def _store(table: Table, place: Place | None) -> None:
    update = Update()
    update.put(
        agent=place.agent if place else None,
        status=place.status if place else None,
        transaction=place.transaction if place else None,
    )
    table.update_if(CURSOR, update.request())
