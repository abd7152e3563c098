"""Writes an export of the audit log. It reads through the tree, so that what was tampered with gives no export."""

import zipfile
from collections.abc import Callable, Iterator
from typing import IO, TypeVar

from portcullis.protocol import audit_entries
from portcullis.protocol.authentic_log import AuthenticLog
from portcullis.protocol.export_summary import Tally, summary
from portcullis.protocol.log_errors import MalformedEntry, MalformedLog
from portcullis.protocol.log_export import (
    CHECKPOINT,
    ENTRIES,
    KEY,
    LATENESS_DAYS,
    PROOF,
    SUMMARY,
    Asked,
    Proof,
    moved,
    withheld,
)
from portcullis.protocol.merkle import leaf_hash, perfect_nodes
from portcullis.protocol.notes import VerifierKey
from portcullis.protocol.tiles import WIDTH, Tile

T = TypeVar("T")
Tell = Callable[[int, int], None]
"""Is told how many entries of how many are done."""


def write(file: IO[bytes], log: AuthenticLog, note: bytes, key: VerifierKey, asked: Asked, tell: Tell) -> Proof:
    """Write the export to ``file``, which can seek. ``note`` is the log's checkpoint, signed by ``key``.

    Raises MalformedLog with the file of the log at fault; what was written until then is no export.
    """
    first, end = find_range(log, asked)
    left = tuple(log.node(*place) for place in perfect_nodes(0, first))
    right = tuple(log.node(*place) for place in perfect_nodes(end, log.size))
    proof = Proof(asked, first, end, log.size, left, right)
    tally = Tally()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in ((KEY, f"{key.text}\n".encode()), (CHECKPOINT, note), (PROOF, proof.encode())):
            archive.writestr(_member(name), data)
        with archive.open(_member(ENTRIES), "w", force_zip64=True) as lines:
            for done, (index, data) in enumerate(_entries(log, first, end), 1):
                lines.write(_line(index, data, asked, tally))
                if done % WIDTH == 0 or done == end - first:
                    tell(done, end - first)
        archive.writestr(_member(SUMMARY), summary(log.checkpoint, key, proof, tally))
    return proof


def find_range(log: AuthenticLog, asked: Asked) -> tuple[int, int]:
    """The smallest range of indices with every entry in the time asked for, by the rule that the summary states."""
    before, after = moved(asked.since, -LATENESS_DAYS), moved(asked.until, LATENESS_DAYS)
    low = _first_bundle(log, 0, lambda times: max(times) >= before)
    high = _first_bundle(log, low, lambda times: min(times) >= after)
    first = end = stop = min(high * WIDTH, log.size)
    for index, data in _entries(log, low * WIDTH, stop):
        if asked.holds(_of(index, data, audit_entries.parse_at)):
            first, end = min(first, index), index + 1
    return first, end


def _first_bundle(log: AuthenticLog, low: int, late_enough: Callable[[list[str]], bool]) -> int:
    """By bisection: the number of a bundle that is late enough, while the one before it is not."""
    high = log.bundles
    while low < high:
        middle = (low + high) // 2
        entries = _entries(log, middle * WIDTH, min((middle + 1) * WIDTH, log.size))
        times = [_of(index, data, audit_entries.parse_at) for index, data in entries]
        low, high = (low, middle) if late_enough(times) else (middle + 1, high)
    return low


def _entries(log: AuthenticLog, first: int, end: int) -> Iterator[tuple[int, bytes]]:
    for number in range(first // WIDTH, -(-end // WIDTH)):
        for index, data in enumerate(log.bundle(number), number * WIDTH):
            if first <= index < end:
                yield index, data


def _of(index: int, data: bytes, parse: Callable[[bytes], T]) -> T:
    """What ``parse`` reads of an entry, or MalformedLog with the file that it is in."""
    try:
        return parse(data)
    except MalformedEntry as error:
        raise MalformedLog(Tile(None, index // WIDTH).path, f"entry {index}: {error}") from None


def _line(index: int, data: bytes, asked: Asked, tally: Tally) -> bytes:
    """Of what is withheld, only the beginning is parsed."""
    if asked.agent in (None, _of(index, data, audit_entries.parse_agent)):
        tally.add(_of(index, data, audit_entries.parse))
        return data + b"\n"
    tally.withheld += 1
    return withheld(leaf_hash(data)) + b"\n"


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system, member.external_attr = 3, 0o600 << 16
    return member
