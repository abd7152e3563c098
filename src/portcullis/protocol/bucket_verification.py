"""Verification of a whole log in its bucket: its files, and that nothing was removed, replaced or left unlocked.

What was written first is what is verified, whatever lies above it: a later version or a delete marker of a file that
is created once is a finding of its own. While the log is read it may grow; `GROWING_SECONDS` say what may be half done.
"""

import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from portcullis.protocol import audit_entries, checkpoints, log_verification
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_errors import MalformedLog
from portcullis.protocol.log_verification import LATEST, Report, checkpoint_path
from portcullis.protocol.notes import Check, VerifierKey
from portcullis.protocol.tiles import WIDTH, Tile, parse_path

COMPLIANCE = "COMPLIANCE"
GROWING_SECONDS = 300
"""How long what was put after the latest checkpoint may wait for the next one."""
PARTIAL_DAYS = 1
"""A partial tile or bundle need not be locked for longer."""
_TOLERANCE_SECONDS = 60
_NUMBER = re.compile(r"checkpoint/([0-9]{1,19})", re.ASCII)


class Version(NamedTuple):
    """A version of a file, put ``at`` (unix seconds), or with ``removed`` a delete marker."""

    path: str
    version: str
    at: float
    removed: bool = False


class Stored(NamedTuple):
    """What a version holds, and how it is locked: mode, and until when (unix seconds)."""

    data: bytes
    mode: str | None
    until: float


class Finding(NamedTuple):
    """One fault: the file, and as far as it has them the version and the index of the first entry it touches."""

    path: str
    version: str | None
    entry: int | None
    what: str


class BucketReport(NamedTuple):
    """What the files say, how many of the youngest were not yet covered by a checkpoint, and all that is wrong."""

    log: Report
    versions: int
    growing: int
    findings: tuple[Finding, ...]


Fetch = Callable[[Version], Stored | None]
"""One version of a file."""


