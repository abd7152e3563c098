"""Published tiles and bundles, read: the edge of a tree to go on from, entries, and nodes for proofs."""

from collections.abc import Callable

from portcullis.protocol.log_errors import MissingObject
from portcullis.protocol.merkle import HASH_BYTES, Nodes, perfect_root
from portcullis.protocol.tiles import HEIGHT, WIDTH, Edge, Tile, check_tile, encode_bundle, parse_bundle

Read = Callable[[str], bytes | None]
"""The bytes at a path, or None when there is nothing."""


def load_edge(size: int, read: Read) -> Edge:
    """The edge of a published tree, read from its files; nothing is proved until its root is compared."""
    width = size % WIDTH
    bundle = encode_bundle(read_bundle(Tile(None, size // WIDTH, width), read)) if width else b""
    return Edge(size, bundle, load_rows(size, read))


def load_rows(size: int, read: Read) -> tuple[bytes, ...]:
    """The rows of the edge, which have the root, without its bundle."""
    rows: list[bytes] = []
    while nodes := size >> HEIGHT * len(rows):
        tile = Tile(len(rows), nodes // WIDTH, nodes % WIDTH)
        rows.append(read_tile(tile, read) if tile.width else b"")
    return tuple(rows)


def read_tile(tile: Tile, read: Read) -> bytes:
    """The hashes of a tile; those of a partial one that is no longer kept, from the full one."""
    if (data := read(tile.path)) is not None:
        return check_tile(tile, data)
    if tile.width < WIDTH and (data := read(tile.full.path)) is not None:
        return check_tile(tile.full, data)[: tile.width * HASH_BYTES]
    raise MissingObject(tile.path, "it does not exist")


def read_bundle(tile: Tile, read: Read) -> list[bytes]:
    """The entries of a bundle; those of a partial one that is no longer kept, from the full one."""
    if (data := read(tile.path)) is not None:
        return parse_bundle(data, tile.width)
    if tile.width < WIDTH and (data := read(tile.full.path)) is not None:
        return parse_bundle(data, WIDTH)[: tile.width]
    raise MissingObject(tile.path, "it does not exist")


def tile_nodes(size: int, read: Read) -> Nodes:
    """Nodes of the tree of ``size`` leaves for making proofs, from its tiles, each read once."""
    rows: dict[Tile, bytes] = {}

    def node(level: int, index: int) -> bytes:
        of_tile = level // HEIGHT
        count = 1 << level % HEIGHT
        number, at = divmod(index * count, WIDTH)
        tile = Tile(of_tile, number, min(WIDTH, (size >> HEIGHT * of_tile) - number * WIDTH))
        if tile not in rows:
            rows[tile] = read_tile(tile, read)
        return perfect_root(rows[tile][at * HASH_BYTES : (at + count) * HASH_BYTES])

    return node
