"""How entries get into the audit log, and the log before the world (DESIGN 8): the steps, without any I/O.

Each function is a generator that yields what it wants of S3, DynamoDB and KMS and is sent the answers, so that one and
the same code runs against AWS and, step by step among others and through crashes, in the simulation.

1. **Claim.** Each entry's id is claimed for the segment about to be made: its start and a nonce. A claim proves nothing
   by itself. It tells where to look: the id is recorded if and only if the segment at that start holds it.
2. **Commit.** The segment is created where the log ends, on condition that nothing is there. Of racing writers one wins;
   the others read what it committed, and go on behind it with what it did not hold.
3. **Publish.** Tiles, bundles and checkpoint follow from the committed segments alone, so whoever makes them, and however
   often, makes the same bytes.

Starts only ever rise along the claims of one id, because a claim is taken over only by who has seen the log as far as
it. So before an id can be written behind a start for which it was claimed, the segment there is read, and it is final.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from portcullis.protocol import checkpoints, notes, segments, tiles
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.notes import VerifierKey
from portcullis.protocol.segments import Segment
from portcullis.protocol.tiles import Edge

ATTEMPTS = 24
MOST_PENDING = 10_000
"""How many committed entries are published at once."""
CHECKPOINT = "checkpoint"

T = TypeVar("T")


class Contended(Exception):
    """Other writers were faster at every attempt. What was to be recorded is not; try again."""


class LogDisagrees(Exception):
    """The bucket holds something else than the committed segments lead to, or misses what they promise."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object, and what names this very version of it."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Claim:
    """For which segment an id was claimed."""

    start: int
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """Answered with Found, or None when nothing is there."""

    path: str


