"""The published audit log as it is searched and proved from: bundles, tiles and checkpoint, each step bounded.

Entries stand in the order in which they were recorded, which is nearly that in which they happened. Two rules let a
search leave out what it need not read:

- What lies in an object happened before the object was put, give or take SKEW. That ends a search for what happened
  ``since``, and holds for every entry that does not claim to come from the future.
- An entry is recorded at most MARGIN after it happened. So a full bundle, all of which happened more than MARGIN after
  ``until``, has nothing of before ``until`` behind it. An entry that came later than that (out of the dead letters,
  say) is found without ``until``, or with one that much later. It never hides another.
"""

from dataclasses import dataclass

from portcullis.domain import times
from portcullis.domain.audit_operations import Found, Read, Steps
from portcullis.domain.audit_tree import CHECKPOINT, opened, reading
from portcullis.protocol import audit_entries, merkle, tile_reading
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.tiles import WIDTH, Tile

MARGIN = times.DAY
SKEW = 300 * times.SECOND
MOST_BUNDLES = 64
MOST_BYTES = 32 * 1024 * 1024
"""Of bundles that one call looks through, after it has found where to begin."""
PAGE_BYTES = 1024 * 1024
"""Of entries in one answer, but for the last of them."""


@dataclass(frozen=True, slots=True)
class Published:
    """The latest checkpoint: the signed note, and the size that it says; without a note, the empty log."""

    note: bytes | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for: entries in which every field that is given holds. ``until`` itself is outside."""

    id: str | None = None
    agent: str | None = None
    type: str | None = None
    outcome: str | None = None
    since: int | None = None
    until: int | None = None

    def found_in(self, data: bytes) -> bool:
        """Whether the entry in ``data`` is wanted. Most that are not lack the bytes, and are not parsed."""
        named = {name: value for name in ("id", "agent", "type", "outcome") if (value := getattr(self, name))}
        if any(f'"{name}":"{value}"'.encode() not in data for name, value in named.items()):
            return False
        entry = audit_entries.parse(data)
        return self._within(entry) and all(getattr(entry, name) == value for name, value in named.items())

    def _within(self, entry: Entry) -> bool:
        at = times.parse_rfc3339(entry.at)
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Page:
    """What was found, newest first, by index. Everything from ``scanned_to`` on was looked at; ``more``: there is
    something before it that was not."""

    entries: tuple[tuple[int, bytes], ...]
    scanned_to: int
    more: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """One entry by its index, None when it was not found; ``following`` is where a search goes on that is not done."""

    entry: tuple[int, bytes] | None
    following: int | None = None


@dataclass(slots=True)
class _Budget:
    bundles: int = MOST_BUNDLES
    bytes: int = MOST_BYTES

    def spend(self, bundle: "_Bundle") -> None:
        self.bundles -= 1
        self.bytes -= sum(map(len, bundle.entries))

    @property
    def left(self) -> bool:
        return self.bundles > 0 and self.bytes > 0


@dataclass(frozen=True, slots=True)
class _Bundle:
    first: int
    entries: list[bytes]
    modified: int

    @property
    def full(self) -> bool:
        return len(self.entries) == WIDTH

    def all_after(self, instant: int) -> bool:
        """Whether every entry happened after ``instant``."""
        return times.parse_rfc3339(min(map(audit_entries.parse_at, self.entries))) > instant

    def put_before(self, instant: int) -> bool:
        """Whether every entry happened before ``instant``, because it was published by then."""
        return self.modified + SKEW < instant


def latest() -> Steps[Published]:
    """The latest checkpoint. Who verifies it is who asked."""
    found: Found | None = yield Read(CHECKPOINT)
    return Published(found.body, opened(found).size) if found else Published()


def page(size: int, wanted: Wanted, before: int | None, limit: int) -> Steps[Page]:
    """Up to ``limit`` entries from the end of the first ``size``, or from ``before``, downwards."""
    place = (yield from _end_of(size, wanted.until)) if before is None else min(before, size)
    found: list[tuple[int, bytes]] = []
    taken, budget = 0, _Budget()
    while place > 0 and budget.left:
        bundle = yield from _bundle((place - 1) // WIDTH, size)
        budget.spend(bundle)
        if wanted.since is not None and bundle.put_before(wanted.since):
            return Page(tuple(found), place, more=False)
        for index in range(place - 1, bundle.first - 1, -1):
            data = bundle.entries[index - bundle.first]
            if wanted.found_in(data):
                found.append((index, data))
                taken += len(data)
                if len(found) == limit or taken > PAGE_BYTES:
                    return Page(tuple(found), index, more=index > 0)
        place = bundle.first
    return Page(tuple(found), place, more=place > 0)


def entry_at(size: int, index: int) -> Steps[Hit]:
    """The entry at an index, if the log has as many; MalformedEntry when what is there is none."""
    if index >= size:
        return Hit(None)
    bundle = yield from _bundle(index // WIDTH, size)
    data = bundle.entries[index - bundle.first]
    audit_entries.parse(data)
    return Hit((index, data))


def entry_of(size: int, event: str, at: int | None, cursor: int | None) -> Steps[Hit]:
    """The entry of an event: from where it was recorded if it came in time, or without ``at`` from the end back."""
    if at is not None:
        instant = at - at % 1_000  # entries tell milliseconds
        return (yield from _from_start(size, Wanted(event, since=instant, until=instant + 1_000), instant, cursor))
    found = yield from page(size, Wanted(event), cursor, 1)
    if found.entries:
        return Hit(found.entries[0])
    return Hit(None, found.scanned_to if found.more else None)


def inclusion(size: int, index: int) -> Steps[list[bytes]]:
    """The proof that an entry is in the tree of ``size``."""
    return (yield from reading(lambda read: merkle.inclusion_proof(index, size, tile_reading.tile_nodes(size, read))))


def consistency(size: int, first: int, second: int) -> Steps[list[bytes]]:
    """The proof that the tree of ``second`` begins with that of ``first``, from the tiles of one of ``size``."""
    return (
        yield from reading(lambda read: merkle.consistency_proof(first, second, tile_reading.tile_nodes(size, read)))
    )


def _from_start(size: int, wanted: Wanted, at: int, cursor: int | None) -> Steps[Hit]:
    """Search upwards from the first bundle that may hold what happened ``at``, up to MARGIN after it."""
    place = (yield from _start_of(size, at)) if cursor is None else cursor
    budget = _Budget()
    while place < size:
        if not budget.left:
            return Hit(None, place)
        bundle = yield from _bundle(place // WIDTH, size)
        budget.spend(bundle)
        for index, data in enumerate(bundle.entries, bundle.first):
            if wanted.found_in(data):
                return Hit((index, data))
        if bundle.full and bundle.all_after(at + MARGIN):
            break
        place = bundle.first + WIDTH
    return Hit(None)


def _start_of(size: int, at: int) -> Steps[int]:
    """The first entry of the first bundle that was not put before ``at``."""
    low, high = 0, size // WIDTH
    while low < high:
        middle = (low + high) // 2
        if (yield from _bundle(middle, size)).put_before(at):
            low = middle + 1
        else:
            high = middle
    return low * WIDTH


def _end_of(size: int, until: int | None) -> Steps[int]:
    """An index from which on nothing happened before ``until``. What is left out begins with a full bundle that was
    looked at, all of it later by MARGIN, so one entry with a wrong clock leaves out nothing."""
    low, high = 0, size // WIDTH
    while until is not None and low < high:
        middle = (low + high) // 2
        if (yield from _bundle(middle, size)).all_after(until + MARGIN):
            high = middle
        else:
            low = middle + 1
    return size if until is None or high == size // WIDTH else high * WIDTH


def _bundle(number: int, size: int) -> Steps[_Bundle]:
    tile = Tile(None, number, min(WIDTH, size - number * WIDTH))
    known: dict[str, Found | None] = {}
    entries = yield from reading(lambda read: tile_reading.read_bundle(tile, read), known)
    modified = max(found.at for found in known.values() if found)
    return _Bundle(number * WIDTH, entries, modified)
