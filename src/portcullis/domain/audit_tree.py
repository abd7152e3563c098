"""The audit log before the world: what a writer knows of it, and what it publishes, derived from the segments alone."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from portcullis.domain.audit_operations import (
    Create,
    Found,
    LastBetween,
    LogDisagrees,
    Read,
    Replace,
    Sign,
    Steps,
    T,
)
from portcullis.protocol import checkpoints, notes, segments, tiles
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.notes import VerifierKey
from portcullis.protocol.segments import Segment
from portcullis.protocol.tiles import Edge

LARGEST_BATCH = 500
"""Entries in one segment. It bounds how far back the last segment of a tree can start."""
CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Log:
    """What a writer knows: the published tree, and the entries committed behind it. It may be behind the truth."""

    published: Edge = field(default_factory=Edge)
    pending: tuple[bytes, ...] = ()
    last: str = segments.FIRST
    """The digest of the last segment, which the next one names."""

    @property
    def size(self) -> int:
        """Where, as far as known, the next segment starts."""
        return self.published.size + len(self.pending)

    def followed_by(self, segment: Segment) -> "Log":
        """The log with one more committed segment."""
        if (segment.header.start, segment.header.previous) != (self.size, self.last):
            raise LogDisagrees(f"the segment at {self.size} does not follow the one before it")
        return replace(self, pending=(*self.pending, *segment.entries), last=segment.header.digest)


def load() -> Steps[Log]:
    """The log as its latest checkpoint has it. An older one, put back by somebody, is only a longer way to the end."""
    found: Found | None = yield Read(CHECKPOINT)
    if found is None:
        return Log()
    checkpoint = opened(found)
    edge = yield from reading(lambda read: tiles.load_edge(checkpoint.size, read))
    if edge.root != checkpoint.root:
        raise LogDisagrees(f"the tiles of size {checkpoint.size} do not lead to the root of the checkpoint")
    return Log(edge, (), (yield from _last_digest(checkpoint.size)))


def publish(log: Log, key: VerifierKey) -> Steps[Log]:
    """Make tiles, bundles and checkpoint of what is committed and not published, unless others have done so."""
    if not log.pending:
        return log
    growth = tiles.grow(log.published, log.pending)
    latest: Found | None = yield Read(CHECKPOINT)
    if latest is None or opened(latest).size < log.size:
        for path, body in growth.files.items():
            yield from _create_equal(path, body)
        yield from _advance(Checkpoint(key.name, log.size, growth.edge.root), key, latest)
    return replace(log, published=growth.edge, pending=())


def _advance(checkpoint: Checkpoint, key: VerifierKey, latest: Found | None) -> Steps[None]:
    """Sign the checkpoint, keep it by its size, and make it the latest unless a larger one is."""
    signature = yield Sign(checkpoint.text.encode())
    note = checkpoints.sign(checkpoint, key, lambda _message: bytes(signature))
    yield from _create_equal(f"{CHECKPOINT}/{checkpoint.size}", note)
    while latest is None or opened(latest).size < checkpoint.size:
        if (yield Replace(CHECKPOINT, note, latest.etag if latest else None)):
            return
        latest = yield Read(CHECKPOINT)


def _create_equal(path: str, body: bytes) -> Steps[None]:
    """Create an object; one that exists has to be the same."""
    if not (yield Create(path, body)):
        found: Found | None = yield Read(path)
        if found is None or found.body != body:
            raise LogDisagrees(f"{path} is not what the committed segments lead to")


def opened(found: Found) -> Checkpoint:
    """What a checkpoint says. Its signature is for those who trust nobody; here it is held against the tiles."""
    return checkpoints.parse_text(notes.parse(found.body).text)


def _last_digest(size: int) -> Steps[str]:
    """The digest of the segment that ends at ``size``."""
    if size == 0:
        return segments.FIRST
    after = segments.segment_path(max(size - LARGEST_BATCH - 1, 0)) if size > LARGEST_BATCH else "seg/"
    path: str | None = yield LastBetween(after, segments.segment_path(size))
    found: Found | None = (yield Read(path)) if path else None
    header = segments.parse_header(found.body) if found else None
    if header is None or header.end != size:
        raise LogDisagrees(f"no segment ends at {size}, where the checkpoint does")
    return header.digest


def reading(compute: Callable[[tiles.Read], T], known: dict[str, Found | None] | None = None) -> Steps[T]:
    """The result of ``compute``, with each object it reads asked for once; ``known`` is told which these were."""
    known = {} if known is None else known

    def read(path: str) -> bytes | None:
        if path not in known:
            raise _Unread(path)
        found = known[path]
        return found.body if found else None

    while True:
        try:
            return compute(read)
        except _Unread as unread:
            known[unread.path] = yield Read(unread.path)


class _Unread(Exception):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path
