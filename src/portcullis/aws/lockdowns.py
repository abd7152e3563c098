"""A lockdown as stored, and the writes of its work: taken, passed over, completed.

``FLEET / LOCKDOWN`` is both the flag that functions read and how far the work is. Its events are numbered by ``rev``,
which the work itself leaves alone: that is conditional on the lease, and a new start or stage takes it away.
"""

from dataclasses import asdict, fields
from typing import Any

from portcullis.aws import changes, fleet
from portcullis.aws.changes import Actor, Change
from portcullis.aws.dynamo import Cancelled, Item, Table, to_attributes
from portcullis.aws.expressions import Update
from portcullis.aws.wire import Unavailable
from portcullis.domain import lockdown
from portcullis.domain.account import LOCKED
from portcullis.domain.lockdown import LOCKING, Lockdown, Stage
from portcullis.domain.times import SECOND

COMPLETED, STAGE_LIFTED, LIFTED = "lockdown.completed", "lockdown.stage_lifted", "lockdown.lifted"
LEASE = 20 * SECOND
"""How long the work is left alone when whoever did it has died; longer than one contended account may take."""
_NAMES = tuple(field.name for field in fields(Lockdown))


class LeaseLost(Exception):
    """The work is somebody else's by now, or there is other work to do."""


def read(table: Table) -> Lockdown | None:
    """The lockdown as it is now, or the last one; None when there never was one."""
    item = table.get(fleet.PRIMARY_KEY)
    return from_item(item) if item else None


def take(table: Table, lease: str, now: int) -> Lockdown | None:
    """Take the lease: the lockdown, or None when somebody else has it, or nothing is left to do.

    Whether somebody has it is read first, for their transactions look at the item, and a write would meet one."""
    before = read(table)
    if before is None or (before.lease_until or 0) >= now:
        return None
    update = Update(
        names={"#state": "state", "#stage": "stage", "#lease": "lease", "#lease_until": "lease_until"},
        values={":locking": LOCKING, ":now": now},
    )
    update.conditions.append("(#state = :locking OR attribute_exists(#stage))")
    update.conditions.append("(attribute_not_exists(#lease) OR #lease_until < :now)")
    update.put(lease=lease, lease_until=now + LEASE)
    taken, item = table.update_if(fleet.PRIMARY_KEY, update.request())
    # A call that was repeated for want of an answer finds its own lease.
    return from_item(item) if taken or item.get("lease") == lease else None


def note(table: Table, held: Lockdown, now: int) -> None:
    """Store how far the work is, and keep the lease; LeaseLost where it is gone."""
    _store(table, held, lease=held.lease, lease_until=now + LEASE)


def ordered(held: Lockdown) -> dict[str, Any]:
    """The check of a transaction that nothing was ordered or completed since the work was taken."""
    unchanged = Update()
    unchanged.require(rev=held.rev)
    return unchanged.action(fleet.PRIMARY_KEY)


def confirm(table: Table, held: Lockdown) -> None:
    """LeaseLost where something was ordered or completed since the work was taken."""
    found = read(table)
    if found is None or found.rev != held.rev:
        raise LeaseLost


def release(table: Table, held: Lockdown) -> None:
    """Give the lease back."""
    _store(table, held, lease=None, lease_until=None)


def complete(table: Table, held: Lockdown, now: int) -> None:
    """Write down that what was to be done is done."""
    after = lockdown.completed(held, now)
    types = {LOCKED: COMPLETED, lockdown.LIFTING: STAGE_LIFTED, lockdown.LIFTED: LIFTED}
    for _ in changes.attempts():
        try:
            table.transact(*writing(held, after, work_of(held, now), types[after.state]))
        except Cancelled as cancelled:
            if not cancelled.contention:
                raise LeaseLost from None
        else:
            return
    raise Unavailable("the lockdown was contended")


def writing(before: Lockdown | None, after: Lockdown, actor: Actor, type_: str) -> list[dict[str, Any]]:
    """The actions that store what became of a lockdown, unless something was ordered meanwhile, and tell of it."""
    unchanged = Update()
    unchanged.require(rev=before.rev if before else None)
    put = {"Put": {"Item": to_attributes(to_item(after)), **unchanged.request()}}
    change = Change(type_, lockdown.describe(after))
    return [put, changes.event_put(actor, fleet.PARTITION, fleet.PARTITION, after.rev, change, None)]


def work_of(held: Lockdown, now: int) -> Actor:
    """Who changes accounts: whoever ordered what is being done."""
    return Actor(held.stage.by if held.stage else held.started_by, "", now)


def to_item(found: Lockdown) -> Item:
    """The stored form; absent values are left out."""
    stored = {name: value for name, value in asdict(found).items() if value is not None}
    if found.stage is not None:
        stored["stage"] = {name: value for name, value in asdict(found.stage).items() if value is not None}
    return fleet.PRIMARY_KEY | stored


def from_item(item: Item) -> Lockdown:
    """The inverse of to_item."""
    stored = {name: item[name] for name in _NAMES if name in item}
    if "place" in stored:
        stored["place"] = tuple(stored["place"])
    if "stage" in stored:
        stage = item["stage"]
        stored["stage"] = Stage(**stage | {"agents": tuple(stage["agents"])})
    return Lockdown(**stored)


def _store(table: Table, held: Lockdown, *, lease: str | None, lease_until: int | None) -> None:
    item = to_item(held)
    update = Update()
    update.require(lease=held.lease, rev=held.rev)
    progress = ("total", "passes", "pass_at", "place", "seen", "locked", "unreadable", "due", "failed", "stage")
    update.put(**{name: item.get(name) for name in progress}, lease=lease, lease_until=lease_until)
    if not table.update_if(fleet.PRIMARY_KEY, update.request())[0]:
        raise LeaseLost
