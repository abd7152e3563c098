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
from portcullis.protocol import checkpoints, notes, segments, tile_reading, tiles
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_errors import MissingObject
from portcullis.protocol.merkle import leaf_row
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
    edge = yield from _edge(checkpoint.size)
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


def renew(edge: Edge, before: int) -> Steps[None]:
    """Put the passing files of the tree anew that were put before an instant or are gone, so that they stay readable.

    The writer itself can do without them. Those who read the published tree cannot.
    """
    for path, body in edge.passing.items():
        found: Found | None = yield Read(path)
        if found is None or found.at < before:
            yield Replace(path, body, found.etag if found else None)


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
    header = (yield from _last_segment(size)).header
    if header.end != size:
        raise LogDisagrees(f"no segment ends at {size}, where the checkpoint does")
    return header.digest


def _last_segment(before: int) -> Steps[Segment]:
    """The last segment that starts before ``before``, where the log is known to be larger or to end."""
    after = segments.segment_path(max(before - LARGEST_BATCH - 1, 0)) if before > LARGEST_BATCH else "seg/"
    path: str | None = yield LastBetween(after, segments.segment_path(before))
    if path is None:
        raise LogDisagrees(f"no segment of at most {LARGEST_BATCH} entries reaches {before}")
    return (yield from _segment(path))


def _segment(path: str) -> Steps[Segment]:
    found: Found | None = yield Read(path)
    if found is None:
        raise LogDisagrees(f"{path} is gone")
    return segments.parse(found.body)


def _edge(size: int) -> Steps[Edge]:
    """The edge of the published tree. Passing files that are gone are made again."""
    known: dict[str, Found | None] = {}
    while True:
        try:
            return (yield from reading(lambda read: tile_reading.load_edge(size, read), known))
        except MissingObject as missing:
            if not tiles.is_passing(missing.what):
                raise
            known |= {path: Found(body, "") for path, body in (yield from _passing(size)).items()}


def _passing(size: int) -> Steps[dict[str, bytes]]:
    """The passing files of the tree of ``size``, from the segments."""
    first = size - size % tiles.WIDTH
    segment = yield from _last_segment(first + 1)
    entries = segment.entries[first - segment.header.start :]
    while segment.header.end < size:
        segment = yield from _segment(segments.segment_path(segment.header.end))
        entries += segment.entries
    return Edge(size, tiles.encode_bundle(entries), (leaf_row(entries),)).passing


def reading(compute: Callable[[tile_reading.Read], T], known: dict[str, Found | None] | None = None) -> Steps[T]:
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
