"""The work of a key job, in slices: see every agent once, act on its keys, look at the outstanding ones again.

A slice may stop anywhere. What an agent's visit has recorded is done by the next slice if this one could not, and every
act can be repeated: a rotation is asked for under a token made of job and key, so no job asks for two of one key.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256

from portcullis.aws import (
    accounts,
    key_due,
    key_issuing,
    key_job_records,
    key_jobs,
    key_records,
    key_revoking,
    listings,
    telemetry,
)
from portcullis.aws.changes import Conflict
from portcullis.aws.dynamo import Item, Table
from portcullis.aws.key_delivery import Deliveries, NoSecret
from portcullis.aws.key_jobs import LeaseLost
from portcullis.aws.listings import Position, order
from portcullis.aws.wire import AwsError, Unavailable
from portcullis.domain.key_jobs import DONE, FAILED, OUTSTANDING, Job, in_scope, is_over, was_asked
from portcullis.domain.verification import KeyRecord


@dataclass(frozen=True, slots=True)
class KeyJobs:
    """Works on the jobs of one stage. ``clock`` tells microseconds, ``new_lease`` names who works."""

    table: Table
    deliveries: Deliveries
    clock: Callable[[], int] = lambda: time.time_ns() // 1000
    new_lease: Callable[[], str] = lambda: secrets.token_urlsafe(16)

    def run(self, job_id: str, more: Callable[[], bool]) -> bool:
        """One slice, for as long as there is ``more`` time. False: somebody else is at it, or it is not running."""
        job = key_jobs.take(self.table, job_id, self.new_lease(), self.clock())
        if job is None:
            return False
        with suppress(LeaseLost):  # cancelled, or so slow that another has taken over
            key_jobs.release(self.table, self._work(job, more))
        return True

    def _work(self, job: Job, more: Callable[[], bool]) -> Job:
        """The job, where it stopped."""
        if not job.visited:
            for entry in listings.walk(self.table, accounts.LISTING_KEY, job.created_at, job.place):
                if not more():
                    return job
                job = self._visit(job, entry["pk"].removeprefix("AGENT#"), order(entry))
            job = key_jobs.all_visited(self.table, job, self.clock())
        listed = key_job_records.keys_partition(job.id, OUTSTANDING)
        for entry in listings.walk(self.table, listed, self.clock(), job.place):
            if not more():
                return job
            self._attend(job, entry["sk"].removeprefix("KEY#"))
            job = replace(job, place=order(entry))
        key_jobs.finish(self.table, job, self.clock())
        return replace(job, place=None)

    def _visit(self, job: Job, agent: str, place: Position) -> Job:
        found, readable = self._found(job, agent)
        job = key_jobs.note_agent(self.table, job, place, found, self.clock(), readable=readable)
        for key in found:
            self._attend(job, key.key_id)
        return job

    def _found(self, job: Job, agent: str) -> tuple[list[KeyRecord], bool]:
        """The keys of an agent that the job is about, and whether they can be read: one that cannot holds up nobody."""
        try:
            account = accounts.read(self.table, agent)
            if account is None:
                return [], True
            # A suspended agent has nothing to rotate, for its keys never come back; but they can be revoked.
            # One that is locked is rotated once it is lifted.
            every = key_revoking.usable if job.action == "revoke" else key_revoking.live_records
            found = every(self.table, account, self.deliveries.stage)
            return [key for key in found if in_scope(job, key, self.clock())], True
        except (KeyError, TypeError, ValueError) as fault:
            telemetry.count("KeyJobFault", dimensions={"Fault": type(fault).__name__}, agent=agent, job=job.id)
            return [], False

    def _attend(self, job: Job, key_id: str) -> None:
        """Do what is to be done about one key, and settle it when it is over."""
        entry = key_jobs.outstanding_key(self.table, job, key_id)
        if entry is None:
            return
        try:
            key = key_records.read(self.table, key_id)
            if key is not None and not is_over(job, key, self.clock()):
                self._act(job, key)
                key = key_records.read(self.table, key_id)
            if is_over(job, key, self.clock()):
                self._shorten(job, key)
                key_jobs.settle(self.table, job, entry, DONE, self.clock())
        except (NoSecret, AwsError) as error:
            cause = error.code if isinstance(error, AwsError) else str(error)
            self._tell(job, entry, cause)
            key_jobs.settle(self.table, job, entry, FAILED, self.clock(), cause)
        except (Unavailable, Conflict) as fault:
            self._tell(job, entry, type(fault).__name__)

    def _act(self, job: Job, key: KeyRecord) -> None:
        actor = key_jobs.actor_of(job, self.clock())
        if job.action == "revoke":
            key_revoking.revoke(self.table, actor, key.agent, key.key_id)
        elif not was_asked(job, key):
            if key.delivered:
                token = sha256(f"{job.id}\n{key.key_id}".encode()).hexdigest()
                self.deliveries.rotate_now(key.agent, token)
            key_due.mark(self.table, actor, key, job.created_at)

    def _shorten(self, job: Job, key: KeyRecord | None) -> None:
        """Let a key that has its successor end as early as the job says."""
        if job.overlap is None or key is None or key.state != "retiring":
            return
        actor = key_jobs.actor_of(job, self.clock())
        if key.ends_at is not None and key.ends_at > actor.now + job.overlap:
            key_issuing.retire(self.table, actor, key.agent, key.key_id, actor.now + job.overlap)

    def _tell(self, job: Job, entry: Item, cause: str) -> None:
        key_id = entry["sk"].removeprefix("KEY#")
        telemetry.count("KeyJobFault", dimensions={"Fault": cause}, agent=entry["agent"], key=key_id, job=job.id)