@dataclass(frozen=True, slots=True)
class Create:
    """Put where nothing is. Answered with whether that was so."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """Put where ``etag`` is, or nothing when it is None. Answered with whether that was so."""

    path: str
    body: bytes
    etag: str | None


@dataclass(frozen=True, slots=True)
class ClaimId:
    """Put ``claim`` where ``over`` is, or nothing when it is None. Answered with the claim that stands afterwards."""

    id: str
    claim: Claim
    over: Claim | None


@dataclass(frozen=True, slots=True)
class Sign:
    """Answered with the signature."""

    message: bytes


Operation = Read | Create | Replace | ClaimId | Sign
Steps = Generator[Operation, Any, T]


@dataclass(frozen=True, slots=True)
class Recordable:
    """An encoded entry and the id of which there may be one."""

    id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """What a writer knows: the published tree, and the entries committed behind it. It may be behind the truth."""

    published: Edge = field(default_factory=Edge)
    pending: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """Where, as far as known, the next segment starts."""
        return self.published.size + len(self.pending)

    def followed_by(self, segment: Segment) -> "Log":
        """The log with one more committed segment."""
        return replace(self, pending=(*self.pending, *segment.entries))


def load() -> Steps[Log]:
    """The log as its latest checkpoint has it. An older one, put back by somebody, is only a longer way to the end."""
    found: Found | None = yield Read(CHECKPOINT)
    if found is None:
        return Log()
    checkpoint = _opened(found)
    edge = yield from _edge(checkpoint.size)
    if edge.root != checkpoint.root:
        raise LogDisagrees(f"the tiles of size {checkpoint.size} do not lead to the root of the checkpoint")
    return Log(edge)


def catch_up(log: Log) -> Steps[Log]:
    """The log with what others have committed since, up to MOST_PENDING."""
    while len(log.pending) < MOST_PENDING:
        segment = yield from _segment(log.size)
        if segment is None:
            break
        log = log.followed_by(segment)
    return log


def commit(log: Log, batch: Sequence[Recordable], nonce: Callable[[], bytes]) -> Steps[Log]:
    """Record each id of the batch that is not recorded yet, once."""
    wanted = {entry.id: entry for entry in batch}
    held: dict[str, Claim] = {}
    for _ in range(ATTEMPTS):
        mine = Claim(log.size, nonce())
        ahead = yield from _segment(log.size)
        if ahead is None:
            ahead = yield from _claim_all(mine, wanted, held)
        if ahead is None and wanted:
            segment = Segment(mine.start, mine.nonce, tuple(entry.data for entry in wanted.values()))
            created = yield Create(segments.path(mine.start), segments.encode(segment))
            ahead = segment if created else (yield from _committed(mine.start))
        if ahead is not None:
            log = log.followed_by(ahead)
            for id_ in segments.ids(ahead):
                wanted.pop(id_, None)
        if not wanted:
            return log
    raise Contended(f"{len(wanted)} entries could not be committed in {ATTEMPTS} attempts")


def _claim_all(mine: Claim, wanted: dict[str, Recordable], held: dict[str, Claim]) -> Steps[Segment | None]:
    """Claim every wanted id, forgetting those that prove recorded; the segment that meanwhile stands at the start."""
    seen: dict[int, frozenset[str]] = {}
    for id_ in list(wanted):
        over = held.get(id_)
        while (holder := (yield ClaimId(id_, mine, over))) != mine:
            if holder.start >= mine.start:
                ahead = yield from _segment(mine.start)
                if ahead is not None:
                    return ahead
                if holder.start > mine.start:
                    raise LogDisagrees(f"an entry is claimed for {holder.start}, and there is no segment {mine.start}")
            elif holder.start not in seen:
                seen[holder.start] = frozenset(segments.ids((yield from _committed(holder.start))))
            if id_ in seen.get(holder.start, ()):
                del wanted[id_]
                break
            over = holder
        else:
            held[id_] = mine
    return None


def publish(log: Log, key: VerifierKey) -> Steps[Log]:
    """Make tiles, bundles and checkpoint of what is committed and not published, unless others have done so."""
    if not log.pending:
        return log
    growth = tiles.grow(log.published, log.pending)
    latest: Found | None = yield Read(CHECKPOINT)
    if latest is None or _opened(latest).size < log.size:
        for path, body in growth.files.items():
            yield from _create_equal(path, body)
        yield from _advance(Checkpoint(key.name, log.size, growth.edge.root), key, latest)
    return Log(growth.edge)


def _advance(checkpoint: Checkpoint, key: VerifierKey, latest: Found | None) -> Steps[None]:
    """Sign the checkpoint, keep it by its size, and make it the latest unless a larger one is."""
    signature = yield Sign(checkpoint.text.encode())
    note = checkpoints.sign(checkpoint, key, lambda _message: bytes(signature))
    yield from _create_equal(f"{CHECKPOINT}/{checkpoint.size}", note)
    while latest is None or _opened(latest).size < checkpoint.size:
        if (yield Replace(CHECKPOINT, note, latest.etag if latest else None)):
            return
        latest = yield Read(CHECKPOINT)


def _create_equal(path: str, body: bytes) -> Steps[None]:
    """Create an object; one that exists has to be the same."""
    if not (yield Create(path, body)):
        found: Found | None = yield Read(path)
        if found is None or found.body != body:
            raise LogDisagrees(f"{path} is not what the committed segments lead to")


def _segment(start: int) -> Steps[Segment | None]:
    found: Found | None = yield Read(segments.path(start))
    if found is None:
        return None
    segment = segments.parse(found.body)
    if segment.start != start:
        raise LogDisagrees(f"the segment at {start} says that it starts at {segment.start}")
    return segment


def _committed(start: int) -> Steps[Segment]:
    segment = yield from _segment(start)
    if segment is None:
        raise LogDisagrees(f"the segment at {start} is gone")
    return segment


def _edge(size: int) -> Steps[Edge]:
    """The edge of the published tree, read one object after the other."""
    known: dict[str, bytes | None] = {}

    def read(path: str) -> bytes | None:
        if path not in known:
            raise _Unread(path)
        return known[path]

    while True:
        try:
            return tiles.load_edge(size, read)
        except _Unread as unread:
            found: Found | None = yield Read(unread.path)
            known[unread.path] = found.body if found else None


class _Unread(Exception):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def _opened(found: Found) -> Checkpoint:
    """What a checkpoint says. Its signature is for those who trust nobody; here it is held against the tiles."""
    return checkpoints.parse_text(notes.parse(found.body).text)
