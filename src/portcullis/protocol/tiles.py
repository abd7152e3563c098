"""The files of a log as C2SP tlog-tiles lays them out: hash tiles of 256 hashes, and bundles of 256 entries.

``tile/<L>/<N>`` holds the hashes of tree level 8 * L, ``tile/entries/<N>`` the entries; what is not full yet ends in
``.p/<W>``. A full file never changes; a partial one never does either, for its name tells how much of it there is.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portcullis.protocol.log_errors import MalformedTile
from portcullis.protocol.merkle import HASH_BYTES, Frontier, leaf_row, perfect_root

HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH_BYTES
MAX_ENTRY_BYTES = 0xFFFF
MAX_LEVEL = 7
"""No tree of fewer than 2**63 leaves has a tile of a higher level."""

_PATH = re.compile(r"tile/(entries|[0-7])/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tile:
    """One file: of hashes, or of entries when ``level`` is None."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies."""
        kind = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{kind}/{_index_path(self.index)}{partial}"

    @property
    def full(self) -> "Tile":
        """The same tile once it is complete."""
        return Tile(self.level, self.index)


def parse_path(path: str) -> Tile:
    """The tile at a path, or MalformedTile."""
    match = _PATH.fullmatch(path)
    if match:
        digits = match[2].replace("x", "").replace("/", "") + match[3]
        tile = Tile(None if match[1] == "entries" else int(match[1]), int(digits), int(match[4] or WIDTH))
        if tile.path == path:
            return tile
    raise MalformedTile("path", "expected tile/<0-7 or entries>/<index>, with .p/<1-255> when it is partial")


def next_bundles(path: str, size: int, most: int) -> list[str]:
    """What whoever reads bundles in their order reads after the full one at ``path``: up to ``most`` full ones."""
    if not path.startswith("tile/entries/") or ".p/" in path:
        return []
    following = parse_path(path).index + 1
    return [Tile(None, index).path for index in range(following, min(following + most, size // WIDTH))]


def is_passing(path: str) -> bool:
    """Whether a file is one that an edge has as passing. Those of higher levels are few, and lead to the edge."""
    return path.startswith(("tile/entries/", "tile/0/")) and ".p/" in path


def tiles_between(old: int, new: int) -> list[Tile]:
    """What a growth from ``old`` to ``new`` leaves publishes; from 0, all that a tree of ``new`` has."""
    return [*_grown(None, old, new), *(tile for level in range(MAX_LEVEL + 1) for tile in _grown(level, old, new))]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries one after the other, each after its length in two bytes, big-endian."""
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise MalformedTile("bundle", f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """The ``width`` entries of a bundle, or MalformedTile."""
    entries: list[bytes] = []
    at = 0
    try:
        for _ in range(width):
            start = at + 2
            at = start + (data[at] << 8 | data[at + 1])
            entries.append(data[start:at])
    except IndexError:
        at = len(data) + 1
    if at > len(data):
        raise MalformedTile("bundle", f"it ends within one of its {width} entries")
    if at < len(data):
        raise MalformedTile("bundle", f"{len(data) - at} bytes follow the last of its {width} entries")
    return entries


def check_tile(tile: Tile, data: bytes) -> bytes:
    """The bytes of a hash tile if there are as many as its name says, or MalformedTile."""
    if len(data) != tile.width * HASH_BYTES:
        raise MalformedTile(tile.path, f"expected {tile.width} hashes of {HASH_BYTES} bytes, found {len(data)} bytes")
    return data


@dataclass(frozen=True, slots=True)
class Edge:
    """All that is needed to publish more: what the partial bundle and the partial tile of each level hold."""

    size: int = 0
    bundle: bytes = b""
    rows: tuple[bytes, ...] = ()

    @property
    def frontier(self) -> Frontier:
        """The perfect subtrees, whose fold is the root."""
        return Frontier(self.size, tuple(part for row in reversed(self.rows) for part in _perfect_parts(row)))

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return self.frontier.root()

    @property
    def passing(self) -> dict[str, bytes]:
        """The partial bundle and the partial tile of its hashes, if there are any: what most growth replaces."""
        width = self.size % WIDTH
        number = self.size // WIDTH
        return {Tile(None, number, width).path: self.bundle, Tile(0, number, width).path: self.rows[0]} if width else {}


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending entries leads to: the new edge, and the files to publish, by path."""

    edge: Edge
    files: dict[str, bytes]


def grow(edge: Edge, entries: Sequence[bytes]) -> Growth:
    """Append entries. The files are those of ``tiles_between`` the old and the new size."""
    files: dict[str, bytes] = {}
    bundle = _grow_bundles(edge, entries, files)
    added = leaf_row(entries)
    rows: list[bytes] = []
    while added or len(rows) < len(edge.rows):
        level = len(rows)
        old = edge.rows[level] if level < len(edge.rows) else b""
        rest, above = _grow_row(level, edge.size, old, added, files)
        rows.append(rest)
        added = above
    return Growth(Edge(edge.size + len(entries), bundle, tuple(rows)), files)


def _grow_bundles(edge: Edge, entries: Sequence[bytes], files: dict[str, bytes]) -> bytes:
    """Add the bundles that the entries make to ``files``; the partial one is what is returned."""
    bundle, number, width = edge.bundle, edge.size // WIDTH, edge.size % WIDTH
    at = 0
    while at < len(entries):
        taken = entries[at : at + WIDTH - width]
        at, width = at + len(taken), width + len(taken)
        bundle += encode_bundle(taken)
        files[Tile(None, number, width).path] = bundle
        if width == WIDTH:
            bundle, number, width = b"", number + 1, 0
    return bundle


def _grow_row(level: int, size: int, row: bytes, added: bytes, files: dict[str, bytes]) -> tuple[bytes, bytes]:
    """Add the tiles of one level to ``files``; the partial row, and the hashes for the level above."""
    row += added
    number = size >> HEIGHT * (level + 1)
    whole = len(row) - len(row) % TILE_BYTES
    above = []
    for at in range(0, whole, TILE_BYTES):
        tile = row[at : at + TILE_BYTES]
        files[Tile(level, number + at // TILE_BYTES).path] = tile
        above.append(perfect_root(tile))
    rest = row[whole:]
    if added and rest:
        files[Tile(level, number + whole // TILE_BYTES, len(rest) // HASH_BYTES).path] = rest
    return rest, b"".join(above)


def _perfect_parts(row: bytes) -> Iterator[bytes]:
    """The roots of the perfect subtrees of a partial row, the largest first."""
    at, width = 0, len(row) // HASH_BYTES
    while width:
        part = 1 << (width.bit_length() - 1)
        yield perfect_root(row[at : at + part * HASH_BYTES])
        at, width = at + part * HASH_BYTES, width - part


def _grown(level: int | None, old: int, new: int) -> Iterator[Tile]:
    shift = HEIGHT * (level or 0)
    before, after = old >> shift, new >> shift
    if before == after:
        return
    for index in range(before // WIDTH, after // WIDTH):
        yield Tile(level, index)
    if after % WIDTH:
        yield Tile(level, after // WIDTH, after % WIDTH)


def _index_path(index: int) -> str:
    """The index in groups of three digits, all but the last after an x: 1234067 is ``x001/x234/067``."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