class BucketVerification:
    """One bucket: its ``versions``, as listed by path and newest first, and its default retention as mode and days."""

    def __init__(self, versions: Iterable[Version], retention: tuple[str, int] | None, now: float) -> None:
        self._mode, self._days = retention or ("", 0)
        self._findings: dict[Finding, None] = {}
        self._kept: dict[str, bytes] = {}
        self._roots: dict[int, bytes] = {}
        self._history: list[Version] = []
        self._first: dict[str, Version] = {}
        self._partials: list[list[Version]] = []
        self._count = 0
        for path, group in groupby(versions, lambda version: version.path):
            self._take(path, list(group))
        self._young = now - GROWING_SECONDS

    @property
    def order(self) -> list[Version]:
        """What is going to be fetched, about in the order in which it is."""
        again = (version for versions in self._partials for version in versions if not version.removed)
        return list(dict.fromkeys([*self._first.values(), *self._history, *again]))

    def run(self, fetch: Fetch, key: VerifierKey, check: Check, kept: Checkpoint | None = None) -> BucketReport:
        """Verify everything with the key of the log; it has to hold ``kept``, a checkpoint from before, too."""
        self._fetch = fetch
        if self._mode != COMPLIANCE:
            self._find("", None, "the bucket's default retention is not one of COMPLIANCE")
        growing = self._find_growing(key, check)
        paths = self._first.keys() - growing
        report = log_verification.verify(self._read, paths, key, check, audit_entries.checked_identity)
        for finding in report.findings:
            self._find(finding.path, None, finding.what, finding.entry)
        self._check_history(key, check)
        for versions in self._partials:
            self._check_partial(versions)
        if kept and self._roots.get(kept.size) != kept.root:
            self._find(checkpoint_path(kept.size), None, "it is missing, or not the checkpoint that was kept: a fork")
        return BucketReport(report, self._count, len(growing), tuple(self._findings))

    def _find_growing(self, key: VerifierKey, check: Check) -> set[str]:
        """What may belong to the next checkpoint, whose time is known to the second only."""
        if not self._history:
            return set()
        latest = self._history[-1]
        try:
            size = checkpoints.open_checkpoint(self._data(latest) or b"", key, check).size
        except MalformedLog:
            return set()
        young = [path for path, first in self._first.items() if first.at > self._young and first.at >= latest.at]
        larger = {path for path in young if (number := _NUMBER.fullmatch(path)) and int(number[1]) > size}
        return larger | {
            path for path in young if self._first[path].at > latest.at and path.startswith(("seg/", "tile/"))
        }

    def _take(self, path: str, versions: list[Version]) -> None:
        self._count += len(versions)
        puts = [version for version in reversed(versions) if not version.removed]
        if is_partial(path):
            self._partials.append(versions)
        else:
            for version in versions:
                if version.removed:
                    self._find(path, version.version, "a delete marker lies over it")
            for version in puts[1:] if path != LATEST else ():
                self._find(path, version.version, "it was written again, over the version that was created")
        if path == LATEST:
            self._history = puts
        if puts:
            self._first[path] = puts[-1] if path == LATEST else puts[0]

    def _read(self, path: str) -> bytes | None:
        version = self._first.get(path)
        data = self._data(version) if version else None
        if data is not None and path.startswith(f"{LATEST}/"):
            self._kept[path] = sha256(data).digest()
        return data

    def _data(self, version: Version) -> bytes | None:
        stored = self._fetch(version)
        if stored is None:
            return None
        days = min(self._days, PARTIAL_DAYS) if is_partial(version.path) else self._days
        if stored.mode != COMPLIANCE:
            held = f"in {stored.mode}" if stored.mode else "not at all"
            self._find(version.path, version.version, f"it is not locked in mode COMPLIANCE but {held}")
        elif stored.until < version.at + days * 86_400 - _TOLERANCE_SECONDS:
            locked = (stored.until - version.at) / 86_400
            self._find(version.path, version.version, f"it is locked for {locked:.1f} days instead of {days}")
        return stored.data

    def _check_history(self, key: VerifierKey, check: Check) -> None:
        """Every checkpoint that ever was the latest: signed, larger than the one before, and kept under its size."""
        size = -1
        for version in self._history:
            data = self._data(version) or b""
            try:
                checkpoint = checkpoints.open_checkpoint(data, key, check)
            except MalformedLog as error:
                self._find(LATEST, version.version, str(error))
                continue
            if checkpoint.size <= size:
                self._find(LATEST, version.version, f"its size is {checkpoint.size}, after one of {size}")
            size = max(size, checkpoint.size)
            self._roots[checkpoint.size] = checkpoint.root
            if self._kept.get(checkpoint_path(checkpoint.size)) != sha256(data).digest():
                self._find(LATEST, version.version, f"it is not what {checkpoint_path(checkpoint.size)} keeps")

    def _check_partial(self, versions: list[Version]) -> None:
        """It may be removed once there is a wider one, and come again as it was."""
        path, newest = versions[0].path, versions[0]
        tile = parse_path(path)
        wider = (Tile(tile.level, tile.index, width).path for width in range(WIDTH, tile.width, -1))
        if newest.removed and not any(each in self._first for each in wider):
            self._find(path, newest.version, "a delete marker lies over it, and there is no wider one")
        first, *again = [version for version in reversed(versions) if not version.removed] or [newest]
        for version in again:
            if self._data(version) != self._data(first):
                self._find(path, version.version, "it was written again with another content")

    def _find(self, path: str, version: str | None, what: str, entry: int | None = None) -> None:
        self._findings[Finding(path, version, entry, what)] = None


def is_partial(path: str) -> bool:
    """Whether a wider file takes the place of this one sooner or later."""
    if "/" not in path or ".p/" not in path:
        return False
    try:
        return parse_path(path).path == path
    except MalformedLog:
        return False
