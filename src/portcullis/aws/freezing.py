"""The step of containment that marks transactions. None of them could move since the agent was suspended: this says so
on each, gives back what it reserved, and tells what had been claimed before and may still be paid."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from portcullis.aws import listings, records, telemetry, transitions
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import AwsError, Unavailable
from portcullis.domain import lifecycle
from portcullis.domain.incidents import Incident
from portcullis.domain.lifecycle import WAITING
from portcullis.domain.money import format_usd
from portcullis.domain.record import Mover, Record

CLAIMED = ("executing", "needs_reconciliation")
MOST_NAMED = 20
MOST_COUNTED, PAGE = 1_000, 50
FAULTS = (Unavailable, AwsError, KeyError, TypeError, ValueError)


def freeze(table: Table, incident: Incident, now: int, more: Callable[[], bool]) -> dict[str, Any]:
    """Mark what waits, for as long as there is ``more`` time, and sum up what is frozen and what is claimed. Raises
    Unavailable, in the end, where some could not be marked: another attempt goes on from there.

    The sums leave out, and ``not_counted`` says so, what there is no time to read: what counts is that all is marked.
    """
    mover = Mover("gateway", None, "", now)
    marked: dict[str, Record] = {}
    left = 0
    for txid in _listed(table, incident.agent, WAITING, now):
        record = _mark(table, incident.agent, txid, mover) if more() else None
        if record is None:
            left += 1
        elif record.status == "frozen":
            marked[txid] = record
    if left:
        raise Unavailable(f"{left} transactions are not marked yet")
    claimed, all_claimed = _decided_before(table, incident, CLAIMED, more)
    earlier, all_earlier = _decided_before(table, incident, ("frozen",), more)
    frozen = {**{each.id: each for each in earlier if each.changed_at >= incident.opened_at}, **marked}
    return {
        "frozen": len(frozen),
        "usd": _sum(frozen.values()),
        "claimed": [each.id for each in claimed[:MOST_NAMED]],
        "claimed_count": len(claimed),
        "claimed_usd": _sum(claimed),
        **({} if all_claimed and all_earlier else {"not_counted": f"beyond {MOST_COUNTED} of a kind, or for time"}),
    }


def _mark(table: Table, agent: str, txid: str, mover: Mover) -> Record | None:
    """The record as it is then; None where it could not be marked, which does not hold up the others."""
    try:
        found = transitions.apply(table, agent, txid, lambda record, account: lifecycle.freeze(record, account, mover))
    except FAULTS as fault:
        cause = f"{type(fault).__name__}: {fault}"
        telemetry.count("FreezeFault", dimensions={"Function": "contain_transactions"}, txid=txid, cause=cause)
        return None
    return found if isinstance(found, Record) else None


def _decided_before(
    table: Table, incident: Incident, statuses: tuple[str, ...], more: Callable[[], bool]
) -> tuple[list[Record], bool]:
    """The newest transactions of these statuses that were decided before the agent was cut off, and whether that are
    all of them. The index may not know yet what was written a moment ago."""
    partitions = [records.listing_key(incident.agent, status) for status in statuses]
    found: list[Record] = []
    cursor: str | None = None
    while more() and len(found) < MOST_COUNTED:
        items, cursor = listings.page(table, partitions, PAGE, cursor)
        read = map(records.from_item, items)
        found += [each for each in read if each.status in statuses and each.epoch < incident.epoch]
        if cursor is None:
            return found, True
    return found, False


def _listed(table: Table, agent: str, statuses: tuple[str, ...], now: int) -> Iterator[str]:
    for status in statuses:
        for entry in listings.walk(table, records.listing_key(agent, status), now):
            yield entry["sk"].removeprefix("TX#")


def _sum(found: Iterable[Record]) -> str:
    return format_usd(sum(each.usd or 0 for each in found))
