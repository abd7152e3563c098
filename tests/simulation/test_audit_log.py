"""Random schedules of crashes, races and redeliveries against the real code: nothing is lost, doubled or forked.

Each variant of the protocol that is broken on purpose is caught, or the schedules would prove little.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest

from portcullis.domain import audit_log, audit_tree
from portcullis.domain.audit_claims import Wanted
from portcullis.domain.audit_operations import (
    Claim,
    ClaimAll,
    Create,
    LogDisagrees,
    Read,
    Recordable,
    Replace,
    Standing,
    Steps,
)
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


@pytest.fixture(autouse=True)
def small_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few entries are enough for several claiming writes to one item, of which one may be done and the next not."""
    monkeypatch.setattr(audit_log, "MOST_AT_ONCE", 2)


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


def roomy(schedule: Schedule) -> None:
    """No item is ever full, so that nothing but the variant itself goes wrong."""
    schedule.world.full = 200


def test_a_mark_before_the_commit_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    def marked(mine: Claim, wanted: dict[str, Wanted]) -> Steps[Segment | None]:
        for name, each in list(wanted.items()):
            if (yield ClaimAll(each.item, mine, {name: None})) is not None:
                del wanted[name]
        return None

    monkeypatch.setattr(audit_log, "_claim_all", marked)
    assert "lost or doubled" in str(caught(real, roomy))


def test_claims_without_their_condition_double() -> None:
    class Unconditional(World):
        def claim(self, wanted: ClaimAll) -> Standing | None:
            self.claims.setdefault(wanted.item, {}).update(dict.fromkeys(wanted.over, wanted.claim))
            return None

    assert "lost or doubled" in str(caught(real, lambda schedule: setattr(schedule, "world", Unconditional())))


def test_claims_that_are_done_in_part_double() -> None:
    class Partial(World):
        def claim(self, wanted: ClaimAll) -> Standing | None:
            done = [
                super(Partial, self).claim(ClaimAll(wanted.item, wanted.claim, {n: o})) for n, o in wanted.over.items()
            ]
            return None if None in done else done[0]

    assert "lost or doubled" in str(caught(real, lambda schedule: setattr(schedule, "world", Partial())))


def test_an_item_that_is_full_only_for_large_writes_doubles() -> None:
    class Fitting(World):
        def claim(self, wanted: ClaimAll) -> Standing | None:
            held, new = self.claims.get(wanted.item, {}), list(wanted.over.values()).count(None)
            if new and len(held) < self.full < len(held) + new:
                return Standing(dict(held), full=True)
            return super().claim(wanted)

    assert "lost or doubled" in str(caught(real, lambda schedule: setattr(schedule, "world", Fitting(full=2))))


def test_a_failed_write_taken_for_done_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(mine: Claim, wanted: dict[str, Wanted]) -> Steps[Segment | None]:
        while some := audit_log._unclaimed(mine, wanted):
            yield ClaimAll(some[0].item, mine, {each.name: each.claim for each in some})
            for each in some:
                each.claim = mine
        return None

    monkeypatch.setattr(audit_log, "_claim_all", taken)
    assert "lost or doubled" in str(caught(real))


def test_a_claim_taken_over_unseen_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    def trust(_mine: Claim, others: list[tuple[Wanted, Claim]], *_: Any) -> Steps[None]:
        for each, holder in others:
            each.claim = holder
        yield from ()

    monkeypatch.setattr(audit_log, "_look_into", trust)
    assert "lost or doubled" in str(caught(real))


def test_learning_of_claims_without_looking_into_them_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    held_by_others = audit_log._held_by_others

    def learned(*known: Any) -> list[tuple[Wanted, Claim]]:
        others = held_by_others(*known)
        for each, holder in others:
            each.claim = holder  # which stays known when the attempt ends here, with the segment ahead
        return others

    monkeypatch.setattr(audit_log, "_held_by_others", learned)
    assert "lost or doubled" in str(caught(real))


def test_without_renewal_what_is_published_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_tree, "renew", lambda *_: iter(()))
    assert ".p/" in str(caught(real))


def test_a_record_only_after_the_commit_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    def unrecorded(_mine: Claim, wanted: dict[str, Wanted]) -> Steps[Segment | None]:
        for name in list(wanted):
            if (yield Read(f"recorded/{name}")):
                del wanted[name]
        return None

    def record_after(log: Log | None, batch: list[Recordable], nonce: Callable[[], str]) -> Steps[Log]:
        known = yield from audit_log.record(log, batch, lambda: KEY, nonce)
        for each in batch:
            yield Create(f"recorded/{Wanted(each).name}", b"")
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
