"""Segments: read back by us and by gzip, and refused when any byte differs."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.protocol import segments, tiles
from portcullis.protocol.log_errors import MalformedSegment
from portcullis.protocol.segments import FIRST, Header

NONCE = "0123456789abcdef" * 2
ENTRIES = [f"entry {index}".encode() for index in range(5)]
DATA = segments.encode(0, NONCE, FIRST, ENTRIES)
HEADER = segments.parse_header(DATA)


def test_a_segment_is_read_back() -> None:
    assert segments.parse(DATA) == segments.Segment(HEADER, tuple(ENTRIES))
    assert Header(0, 5, NONCE, FIRST, HEADER.digest) == HEADER
    assert HEADER.end == 5
    assert segments.parse_header(DATA[: segments.HEADER_BYTES]) == HEADER


def test_gzip_reads_it_as_a_bundle() -> None:
    assert gzip.decompress(DATA) == tiles.encode_bundle(ENTRIES)


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=50), st.integers(1, 2**63 - 1))
def test_segments_are_read_back(entries: list[bytes], start: int) -> None:
    data = segments.encode(start, NONCE, HEADER.digest, entries)
    assert data == segments.encode(start, NONCE, HEADER.digest, entries)
    parsed = segments.parse(data)
    assert (parsed.header.start, parsed.header.previous, parsed.entries) == (start, HEADER.digest, tuple(entries))


@given(st.integers(0, 8 * len(DATA) - 1))
def test_one_changed_bit_is_refused(bit: int) -> None:
    changed = bytearray(DATA)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedSegment):
        segments.parse(bytes(changed))


@pytest.mark.parametrize("data", [b"", DATA[:-1], DATA + b"\x00", DATA + DATA, DATA[: segments.HEADER_BYTES]])
def test_another_length_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedSegment):
        segments.parse(data)


def rewritten(body: bytes, count: int = 5) -> bytes:
    """A segment with another content, whose digest fits."""
    head = DATA[: segments.DIGEST_AT].replace(b" 00005 ", f" {count:05d} ".encode())
    return head + segments._digest(head, body).encode() + b"\x00" + body


BODY = DATA[segments.HEADER_BYTES :]
MALFORMED = {
    "a byte after the member": rewritten(BODY + b"\x00"),
    "a second member": rewritten(BODY + DATA),
    "another checksum": rewritten(BODY[:-8] + bytes(8)),
    "no checksum": rewritten(BODY[:-8]),
    "not deflated": rewritten(b"\xff" + BODY),
    "nothing": rewritten(b""),
    "more entries than it counts": rewritten(BODY, 4),
    "fewer entries than it counts": rewritten(BODY, 6),
    "no entries": rewritten(BODY, 0),
    "too many entries": rewritten(BODY, segments.MAX_ENTRIES + 1),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_segment_is_refused_though_its_digest_fits(data: bytes) -> None:
    assert segments.parse(rewritten(BODY)).entries == tuple(ENTRIES)
    with pytest.raises(MalformedSegment):
        segments.parse(data)


def test_a_bomb_is_refused() -> None:
    bomb = gzip.compress(bytes(segments.MAX_CONTENT_BYTES + 1))[10:]
    with pytest.raises(MalformedSegment, match="at most"):
        segments.parse(rewritten(bomb))


@pytest.mark.parametrize(
    ("start", "nonce", "previous", "entries"),
    [
        (0, NONCE, FIRST, []),
        (0, NONCE, FIRST, [b""] * (segments.MAX_ENTRIES + 1)),
        (0, NONCE, FIRST, [bytes(tiles.MAX_ENTRY_BYTES)] * 257),
        (0, NONCE[1:], FIRST, ENTRIES),
        (0, NONCE.upper(), FIRST, ENTRIES),
        (0, NONCE, HEADER.digest, ENTRIES),
        (5, NONCE, FIRST, ENTRIES),
        (5, NONCE, "", ENTRIES),
        (-1, NONCE, HEADER.digest, ENTRIES),
        (2**63, NONCE, HEADER.digest, ENTRIES),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_cannot_be_a_segment_is_not_encoded(start: int, nonce: str, previous: str, entries: list[bytes]) -> None:
    with pytest.raises(MalformedSegment):
        segments.encode(start, nonce, previous, entries)


def test_paths_sort_as_their_starts() -> None:
    assert segments.segment_path(0) == "seg/00000000000000000000"
    assert segments.segment_path(99) < segments.segment_path(100) < segments.segment_path(2**63)
