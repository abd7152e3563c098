"""The writes of a key job: made, taken, seen, settled, ended.

Whoever works on a job holds its lease, and every write of that work is conditional on it. Seeing an agent, and each
change of what became of a key, moves the counters in the same transaction, so they are exact wherever a run stops.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from portcullis.aws import changes, key_job_records
from portcullis.aws.changes import Actor, Change, Conflict
from portcullis.aws.dynamo import Cancelled, Item, Table
from portcullis.aws.expressions import Update
from portcullis.aws.listings import Position
from portcullis.aws.wire import Unavailable
from portcullis.domain.key_jobs import DONE, OUTSTANDING, WAITS, Job, describe_progress, waits_for
from portcullis.domain.times import SECOND
from portcullis.domain.verification import KeyRecord

LEASE = 60 * SECOND
"""How long a job is left alone when whoever worked on it has died; every write renews it."""


class LeaseLost(Exception):
    """The job is somebody else's by now, or not running any more."""


def create(table: Table, actor: Actor, job: Job) -> Job:
    """Store a new job with its event; one of this id that is there already is returned as it is."""
    for _ in changes.attempts():
        stored = key_job_records.read(table, job.id)
        if stored is not None:
            return stored
        data = {"action": job.action, **asdict(job.selection), "overlap": job.overlap, "reason": job.reason}
        try:
            table.transact(
                changes.put_new(key_job_records.to_item(job)), _event(actor, job, Change("key.job_created", data))
            )
        except Cancelled:
            continue
        return job
    raise Unavailable("the job was contended")


def cancel(table: Table, actor: Actor, job_id: str) -> Job | None:
    """End a job before its time; what it has done stays done. Again: no change. None: no such job."""
    for _ in changes.attempts():
        job = key_job_records.read(table, job_id)
        if job is None or job.state == "cancelled":
            return job
        if job.state != "running":
            raise Conflict(f"The job is {job.state}; there is nothing left to cancel.")
        update = Update()
        update.require(state="running", rev=job.rev)
        ended = _ending(update, job, "cancelled", actor.now)
        try:
            table.transact(
                update.action(key_job_records.primary_key(job_id)),
                _event(actor, ended, Change("key.job_cancelled", {})),
            )
        except Cancelled:
            continue
    raise Unavailable("the job was contended")


def take(table: Table, job_id: str, lease: str, now: int) -> Job | None:
    """Take the lease: the job, or None when somebody else has it, or when it is not running."""
    update = Update(names={"#lease_until": "lease_until"}, values={":now": now})
    update.require(state="running")
    update.conditions.append("(attribute_not_exists(#lease) OR #lease_until < :now)")
    update.put(lease=lease, lease_until=now + LEASE)
    taken, item = table.update_if(key_job_records.primary_key(job_id), update.request())
    # A call that was repeated for want of an answer finds its own lease.
    return key_job_records.from_item(item) if taken or item.get("lease") == lease else None


def release(table: Table, job: Job) -> None:
    """Give the lease back, if it is still this one's, and keep the place that it came to."""
    update = Update()
    update.require(lease=job.lease)
    update.put(lease=None, lease_until=None, place=None if job.place is None else list(job.place))
    table.update_if(key_job_records.primary_key(job.id), update.request())


def note_agent(
    table: Table, job: Job, place: Position, found: Sequence[KeyRecord], now: int, *, readable: bool = True
) -> Job:
    """An agent was seen, with the keys that the job is about: they are outstanding from this write on."""
    update = _held(job, now)
    update.require(place=None if job.place is None else list(job.place))
    _count(update, agents=1, unreadable=int(not readable), seen=len(found))
    waits = [waits_for(job, key) for key in found]
    _count(update, **{f"waits_{name}": waits.count(name) for name in WAITS})
    update.put(place=list(place))
    items = [changes.put_new(key_job_records.key_item(job, key, now)) for key in found]
    _commit(table, job, update, items, lambda: _place_of(table, job) == place)
    return replace(job, place=place)


def all_visited(table: Table, job: Job, now: int) -> Job:
    """Every agent was seen."""
    update = _held(job, now)
    update.put(visited=True, place=None)
    _commit(table, job, update, [], lambda: False)
    return replace(job, visited=True, place=None)


def outstanding_key(table: Table, job: Job, key_id: str) -> Item | None:
    """What is stored of a key that is outstanding; None when it is not, or not any more."""
    item = table.get(key_job_records.key_of(job.id, key_id))
    return item if item is not None and item["standing"] == OUTSTANDING else None


def settle(table: Table, job: Job, entry: Item, standing: str, now: int, error: str | None = None) -> None:
    """An outstanding key is done, or has failed. Again: no change."""
    key_id = entry["sk"].removeprefix("KEY#")
    update = _held(job, now)
    _count(update, **{f"waits_{entry['waits']}": -1, standing: 1})
    moved = Update()
    moved.require(standing=OUTSTANDING)
    listed = None if standing == DONE else key_job_records.keys_partition(job.id, standing)
    moved.put(standing=standing, status_key=listed, error=error)
    action = moved.action(key_job_records.key_of(job.id, key_id))
    _commit(table, job, update, [action], lambda: outstanding_key(table, job, key_id) is None)


def finish(table: Table, job: Job, now: int) -> None:
    """End a job of which nothing is outstanding; otherwise nothing changes."""
    present = key_job_records.read(table, job.id)
    if present is None or present.lease != job.lease or present.outstanding or not present.visited:
        return
    update = Update()
    update.require(lease=job.lease, state="running")
    ended = _ending(update, present, "finished", now)
    change = Change("key.job_finished", {**describe_progress(present), "agents": present.agents})
    event = _event(actor_of(job, now), ended, change)
    _commit(table, job, update, [event], lambda: False)


def actor_of(job: Job, now: int) -> Actor:
    """Who changes a key on behalf of a job, whose first event names the person."""
    return Actor(job.id, "", now)


def _held(job: Job, now: int) -> Update:
    update = Update()
    update.require(lease=job.lease, state="running")
    update.put(lease_until=now + LEASE)
    return update


def _count(update: Update, **changed: int) -> None:
    for name, number in changed.items():
        if number:
            update.names[f"#{name}"] = name
            update.values[f":{name}"] = number
            update.sets.append(f"#{name} = #{name} + :{name}")


def _ending(update: Update, job: Job, state: str, now: int) -> Job:
    update.put(
        state=state,
        status_key=key_job_records.CLOSED,
        rev=job.rev + 1,
        ended_at=now,
        lease=None,
        lease_until=None,
        place=None,
    )
    return replace(job, state=state, rev=job.rev + 1)


def _event(actor: Actor, job: Job, change: Change) -> dict[str, Any]:
    return changes.event_put(actor, job.id, key_job_records.partition(job.id), job.rev, change, None)


def _place_of(table: Table, job: Job) -> Position | None:
    present = key_job_records.read(table, job.id)
    return present.place if present else None


def _commit(
    table: Table, job: Job, update: Update, others: Sequence[dict[str, Any]], applied: Callable[[], bool]
) -> None:
    """One step of the work. ``applied``: what was cancelled had been written by a try that got no answer."""
    for _ in changes.attempts():
        try:
            table.transact(update.action(key_job_records.primary_key(job.id)), *others)
            return
        except Cancelled:
            if applied():
                return
            present = key_job_records.read(table, job.id)
            if present is None or present.lease != job.lease or present.state != "running":
                raise LeaseLost(job.id) from None
    raise Unavailable("the job was contended")
