"""The tiles of a log against the hashes of its entries, level by level, in one pass over the entries."""

from collections import defaultdict
from collections.abc import Iterable

from portcullis.protocol.log_errors import MalformedTile
from portcullis.protocol.log_findings import Findings
from portcullis.protocol.merkle import HASH_BYTES, perfect_root
from portcullis.protocol.tile_reading import Read
from portcullis.protocol.tiles import HEIGHT, TILE_BYTES, WIDTH, Edge, Tile, parse_path


class OtherWidths:
    """The partial files that exist beside the one that a tree of some size has, by level and index."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._tiles: dict[tuple[int | None, int], list[Tile]] = defaultdict(list)
        for path in paths:
            try:
                tile = parse_path(path)
            except MalformedTile:
                continue
            self._tiles[tile.level, tile.index].append(tile)

    def of(self, tile: Tile) -> list[Tile]:
        """Those of the same place, narrower or wider."""
        return [other for other in self._tiles.get((tile.level, tile.index), []) if other != tile]


class TileCheck:
    """Takes the leaf hashes in order and compares each tile as soon as all its hashes are known."""

    def __init__(self, read: Read, others: OtherWidths, findings: Findings) -> None:
        self._read = read
        self._others = others
        self._findings = findings
        self._rows: list[bytes] = []
        self._numbers: list[int] = []
        self.size = 0

    def add(self, hashes: bytes) -> None:
        """The hashes of the entries of one bundle."""
        self.size += len(hashes) // HASH_BYTES
        level = 0
        while hashes:
            if level == len(self._rows):
                self._rows.append(b"")
                self._numbers.append(0)
            self._rows[level] += hashes
            hashes = self._close(level) if len(self._rows[level]) == TILE_BYTES else b""
            level += 1

    def root_with(self, hashes: bytes) -> bytes:
        """The root of the tree so far and these leaf hashes, fewer than a tile has."""
        size = self.size + len(hashes) // HASH_BYTES
        return Edge(size, b"", (hashes, *self._rows[1:])).root

    def finish(self) -> bytes:
        """Compare the partial tiles at the end; the root."""
        for level, row in enumerate(self._rows):
            if row:
                self._compare(Tile(level, self._numbers[level], len(row) // HASH_BYTES), row)
        return Edge(self.size, b"", tuple(self._rows)).root

    def _close(self, level: int) -> bytes:
        row = self._rows[level]
        self._compare(Tile(level, self._numbers[level]), row)
        self._rows[level] = b""
        self._numbers[level] += 1
        return perfect_root(row)

    def _compare(self, tile: Tile, row: bytes) -> None:
        data = self._read(tile.path)
        if data != row:
            self._differs(tile, row, data)
        for other in self._others.of(tile):
            width = min(other.width, tile.width) * HASH_BYTES
            data = self._read(other.path)
            if data is None or len(data) != other.width * HASH_BYTES or data[:width] != row[:width]:
                self._differs(other, row[:width], data)

    def _differs(self, tile: Tile, row: bytes, data: bytes | None) -> None:
        first = tile.index * WIDTH
        if data is None:
            what = "it does not exist"
        elif len(data) != tile.width * HASH_BYTES:
            what = f"expected {tile.width} hashes, found {len(data)} bytes"
        else:
            place = next(at for at in range(len(row)) if data[at] != row[at]) // HASH_BYTES
            first += place
            what = f"hash {place} is not that of the entries"
        self._findings.add(tile.path, first << HEIGHT * (tile.level or 0), what)
