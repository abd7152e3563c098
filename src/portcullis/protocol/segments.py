"""Segments, the committed state of the log: one object for each batch, whose creation is the commit.

A segment is one gzip member (RFC 1952) that ``zcat`` reads. Its comment, of fixed length, is the header: format
version, start index, count, nonce of the batch, the digest of the segment before, and its own, which covers every
other byte. Its content is the entries, each after its length in two bytes, as in a bundle.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from portcullis.protocol.log_errors import MalformedLog, MalformedSegment
from portcullis.protocol.tiles import encode_bundle, parse_bundle

FIRST = "0" * 64
"""What the first segment names as the digest of the one before it."""
MAX_ENTRIES = 10_000
MAX_CONTENT_BYTES = 16 * 1024 * 1024

_MAGIC = bytes.fromhex("1f8b08100000000000ff")  # deflate; a comment follows; no time, no level, no system
_SIGNED = "portcullis segment 1 {:020d} {:05d} {} {} "
_HEADER = re.compile(rb"portcullis segment 1 (\d{20}) (\d{5}) ([0-9a-f]{32}) ([0-9a-f]{64}) ([0-9a-f]{64})\x00")
_TRAILER_BYTES = 8
DIGEST_AT = len(_MAGIC) + len(_SIGNED.format(0, 0, "0" * 32, FIRST))
HEADER_BYTES = DIGEST_AT + 64 + 1
"""How many bytes from the start of a segment hold its header."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a segment says of itself; true as far as ``digest`` is that of its bytes."""

    start: int
    count: int
    nonce: str
    previous: str
    digest: str

    @property
    def end(self) -> int:
        """The index after its last entry, at which the next segment starts."""
        return self.start + self.count


@dataclass(frozen=True, slots=True)
class Segment:
    """A header and its entries."""

    header: Header
    entries: tuple[bytes, ...]


def segment_path(start: int) -> str:
    """Where the segment that begins with entry ``start`` lies."""
    return f"seg/{start:020d}"


def encode(start: int, nonce: str, previous: str, entries: Sequence[bytes]) -> bytes:
    """The bytes of a segment; in hex, ``nonce`` is 16 random bytes and ``previous`` the digest of the one before."""
    content = encode_bundle(entries)
    if not 1 <= len(entries) <= MAX_ENTRIES or len(content) > MAX_CONTENT_BYTES:
        raise MalformedSegment("entries", f"expected 1 to {MAX_ENTRIES}, of at most {MAX_CONTENT_BYTES} bytes")
    signed = _MAGIC + _SIGNED.format(start, len(entries), nonce, previous).encode()
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = compressor.compress(content) + compressor.flush() + _trailer(content)
    data = signed + _digest(signed, body).encode() + b"\x00" + body
    parse_header(data)
    return data


def parse_header(data: bytes) -> Header:
    """The header at the start of ``data``, or MalformedSegment; its digest is not checked."""
    match = _HEADER.fullmatch(data[len(_MAGIC) : HEADER_BYTES])
    if not data.startswith(_MAGIC) or not match:
        raise MalformedSegment("header", "expected a gzip member with the comment of a segment, version 1")
    start, count, *texts = (group.decode() for group in match.groups())
    if not 1 <= int(count) <= MAX_ENTRIES:
        raise MalformedSegment("count", f"expected 1 to {MAX_ENTRIES}")
    if int(start) >= 1 << 63 or (int(start) == 0) != (texts[1] == FIRST):
        raise MalformedSegment("previous", "expected zeros in the first segment, and only there")
    return Header(int(start), int(count), *texts)


def parse(data: bytes) -> Segment:
    """The segment in ``data``, or MalformedSegment."""
    header, body = parse_header(data), data[HEADER_BYTES:]
    if _digest(data[:DIGEST_AT], body) != header.digest:
        raise MalformedSegment("digest", "it is not that of these bytes")
    content = _decompress(body)
    try:
        entries = parse_bundle(content, header.count)
    except MalformedLog as error:
        raise MalformedSegment("entries", error.why) from None
    return Segment(header, tuple(entries))


def _digest(signed: bytes, body: bytes) -> str:
    return sha256(signed + b"\x00" + body).hexdigest()


def _trailer(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(4, "little") + len(content).to_bytes(4, "little")


def _decompress(body: bytes) -> bytes:
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = decompressor.decompress(body, MAX_CONTENT_BYTES + 1)
    except zlib.error:
        raise MalformedSegment("content", "expected deflated bytes") from None
    if len(content) > MAX_CONTENT_BYTES:
        raise MalformedSegment("content", f"expected at most {MAX_CONTENT_BYTES} bytes")
    if not decompressor.eof or decompressor.unused_data != _trailer(content):
        raise MalformedSegment("content", "expected one gzip member that ends with the file")
    return content
