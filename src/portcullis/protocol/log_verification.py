"""Verification of a whole log from its files and a verifier key: everything is derived again, nothing is believed.

1. The checkpoint is signed by the key, and kept under its size too.
2. Segments follow one another without gap or overlap, each naming the digest of the one before, up to the checkpoint.
3. Bundles hold the entries of the segments.
4. Every entry is one, and no other has its identity.
5. Tiles hold the hashes of the entries and of the tiles below.
6. The root of the entries is that of the checkpoint, and every checkpoint that is kept is one of the same tree.
7. Whatever else exists has a place in the log.
"""

from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass
from itertools import islice

from portcullis.protocol import checkpoints, notes
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_errors import MalformedLog
from portcullis.protocol.log_findings import Finding, Findings
from portcullis.protocol.merkle import HASH_BYTES, leaf_row
from portcullis.protocol.notes import Check, VerifierKey
from portcullis.protocol.segment_walk import SegmentWalk
from portcullis.protocol.tile_check import OtherWidths, TileCheck
from portcullis.protocol.tile_reading import Read
from portcullis.protocol.tiles import HEIGHT, WIDTH, Tile, parse_bundle, parse_path

LATEST = "checkpoint"

Identify = Callable[[bytes], Hashable]
"""The identity of an entry; raises MalformedLog for what is no entry."""


