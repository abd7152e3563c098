"""A walk over the segments of a log, which believes no more of each than can be shown."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator

from portcullis.protocol import segments
from portcullis.protocol.log_errors import MalformedLog, MalformedSegment, MissingObject
from portcullis.protocol.log_findings import Findings
from portcullis.protocol.segments import Header
from portcullis.protocol.tile_reading import Read

_PATH = re.compile(r"seg/(\d{20})", re.ASCII)


class SegmentWalk:
    """The entries that were committed: ``size`` of them, and what was committed since as far as ``paths`` tells."""

    def __init__(self, size: int, read: Read, paths: Collection[str], findings: Findings) -> None:
        self._size = size
        self._read = read
        self._starts = sorted(int(match[1]) for path in paths if (match := _PATH.fullmatch(path)))
        self._known = frozenset(self._starts)
        self._findings = findings
        self.seen: set[str] = set()

    def entries(self) -> Iterator[bytes | None]:
        """Each entry, None for one whose segment cannot be read."""
        start, previous = 0, segments.FIRST
        while start < self._size or start in self._known:
            path = segments.segment_path(start)
            self.seen.add(path)
            try:
                header, entries = self._segment(path, start)
            except MalformedLog as error:
                self._findings.add(path, start, error)
                if start >= self._size:
                    return
                following = self._following(start)
                yield from [None] * (following - start)
                start, previous = following, ""
                continue
            if previous not in ("", header.previous):
                self._findings.add(path, start, "it names another segment than the one before it")
            if start < self._size < header.end:
                self._findings.add(path, self._size, "the checkpoint ends within it")
            yield from entries
            start, previous = header.end, header.digest

    def _segment(self, path: str, start: int) -> tuple[Header, tuple[bytes, ...]]:
        data = self._read(path)
        if data is None:
            raise MissingObject(path, "it does not exist, and the next entry can begin nowhere else")
        segment = segments.parse(data)
        if segment.header.start != start:
            raise MalformedSegment("start", f"it says that it begins with entry {segment.header.start}")
        return segment.header, segment.entries

    def _following(self, start: int) -> int:
        """Where the walk goes on after a segment that cannot be read: at the next that exists, or at the checkpoint."""
        place = bisect_right(self._starts, start)
        return min(self._starts[place], self._size) if place < len(self._starts) else self._size
