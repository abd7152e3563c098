"""Random schedules of crashes, races and redeliveries against the real code: nothing is lost, doubled or forked.

Each variant of the protocol that is broken on purpose is caught, or the schedules would prove little.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest

from portcullis.domain import audit_log, audit_tree
from portcullis.domain.audit_operations import Claim, ClaimId, Create, LogDisagrees, Read, Recordable, Replace, Steps
from portcullis.domain.audit_tree import Log
from portcullis.protocol import segments
from portcullis.protocol.segments import Segment
from tests.simulation.world import KEY, Broken, Record, Schedule, World, grown, real

SCHEDULES = int(os.environ.get("SCHEDULES", "2500"))
FIRST = 1
CAUGHT_WITHIN = 400


@pytest.fixture(scope="module")
def starts() -> list[World | None]:
    """An empty log, and two whose next entries complete tiles."""
    return [None, grown(253), grown(510)]


def test_nothing_is_lost_doubled_or_forked(starts: list[World | None]) -> None:
    for seed in range(FIRST, FIRST + SCHEDULES):
        start = starts[seed % 20 % 3] if seed % 20 < 3 else None
        try:
            Schedule(seed, start=start).run()
        except (Broken, LogDisagrees) as fault:
            pytest.fail(f"schedule {seed}: {fault}")


def caught(record: Record, change: Callable[[Schedule], None] = lambda _: None) -> str | None:
    """What gives a variant away, if any schedule does."""
    for seed in range(FIRST, FIRST + CAUGHT_WITHIN):
        schedule = Schedule(seed, record, twins=False)
        change(schedule)
        try:
            schedule.run()
        except (Broken, LogDisagrees) as fault:
            return str(fault)
    return None


def test_the_code_itself_is_not_caught() -> None:
    assert caught(real) is None


def test_a_mark_before_the_commit_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    def marked(mine: Claim, wanted: dict[str, Recordable], _held: Any) -> Steps[Segment | None]:
        for id_ in list(wanted):
            if (yield ClaimId(id_, mine, None)) != mine:
                del wanted[id_]
        return None

    monkeypatch.setattr(audit_log, "_claim_all", marked)
    assert "lost or doubled" in str(caught(real))


def test_a_record_only_after_the_commit_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    def unrecorded(_mine: Claim, wanted: dict[str, Recordable], _held: Any) -> Steps[Segment | None]:
        for id_ in list(wanted):
            if (yield Read(f"recorded/{id_}")):
                del wanted[id_]
        return None

    def record_after(log: Log | None, batch: list[Recordable], nonce: Callable[[], str]) -> Steps[Log]:
        known = yield from audit_log.record(log, batch, lambda: KEY, nonce)
        for each in batch:
            yield Create(f"recorded/{each.id}", b"")
        return known

    monkeypatch.setattr(audit_log, "_claim_all", unrecorded)
    assert "lost or doubled" in str(caught(record_after))


def test_tiles_before_the_commit_fork() -> None:
    def publish_first(log: Log | None, batch: list[Recordable], nonce: Callable[[], str]) -> Steps[Log]:
        known = yield from audit_log.current(log, lambda: KEY)
        body = segments.encode(known.size, nonce(), known.last, [each.data for each in batch])
        yield from audit_tree.publish(known.followed_by(segments.parse(body)), KEY)
        return (yield from audit_log.record(known, batch, lambda: KEY, nonce))

    assert caught(publish_first) is not None


def test_a_mutable_head_forks() -> None:
    def by_head(log: Log | None, batch: list[Recordable], nonce: Callable[[], str]) -> Steps[Log]:
        known = log or Log()
        while True:
            head = yield Read("head")
            size = int(head.body) if head else 0
            known = yield from _read_to(size)
            fresh = [each.data for each in batch if each.data not in known.pending]
            if not fresh:
                return known
            body = segments.encode(size, nonce(), known.last, fresh)
            yield Replace(segments.segment_path(size), body, (yield from _etag(segments.segment_path(size))))
            if (yield Replace("head", b"%d" % (size + len(fresh)), head.etag if head else None)):
                return known.followed_by(segments.parse(body))

    def _etag(path: str) -> Steps[str | None]:
        found = yield Read(path)
        return found.etag if found else None

    def _read_to(size: int) -> Steps[Log]:
        log = Log()
        while log.size < size:
            found = yield Read(segments.segment_path(log.size))
            log = log.followed_by(segments.parse(found.body))
        return log

    assert caught(by_head) is not None


def test_without_create_only_it_forks() -> None:
    def overwrite(schedule: Schedule) -> None:
        schedule.world.create_only = False

    assert caught(real, overwrite) is not None
