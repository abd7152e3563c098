"""The audit log as it is searched: every entry once across pages, whatever the filter, the lateness and the limit."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.aws import audit_objects
from portcullis.domain import audit_reading, times
from portcullis.domain.audit_operations import Found, Read, Steps, T
from portcullis.domain.audit_reading import MARGIN, MOST_BUNDLES, SKEW, Wanted
from portcullis.domain.times import SECOND
from portcullis.protocol import audit_entries, merkle, tiles
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.ocsf import ocsf_of
from portcullis.protocol.tiles import WIDTH

EPOCH = times.parse_rfc3339("2026-01-01T00:00:00Z")
AGENTS = [f"ag_{number:022d}" for number in range(3)]
TYPES = ["transaction.approved", "transaction.denied", "price.set"]


@cache
def template(type_: str) -> str:
    """An entry, the id, instant and agent of which are to be put in."""
    entry = Entry(
        "ID", type_, times.rfc3339(0), "AGENT", None, "", None, 1, True, type_.partition(".")[2], ocsf_of(type_), {}
    )
    return audit_entries.encode(entry).decode()


def entry(number: int, at: int, rng: random.Random) -> bytes:
    made = template(rng.choice(TYPES)).replace('"ID"', f'"e{number}#1"').replace('"AGENT"', f'"{rng.choice(AGENTS)}"')
    return made.replace(times.rfc3339(0), times.rfc3339(at)).encode()


@dataclass
class Published:
    """The files of a log, with when they were put."""

    entries: list[bytes]
    files: dict[str, Found]
    reads: int = 0

    @property
    def size(self) -> int:
        return len(self.entries)

    def run(self, steps: Steps[T]) -> T:
        return audit_objects.run(steps, self._do)

    def _do(self, operation: Any) -> Found | None:
        assert isinstance(operation, Read)
        self.reads += 1
        return self.files.get(operation.path)

    def search(self, wanted: Wanted, limit: int) -> Iterator[tuple[int, bytes]]:
        """All pages, one after the other."""
        cursor: int | None = None
        while True:
            page = self.run(audit_reading.page(self.size, wanted, cursor, limit))
            assert len(page.entries) <= limit
            assert cursor is None or page.scanned_to < cursor
            yield from page.entries
            if not page.more:
                return
            cursor = page.scanned_to


def published(entries: Sequence[bytes], recorded: Sequence[int], batch: int) -> Published:
    """Commit and publish in batches; ``recorded`` tells when each entry was."""
    edge, files = tiles.Edge(), dict[str, Found]()
    for start in range(0, len(entries), batch):
        growth = tiles.grow(edge, entries[start : start + batch])
        put = recorded[min(start + batch, len(entries)) - 1] // SECOND * SECOND
        files |= {path: Found(body, "", put) for path, body in growth.files.items() if path not in files}
        edge = growth.edge
    return Published(list(entries), files)


def made(count: int, seed: int, latest: int, step: int, batch: int = 100) -> Published:
    """A log, each entry of which was recorded up to ``latest`` after it happened, one ``step`` after the other."""
    rng = random.Random(seed)
    recorded = [EPOCH + number * step for number in range(count)]
    late = [0 if rng.random() < 0.7 else rng.randint(0, latest) for _ in recorded]
    entries = [entry(number, at - late[number], rng) for number, at in enumerate(recorded)]
    return published(entries, recorded, batch)


def holds(wanted: Wanted, data: bytes) -> bool:
    """The filter, written down a second time and without haste."""
    found = audit_entries.parse(data)
    at = times.parse_rfc3339(found.at)
    return (
        wanted.agent in (None, found.agent)
        and wanted.type in (None, found.type)
        and wanted.outcome in (None, found.outcome)
        and (wanted.since is None or at >= wanted.since)
        and (wanted.until is None or at < wanted.until)
    )


spans = st.one_of(st.none(), st.floats(-0.2, 1.2))


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(0, 5 * WIDTH + 3),
    seed=st.integers(0, 1000),
    step=st.sampled_from([SECOND, 60 * SECOND, 1800 * SECOND]),
    limit=st.integers(1, 100),
    agent=st.sampled_from([None, *AGENTS]),
    type_=st.sampled_from([None, *TYPES]),
    outcome=st.sampled_from([None, "denied"]),
    since=spans,
    until=spans,
)
def test_pages_hold_every_wanted_entry_exactly_once_newest_first(
    count: int,
    seed: int,
    step: int,
    limit: int,
    agent: str | None,
    type_: str | None,
    outcome: str | None,
    since: float | None,
    until: float | None,
) -> None:
    log = made(count, seed, MARGIN, step)
    bounds = [None if each is None else EPOCH + int(each * count * step) for each in (since, until)]
    wanted = Wanted(None, agent, type_, outcome, *bounds)

    found = list(log.search(wanted, limit))

    assert found == [(index, data) for index, data in reversed([*enumerate(log.entries)]) if holds(wanted, data)]


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 4 * WIDTH), seed=st.integers(0, 1000), step=st.sampled_from([SECOND, 600 * SECOND]))
def test_an_event_is_found_by_its_id_with_and_without_its_instant(count: int, seed: int, step: int) -> None:
    log = made(count, seed, MARGIN, step)
    index = seed % count
    sought = audit_entries.parse(log.entries[index])
    for at in (times.parse_rfc3339(sought.at), times.parse_rfc3339(sought.at) + 999, None):
        hit = log.run(audit_reading.entry_of(log.size, sought.id, at, None))
        assert hit == audit_reading.Hit((index, log.entries[index]))
    wrong = times.parse_rfc3339(sought.at) + 1_000
    assert log.run(audit_reading.entry_of(log.size, sought.id, wrong, None)).entry is None


@pytest.fixture(scope="module")
def long() -> Published:
    """More bundles than one call reads, recorded in time, a second apart."""
    return made((MOST_BUNDLES + 8) * WIDTH, 1, 0, SECOND, batch=500)


def test_a_page_reads_a_bounded_part_and_says_how_far_it_got(long: Published) -> None:
    long.reads = 0
    page = long.run(audit_reading.page(long.size, Wanted(agent="ag_none"), None, 10))
    assert (page.entries, page.more) == ((), True)
    assert page.scanned_to == long.size - MOST_BUNDLES * WIDTH
    assert long.reads <= MOST_BUNDLES


def test_an_event_far_back_is_found_over_several_calls_and_at_once_with_its_instant(long: Published) -> None:
    sought = audit_entries.parse(long.entries[5])
    first = long.run(audit_reading.entry_of(long.size, sought.id, None, None))
    assert (first.entry, first.following) == (None, long.size - MOST_BUNDLES * WIDTH)
    assert long.run(audit_reading.entry_of(long.size, sought.id, None, first.following)).entry == (5, long.entries[5])

    long.reads = 0
    assert long.run(audit_reading.entry_of(long.size, sought.id, times.parse_rfc3339(sought.at), None)).entry
    assert long.reads < 12


def test_what_is_missing_ends_the_search_of_an_instant_a_day_later_at_the_most() -> None:
    days = made(12 * WIDTH, 1, 0, 600 * SECOND)  # 21 days
    days.reads = 0
    assert days.run(audit_reading.entry_of(days.size, "none#1", EPOCH, None)) == audit_reading.Hit(None)
    assert days.reads < 12


def test_an_upper_bound_leaves_out_what_is_a_day_past_it() -> None:
    days = made(12 * WIDTH, 1, 0, 600 * SECOND)
    page = days.run(audit_reading.page(days.size, Wanted(agent="ag_none", until=EPOCH + 1), None, 10))
    assert (page.scanned_to, page.more) == (0, False)
    days.reads = 0
    assert list(days.search(Wanted(until=EPOCH + 1), 10)) == [(0, days.entries[0])]
    assert days.reads < 10


def test_a_lower_bound_ends_the_search_where_things_were_put_before_it(long: Published) -> None:
    long.reads = 0
    since = EPOCH + (long.size - 10) * SECOND
    assert len(list(long.search(Wanted(since=since), 100))) == 10
    assert long.reads <= 3 + SKEW // SECOND // WIDTH


@pytest.mark.parametrize("at", [EPOCH - 400 * MARGIN, EPOCH + 400 * MARGIN])
def test_one_entry_of_a_wrong_instant_hides_no_other(at: int) -> None:
    log = made(3 * WIDTH, 1, 0, 600 * SECOND)
    recorded = [EPOCH + number * 600 * SECOND for number in range(log.size)]
    entries = [*log.entries]
    for place in (0, WIDTH, 2 * WIDTH, log.size - 1):
        entries[place] = entry(place, at, random.Random(place))
    wrong = published(entries, recorded, 100)
    middle = Wanted(since=recorded[50], until=recorded[-50])
    expected = [(index, data) for index, data in reversed([*enumerate(entries)]) if holds(middle, data)]
    assert list(wrong.search(middle, 100)) == expected


def test_the_bytes_of_a_page_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    log = made(100, 1, 0, SECOND)
    monkeypatch.setattr(audit_reading, "PAGE_BYTES", 1000)
    page = log.run(audit_reading.page(log.size, Wanted(), None, 100))
    assert 1000 < sum(len(data) for _, data in page.entries) < 1000 + len(log.entries[0]) * 2
    assert page.more
    assert list(log.search(Wanted(), 100)) == [*reversed([*enumerate(log.entries)])]


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 3 * WIDTH), picks=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_proofs_lead_to_the_roots(count: int, picks: tuple[float, float]) -> None:
    log = made(count, 1, 0, SECOND)
    index = int(picks[0] * (count - 1))
    first, second = sorted(int(each * count) for each in picks)
    hit = log.run(audit_reading.entry_at(log.size, index))
    assert hit.entry == (index, log.entries[index])
    leaf = merkle.leaf_hash(log.entries[index])
    assert merkle.verify_inclusion(
        leaf, index, count, log.run(audit_reading.inclusion(count, index)), root(log.entries)
    )
    proof = log.run(audit_reading.consistency(count, first, second))
    assert merkle.verify_consistency(first, second, proof, root(log.entries[:first]), root(log.entries[:second]))


def root(entries: list[bytes]) -> bytes:
    return merkle.Frontier().extend(map(merkle.leaf_hash, entries)).root()


def test_behind_the_end_there_is_no_entry() -> None:
    assert made(3, 1, 0, SECOND).run(audit_reading.entry_at(3, 3)) == audit_reading.Hit(None)


def test_without_a_checkpoint_the_log_is_empty() -> None:
    empty = Published([], {})
    assert empty.run(audit_reading.latest()) == audit_reading.Published()
    assert list(empty.search(Wanted(), 10)) == []
