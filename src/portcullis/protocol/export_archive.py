"""The ZIP file of an export, opened strictly: these members in this order and nothing else, each of bounded size."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from portcullis.protocol.log_export import ENTRIES, MEMBERS, MalformedExport

ARCHIVE = "archive"
MAX_MEMBER_BYTES = 256 * 1024
"""Of every member but the entries, whose number is known before they are read."""
MAX_LINE_BYTES = 0xFFFF
_CHUNK = 64 * 1024
_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_ZIP64_END_BYTES = 56 + 20
_MAX_DIRECTORY_BYTES = 1024
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
    OSError,
)


class Archive:
    """An opened export. MalformedExport for whatever is not as `export_writing` leaves it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        length = _check_end(file)
        with _refusing(ARCHIVE):
            self._zip = zipfile.ZipFile(file)
        members = self._zip.infolist()
        if tuple(member.orig_filename for member in members) != MEMBERS:
            raise MalformedExport(ARCHIVE, f"expected the members {', '.join(MEMBERS)}, each once and in this order")
        self._members = dict(zip(MEMBERS, members, strict=True))
        place = 0
        for name, member in self._members.items():
            place = self._end_of(name, member, place)
        if place != self._zip.start_dir or place > length:
            raise MalformedExport(ARCHIVE, "expected the members one after the other, and nothing between or after")

    def read(self, name: str) -> bytes:
        """All of a small member."""
        if self._members[name].file_size > MAX_MEMBER_BYTES:
            raise MalformedExport(name, f"expected at most {MAX_MEMBER_BYTES} bytes")
        with _refusing(name), self._zip.open(self._members[name]) as member:
            return member.read()

    def lines(self, first: int, count: int) -> Iterator[bytes]:
        """The lines of the entries, ``count`` of them, the first of which is that of entry ``first``."""
        if self._members[ENTRIES].file_size > count * (MAX_LINE_BYTES + 1):
            raise MalformedExport(ENTRIES, f"expected {count} lines of at most {MAX_LINE_BYTES} bytes")
        index, rest = first, b""
        with _refusing(ENTRIES):
            member = self._zip.open(self._members[ENTRIES])
        while chunk := _chunk(member, index):
            *lines, rest = (rest + chunk).split(b"\n")
            for at, line in enumerate((*lines, rest), index):
                if len(line) > MAX_LINE_BYTES:
                    raise MalformedExport(ENTRIES, f"expected a line of at most {MAX_LINE_BYTES} bytes", at)
            if index + len(lines) > first + count:
                raise MalformedExport(ENTRIES, f"there are more than the {count} entries of the range", first + count)
            yield from lines
            index += len(lines)
        if rest or index < first + count:
            raise MalformedExport(ENTRIES, "it is missing, or its line does not end", index)

    def _end_of(self, name: str, member: zipfile.ZipInfo, place: int) -> int:
        """Where a member that should begin at ``place`` ends."""
        plain = member.flag_bits == 0 and member.compress_type == zipfile.ZIP_DEFLATED and not member.comment
        with _refusing(name):
            self._file.seek(member.header_offset)
            local = _LOCAL.unpack(self._file.read(_LOCAL.size))
        extra = 20 if name == ENTRIES else 0
        if not plain or member.header_offset != place or local[10] != extra or local[9] != len(name):
            raise MalformedExport(name, "expected it deflated, not encrypted, without a comment, after the one before")
        return place + _LOCAL.size + len(name) + extra + member.compress_size


def _check_end(file: IO[bytes]) -> int:
    """Bounds what the library reads as the directory, which has no bound of its own; the length of the file."""
    with _refusing(ARCHIVE):
        length = file.seek(0, 2)
        file.seek(max(length - _END.size, 0))
        signature, _, _, _, count, size, start, comment = _END.unpack(file.read(_END.size))
    between = length - _END.size - start - size
    whole = between in (0, _ZIP64_END_BYTES) or start == 0xFFFFFFFF  # of more than 4 GiB, the library knows the start
    if signature != b"PK\x05\x06" or comment or count != len(MEMBERS) or size > _MAX_DIRECTORY_BYTES or not whole:
        raise MalformedExport(ARCHIVE, "expected a whole ZIP file with nothing before or after it")
    return length


def _chunk(member: IO[bytes], index: int) -> bytes:
    with _refusing(ENTRIES, index):
        return member.read(_CHUNK)


@contextmanager
def _refusing(name: str, entry: int | None = None) -> Iterator[None]:
    """The library's ways to say that a file is broken, as one."""
    try:
        yield
    except _BROKEN:
        raise MalformedExport(name, "it is damaged, or none of an export", entry) from None