@dataclass(frozen=True, slots=True)
class Report:
    """The checkpoint if its signature is good, how many entries stand up to it and after it, and all that is wrong."""

    checkpoint: Checkpoint | None
    entries: int
    unpublished: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether the log is what its checkpoint says."""
        return self.checkpoint is not None and not self.findings


def checkpoint_path(size: int) -> str:
    """Where the checkpoint of one size is kept."""
    return f"{LATEST}/{size}"


def verify(
    read: Read, paths: Collection[str], key: VerifierKey, check: Check, identify: Identify | None = None
) -> Report:
    """Verify the log whose files are at ``paths``. Without ``identify``, entries may be anything."""
    return _Verification(read, frozenset(paths), identify).run(key, check)


class _Verification:
    def __init__(self, read: Read, paths: frozenset[str], identify: Identify | None) -> None:
        self._read = read
        self._paths = paths
        self._identify = identify
        self._identities: dict[Hashable, int] = {}
        self._findings = Findings()
        self._others = OtherWidths(paths)
        self._tiles = TileCheck(read, self._others, self._findings)

    def run(self, key: VerifierKey, check: Check) -> Report:
        latest = self._open(LATEST, key, check)
        if latest is None:
            return Report(None, 0, 0, tuple(self._findings))
        if self._read(checkpoint_path(latest.size)) != self._read(LATEST):
            self._findings.add(checkpoint_path(latest.size), None, "it is not the latest checkpoint")
        walk = SegmentWalk(latest.size, self._read, self._paths, self._findings)
        committed = walk.entries()
        kept = self._kept_checkpoints(latest, key, check)
        self._hash(latest.size, committed, kept)
        unpublished = sum(1 for _ in committed)
        root = self._tiles.finish()
        if root != latest.root:
            self._findings.add(LATEST, None, "its root is not that of the entries")
        self._find_strays(latest.size, latest.size + unpublished, walk.seen)
        return Report(latest, self._tiles.size, unpublished, tuple(self._findings))

    def _open(self, path: str, key: VerifierKey, check: Check) -> Checkpoint | None:
        data = self._read(path)
        if data is None:
            self._findings.add(path, None, "it does not exist")
            return None
        try:
            checkpoint = checkpoints.open_checkpoint(data, key, check)
        except MalformedLog as error:
            self._findings.add(path, None, error)
            return None
        if len(notes.parse(data).signatures) > 1:
            self._findings.add(path, None, "it carries more signatures than that of the log")
        return checkpoint

    def _kept_checkpoints(self, latest: Checkpoint, key: VerifierKey, check: Check) -> dict[int, Checkpoint]:
        kept = {}
        for path in sorted(path for path in self._paths if path.startswith(f"{LATEST}/")):
            checkpoint = self._open(path, key, check)
            if checkpoint and checkpoint_path(checkpoint.size) != path:
                self._findings.add(path, None, f"it is the checkpoint of size {checkpoint.size}")
            elif checkpoint and checkpoint.size > latest.size:
                self._findings.add(path, None, "it is larger than the latest checkpoint")
            elif checkpoint:
                kept[checkpoint.size] = checkpoint
        return kept

    def _hash(self, size: int, committed: Iterator[bytes | None], kept: dict[int, Checkpoint]) -> None:
        """Steps 3 to 6, bundle by bundle, as far as the entries are known."""
        for number in range(-(-size // WIDTH)):
            tile = Tile(None, number, min(WIDTH, size - number * WIDTH))
            entries = self._bundle(tile, list(islice(committed, tile.width)))
            if entries is None:
                return
            if self._identify:
                self._check_identities(tile, entries, self._identify)
            hashes = leaf_row(entries)
            for width in range(tile.width):
                if checkpoint := kept.get(number * WIDTH + width):
                    self._check_root(checkpoint, hashes[: width * HASH_BYTES])
            self._tiles.add(hashes)

    def _check_root(self, checkpoint: Checkpoint, hashes: bytes) -> None:
        if self._tiles.root_with(hashes) != checkpoint.root:
            path = checkpoint_path(checkpoint.size)
            self._findings.add(path, None, "its root is not that of the entries before it")

    def _bundle(self, tile: Tile, committed: list[bytes | None]) -> list[bytes] | None:
        """The entries of a bundle: from its segments or, where these cannot be read, from itself."""
        stored = self._stored(tile)
        entries = [entry for entry in committed if entry is not None]
        if stored != entries or len(entries) < tile.width:
            entries = self._merged(tile, committed, stored)
        for other in self._others.of(tile):
            width = min(other.width, tile.width)
            if (self._stored(other) or [])[:width] != entries[:width]:
                self._findings.add(other.path, tile.index * WIDTH, "its entries are not those of the segments")
        return entries if len(entries) == tile.width else None

    def _stored(self, tile: Tile) -> list[bytes] | None:
        data = self._read(tile.path)
        if data is None:
            self._findings.add(tile.path, tile.index * WIDTH, "it does not exist")
            return None
        try:
            return parse_bundle(data, tile.width)
        except MalformedLog as error:
            self._findings.add(tile.path, tile.index * WIDTH, error)
            return None

    def _merged(self, tile: Tile, committed: list[bytes | None], stored: list[bytes] | None) -> list[bytes]:
        """What is known of the entries, up to the first that nobody has."""
        entries = []
        for at, entry in enumerate(committed):
            index, own = tile.index * WIDTH + at, stored[at] if stored else None
            known = own if entry is None else entry
            if known is None:
                self._findings.add(tile.path, index, "the entry is neither here nor in a segment")
                break
            if own is not None and own != known:
                self._findings.add(tile.path, index, "the entry is not that of its segment")
            entries.append(known)
        return entries

    def _check_identities(self, tile: Tile, entries: list[bytes], identify: Identify) -> None:
        for index, entry in enumerate(entries, tile.index * WIDTH):
            try:
                earlier = self._identities.setdefault(identify(entry), index)
            except MalformedLog as error:
                self._findings.add(tile.path, index, error)
                continue
            if earlier != index:
                self._findings.add(tile.path, index, f"it is the same event as entry {earlier}")

    def _find_strays(self, size: int, committed: int, seen: set[str]) -> None:
        for path in sorted(self._paths - seen - {LATEST}):
            if not path.startswith(f"{LATEST}/") and not _has_a_place(path, max(size, committed)):
                self._findings.add(path, None, "it has no place in this log")


def _has_a_place(path: str, size: int) -> bool:
    """Whether a tree of ``size`` has, or had while it grew, the tile at ``path``."""
    try:
        tile = parse_path(path)
    except MalformedLog:
        return False
    return tile.index * WIDTH + tile.width <= size >> HEIGHT * (tile.level or 0)
