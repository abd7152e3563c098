"""The step of containment that marks transactions. None of them could move since the agent was suspended: this says so
on each, gives back what it reserved, and tells what had been claimed before and may still be paid."""

from collections.abc import Callable, Iterator
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
FAULTS = (Unavailable, AwsError, KeyError, TypeError, ValueError)


def freeze(table: Table, incident: Incident, now: int, more: Callable[[], bool]) -> dict[str, Any]:
    """Mark what waits, for as long as there is ``more`` time: what is frozen now, however many runs it took, and what
    is claimed. Raises Unavailable, in the end, where some could not be marked: another attempt goes on from there."""
    mover = Mover("gateway", None, "", now)
    waiting = _listed(table, incident.agent, WAITING, now)
    left = sum(not (more() and _mark(table, incident.agent, txid, mover)) for txid in waiting)
    if left:
        raise Unavailable(f"{left} transactions are not marked yet")
    frozen = [each for each in _read(table, incident, ("frozen",), now) if each.changed_at >= incident.opened_at]
    claimed = list(_read(table, incident, CLAIMED, now))
    return {
        "frozen": len(frozen),
        "usd": _sum(frozen),
        "claimed": [each.id for each in claimed[:MOST_NAMED]],
        "claimed_count": len(claimed),
        "claimed_usd": _sum(claimed),
    }


def _mark(table: Table, agent: str, txid: str, mover: Mover) -> bool:
    """Whether it needs no marking any more. One that cannot be marked does not hold up the others."""
    try:
        transitions.apply(table, agent, txid, lambda record, account: lifecycle.freeze(record, account, mover))
    except FAULTS as fault:
        cause = f"{type(fault).__name__}: {fault}"
        telemetry.count("FreezeFault", dimensions={"Function": "contain_transactions"}, txid=txid, cause=cause)
        return False
    return True


def _read(table: Table, incident: Incident, statuses: tuple[str, ...], now: int) -> Iterator[Record]:
    """The transactions of these statuses that were decided before the agent was cut off."""
    for txid in _listed(table, incident.agent, statuses, now):
        record = records.read(table, incident.agent, txid)
        if record is not None and record.status in statuses and record.epoch < incident.epoch:
            yield record


def _listed(table: Table, agent: str, statuses: tuple[str, ...], now: int) -> Iterator[str]:
    for status in statuses:
        for entry in listings.walk(table, records.listing_key(agent, status), now):
            yield entry["sk"].removeprefix("TX#")


def _sum(found: list[Record]) -> str:
    return format_usd(sum(each.usd or 0 for each in found))
