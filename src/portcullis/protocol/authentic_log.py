"""One tree read through its tiles: whatever is handed out was shown to belong to the root of the checkpoint."""

from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_errors import MalformedTile
from portcullis.protocol.merkle import HASH_BYTES, leaf_row, perfect_root
from portcullis.protocol.tile_reading import Read, load_rows, read_bundle, read_tile
from portcullis.protocol.tiles import HEIGHT, WIDTH, Edge, Tile


class AuthenticLog:
    """The log of a checkpoint whose signature was checked. Every method raises MalformedLog with the file at fault."""

    def __init__(self, checkpoint: Checkpoint, read: Read) -> None:
        self.checkpoint = checkpoint
        self.size = checkpoint.size
        self._read = read
        self._edge = load_rows(self.size, read)
        if Edge(self.size, b"", self._edge).root != checkpoint.root:
            last = Tile(0, self.size // WIDTH, self.size % WIDTH or 1)
            raise MalformedTile(last.path, "it and the partial tiles above do not lead to the root of the checkpoint")
        self._rows: dict[int, tuple[int, bytes]] = {}

    @property
    def bundles(self) -> int:
        """How many bundles there are."""
        return -(-self.size // WIDTH)

    def bundle(self, number: int) -> list[bytes]:
        """The entries of a bundle."""
        tile = Tile(None, number, min(WIDTH, self.size - number * WIDTH))
        try:
            entries = read_bundle(tile, self._read)
        except MalformedTile as error:
            raise MalformedTile(tile.path, error.why) from None
        hashes = leaf_row(entries)
        if tile.width == WIDTH and perfect_root(hashes) == self._hash(1, number):
            return entries
        row = self._row(0, number)
        for at in range(tile.width):
            part = slice(at * HASH_BYTES, (at + 1) * HASH_BYTES)
            if hashes[part] != row[part]:
                raise MalformedTile(tile.path, f"entry {number * WIDTH + at} is not that of the tree")
        return entries

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete node."""
        of_tile, within = divmod(level, HEIGHT)
        number, at = divmod(index << within, WIDTH)
        row = self._row(of_tile, number)
        return perfect_root(row[at * HASH_BYTES : (at + (1 << within)) * HASH_BYTES])

    def _row(self, level: int, number: int) -> bytes:
        """The hashes of a tile. The last one of each level is kept: neighbours are asked for one after the other."""
        if number == self.size >> HEIGHT * (level + 1):
            return self._edge[level]
        kept, row = self._rows.get(level, (-1, b""))
        if kept == number:
            return row
        tile = Tile(level, number)
        row = read_tile(tile, self._read)
        if perfect_root(row) != self._hash(level + 1, number):
            raise MalformedTile(tile.path, "its hashes are not those of the tree")
        self._rows[level] = (number, row)
        return row

    def _hash(self, level: int, index: int) -> bytes:
        row, at = self._row(level, index // WIDTH), index % WIDTH
        return row[at * HASH_BYTES : (at + 1) * HASH_BYTES]
