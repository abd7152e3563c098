"""Tiles and bundles: what a growth publishes, reading a tree back through them, and strict forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.protocol import merkle, tile_reading, tiles
from portcullis.protocol.log_errors import MalformedTile, MissingObject
from portcullis.protocol.tiles import Edge, Growth, Tile

ENTRIES = [f"entry {index}".encode() for index in range(70_000)]
HASHES = [merkle.leaf_hash(entry) for entry in ENTRIES]
SMALL, LARGE = 700, len(ENTRIES)
growths = st.lists(st.integers(0, 300), max_size=6)


def grown(steps: list[int]) -> Growth:
    """A log that grew in these steps, with all the files that were published."""
    edge, files = Edge(), dict[str, bytes]()
    for step in steps:
        growth = tiles.grow(edge, ENTRIES[edge.size : edge.size + step])
        assert files.keys().isdisjoint(growth.files), "what is published is never written again"
        edge, files = growth.edge, files | growth.files
    return Growth(edge, files)


@pytest.fixture(scope="module")
def large() -> Growth:
    return grown([LARGE])


@given(growths)
def test_a_growth_publishes_the_tiles_of_the_final_size_and_partial_ones(steps: list[int]) -> None:
    growth, at_once = grown(steps), grown([sum(steps)])

    assert growth.edge == at_once.edge
    assert {path: growth.files[path] for path in at_once.files} == at_once.files
    assert set(at_once.files) == {tile.path for tile in tiles.tiles_between(0, sum(steps))}
    assert all(tiles.parse_path(path).width < tiles.WIDTH for path in growth.files.keys() - at_once.files.keys())


@given(st.integers(0, SMALL), st.integers(0, SMALL))
def test_one_growth_publishes_what_lies_between_two_sizes(old: int, step: int) -> None:
    growth = tiles.grow(grown([old]).edge, ENTRIES[old : old + step])
    assert list(growth.files) == [tile.path for tile in tiles.tiles_between(old, old + step)]


@given(growths)
def test_roots(steps: list[int]) -> None:
    edge = grown(steps).edge
    assert edge.frontier == merkle.Frontier().extend(HASHES[: edge.size])
    assert edge.root == edge.frontier.root()


@given(growths)
def test_a_tree_is_read_back_from_its_tiles_alone(steps: list[int]) -> None:
    growth = grown(steps)
    size = growth.edge.size
    assert tile_reading.load_edge(size, growth.files.get) == growth.edge
    assert merkle.root(size, tile_reading.tile_nodes(size, growth.files.get)) == growth.edge.root


@pytest.mark.parametrize("size", [255, 256, 257, 65_535, 65_536, 65_537, LARGE])
def test_the_sizes_at_which_levels_begin(size: int, large: Growth) -> None:
    growth = grown([size])
    assert tile_reading.load_edge(size, growth.files.get) == growth.edge
    assert growth.edge.frontier == merkle.Frontier().extend(HASHES[:size])
    proof = merkle.consistency_proof(size, LARGE, tile_reading.tile_nodes(LARGE, large.files.get))
    assert merkle.verify_consistency(size, LARGE, proof, growth.edge.root, large.edge.root)


@given(st.integers(0, LARGE - 1))
def test_proofs_from_tiles(large: Growth, index: int) -> None:
    proof = merkle.inclusion_proof(index, LARGE, tile_reading.tile_nodes(LARGE, large.files.get))
    assert merkle.verify_inclusion(HASHES[index], index, LARGE, proof, large.edge.root)


def test_partial_tiles_that_are_not_kept_are_read_from_full_ones() -> None:
    growth = grown([300, 300])
    kept = {tile.path for tile in tiles.tiles_between(0, 600)}
    files = {path: data for path, data in growth.files.items() if path in kept}
    assert "tile/0/001.p/44" not in files
    before = tile_reading.load_edge(300, {**files, "tile/1/000.p/1": growth.files["tile/1/000.p/1"]}.get)
    assert before == grown([300]).edge


def test_what_is_missing_is_named() -> None:
    files = dict(grown([300]).files)
    del files["tile/0/000"]
    with pytest.raises(MissingObject, match="tile/0/000"):
        merkle.inclusion_proof(3, 300, tile_reading.tile_nodes(300, files.get))
    del files["tile/entries/001.p/44"]
    with pytest.raises(MissingObject, match=r"tile/entries/001\.p/44"):
        tile_reading.load_edge(300, files.get)


@given(st.sampled_from([None, *range(8)]), st.integers(0, 10**12), st.integers(1, 256))
def test_paths_are_read_back(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert tiles.parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/0/001/x002",
        "tile/00/001",
        "tile/8/001",
        "tile/entries/001.p/0",
        "tile/entries/001.p/256",
        "tile/entries/001.p/05",
        "tile/0/001/",
        "/tile/0/001",
        "tile/0/001\n",
        "tile/0/\u0660\u0660\u0661",
        "tile/entries/-01",
    ],
)
def test_another_path_is_refused(path: str) -> None:
    with pytest.raises(MalformedTile, match="path"):
        tiles.parse_path(path)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_bundles_are_read_back(entries: list[bytes]) -> None:
    data = tiles.encode_bundle(entries)
    assert tiles.parse_bundle(data, len(entries)) == entries
    for wrong in (data[:-1], data + b"\x00", b""):
        with pytest.raises(MalformedTile, match="bundle"):
            tiles.parse_bundle(wrong, len(entries))
    with pytest.raises(MalformedTile, match="ends within one"):
        tiles.parse_bundle(data, len(entries) + 1)
    with pytest.raises(MalformedTile, match="bytes follow"):
        tiles.parse_bundle(data, len(entries) - 1)


def test_the_longest_entry_fits_and_a_longer_one_does_not() -> None:
    longest = b"x" * tiles.MAX_ENTRY_BYTES
    assert tiles.parse_bundle(tiles.encode_bundle([longest]), 1) == [longest]
    with pytest.raises(MalformedTile, match="at most 65535"):
        tiles.encode_bundle([longest + b"x"])


@pytest.mark.parametrize("data", [b"", b"\x00" * 31, b"\x00" * 33, b"\x00" * 64])
def test_a_tile_of_another_length_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedTile, match="expected 1 hashes"):
        tiles.check_tile(Tile(0, 0, 1), data)
