"""The work of a lockdown, in slices: pass over the fleet and lock, or lift, whoever is due, until a whole pass finds
nobody left.

A slice may stop anywhere: every change of an account is conditional and can be repeated, and the next slice goes on
from where this one has last stored its place. The index is a moment behind, so the pass that ends the locking begins
some seconds after the flag was set, since when no agent is created.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count, islice
from queue import SimpleQueue
from typing import Any

from portcullis.aws import accounts, changes, listings, lockdowns, telemetry
from portcullis.aws.changes import Change
from portcullis.aws.dynamo import Item, Table
from portcullis.aws.listings import Position
from portcullis.aws.lockdowns import LeaseLost
from portcullis.aws.wire import AwsError, Unavailable
from portcullis.domain import lockdown
from portcullis.domain.account import ACTIVE, LOCKED, Account
from portcullis.domain.lockdown import Lockdown
from portcullis.domain.times import HOUR

WORKERS = 8
CHUNK = 100
"""Agents that are read at once, and after which the place is stored."""
NAP_SECONDS = 0.2
SELF = {"Function": "lockdown"}


@dataclass(frozen=True, slots=True)
class Lockdowns:
    """Works on the lockdown, with as many threads as ``tables``, for calls made at once need a connection each.
    ``clock`` tells microseconds, ``new_lease`` names who works."""

    tables: Sequence[Table]
    clock: Callable[[], int] = lambda: time.time_ns() // 1000
    sleep: Callable[[float], None] = time.sleep
    new_lease: Callable[[], str] = lambda: secrets.token_urlsafe(16)

    def run(self, more: Callable[[], bool]) -> bool:
        """One slice, for as long as there is ``more`` time. False: somebody else is at it, or nothing is to be done."""
        held = lockdowns.take(self.tables[0], self.new_lease(), self.clock())
        if held is None:
            return False
        with suppress(LeaseLost), ThreadPoolExecutor(len(self.tables)) as threads:
            _Slice(self, threads, more).work(held)
        return True


class _Slice:
    """One slice of the work."""

    def __init__(self, own: Lockdowns, threads: Executor, more: Callable[[], bool]) -> None:
        self._own, self._threads, self._more = own, threads, more
        self._table, self._clock = own.tables[0], own.clock
        self._free: SimpleQueue[Table] = SimpleQueue()
        for table in own.tables:
            self._free.put(table)

    def work(self, held: Lockdown) -> None:
        """Pass after pass, until one has found nobody left."""
        held = self._prepared(held)
        while self._more():
            held, ended = self._passed(held)
            if ended and lockdown.is_complete(held):
                lockdowns.complete(self._table, held, self._clock())
                return
            if ended:
                held = replace(held, pass_at=None)
                self._wait(held)
        lockdowns.release(self._table, held)

    def _prepared(self, held: Lockdown) -> Lockdown:
        """How many agents there are is counted once; whom a share is about is settled before the first is lifted."""
        if held.total is None:
            held = self._noted(replace(held, total=sum(1 for _ in self._fleet(None))))
        stage = held.stage
        if stage is None or stage.share is None or stage.cut is not None:
            return held
        found = (account for chunk in self._chunks(held) for account in self._read(chunk)[0])
        ranks = [lockdown.rank(stage, account.agent) for account in found if account.state == LOCKED]
        return self._noted(replace(held, stage=replace(stage, cut=lockdown.cut(stage, ranks))))

    def _passed(self, held: Lockdown) -> tuple[Lockdown, bool]:
        """The rest of a pass, or a new one: how far it came, and whether that is the end."""
        if held.pass_at is None or (held.stage is not None and held.stage.agents):
            held = self._noted(lockdown.next_pass(held, self._clock()))
        for chunk in self._chunks(held):
            if not self._more():
                return held, False
            held = self._visited(held, chunk)
        return held, True

    def _visited(self, held: Lockdown, chunk: Sequence[Item]) -> Lockdown:
        found, unreadable = self._read(chunk)
        due = [account for account in found if lockdown.is_due(held, account)]
        present = {account.agent: account for account in found}
        for account in self._threads.map(lambda each: self._changed(held, each.agent), due):
            if account is not None:
                present[account.agent] = account
        named = held.stage is not None and held.stage.agents
        after = replace(
            held,
            place=None if named else listings.order(chunk[-1]),
            seen=held.seen + len(chunk),
            locked=held.locked + sum(account.state == LOCKED for account in present.values()),
            due=held.due + len(due),
            failed=held.failed + sum(lockdown.is_due(held, account) for account in present.values()),
            unreadable=held.unreadable + unreadable,
        )
        return self._noted(after)

    def _changed(self, held: Lockdown, agent: str) -> Account | None:
        """The account as it is once it was locked or lifted. One that cannot be now does not hold up the others."""
        if not self._more():
            return None
        table, actor, tries = self._free.get(), lockdowns.work_of(held, self._clock()), count()

        def plan(account: Account) -> Change | None:
            if next(tries):
                lockdowns.confirm(table, held)
            return _change(held, account) if lockdown.is_due(held, account) else None

        try:
            return changes.apply(table, agent, actor, plan)
        except (Unavailable, AwsError) as error:
            telemetry.count("Fault", dimensions=SELF, agent=agent, cause=str(error))
            return None
        finally:
            self._free.put(table)

    def _read(self, chunk: Sequence[Item]) -> tuple[list[Account], int]:
        """These accounts as they are now, and how many cannot be read; such can commit nothing either."""
        items = self._table.get_many([{"pk": each["pk"], "sk": each["sk"]} for each in chunk], consistent=True)
        found: list[Account] = []
        for item in items:
            try:
                found.append(accounts.from_item(item))
            except (KeyError, TypeError, ValueError) as fault:
                telemetry.count("Fault", dimensions=SELF, agent=item["pk"], cause=type(fault).__name__)
        return found, len(items) - len(found)

    def _chunks(self, held: Lockdown) -> Iterator[list[Item]]:
        entries = self._entries(held)
        while chunk := list(islice(entries, CHUNK)):
            yield chunk

    def _entries(self, held: Lockdown) -> Iterator[Item]:
        if held.stage is not None and held.stage.agents:
            return (accounts.primary_key(agent) for agent in held.stage.agents)
        return self._fleet(held.place)

    def _fleet(self, place: Position | None) -> Iterator[Item]:
        """Every agent after ``place``, also one that was created by another clock."""
        return listings.walk(self._table, accounts.LISTING_KEY, self._clock() + HOUR, place)

    def _wait(self, held: Lockdown) -> None:
        """A moment for what is contended; and until a pass sees whoever was created just before the start."""
        self._own.sleep(NAP_SECONDS)
        while held.state == lockdown.LOCKING and self._clock() < held.started_at + lockdown.SETTLED and self._more():
            self._own.sleep(NAP_SECONDS)

    def _noted(self, held: Lockdown) -> Lockdown:
        lockdowns.note(self._table, held, self._clock())
        return held


def _change(held: Lockdown, account: Account) -> Change:
    """Of a locked agent its keys are kept, for it to go on with: until then its state bars every commit. What it was
    allowed before stays behind, in the epoch that this ends.

    Whoever locks late locks nobody: a lift that was ordered meanwhile counts on having seen whom it has to unlock. Who
    lifts late is undone by the next lockdown, which visits whatever it has not locked itself."""
    data: dict[str, Any]
    if held.stage is not None:
        data = {"lockdown": held.number, "stage": held.stage.number, "epoch": account.epoch}
        return Change("agent.unlocked", data, sets={"state": ACTIVE, "lock": held.number})
    epoch = account.epoch + (account.state == ACTIVE)
    data = {"lockdown": held.number, "reason": held.reason, "epoch": epoch}
    sets = {"state": LOCKED, "epoch": epoch, "lock": held.number}
    return Change("agent.locked", data, (lockdowns.ordered(held),), sets)
