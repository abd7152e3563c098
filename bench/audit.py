"""The audit log: appending, sizes, requests and dollars by batch size, verification, and a chained log to compare with.

Times are of the process, so that other programs on the machine count less; the best of several runs is what is told.
"""

import gc
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from bench.audit_claims import claimed
from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import audit_entries, checkpoints, log_verification, merkle, tiles
from portcullis.protocol.audit_entries import Identity
from portcullis.protocol.log_findings import Findings
from portcullis.protocol.log_verification import LATEST, Identify
from portcullis.protocol.tile_check import OtherWidths, TileCheck
from portcullis.protocol.tiles import Edge
from tests.unit.protocol.built_log import Log, built, entry

BATCHES, RUNS = (1, 10, 100), 7
ENTRIES = 20_480
APPENDED = 1_024
"""Batches that are appended: with batches of one entry, earlier partial files are most of a log."""
MILLION = 1_000_000

PUT_DOLLARS = 0.005 / 1_000
"""Dollars per S3 PUT; reads, at a twelfth of that, are left out, for a warm writer reads nothing."""
GIGABYTE_MONTH_DOLLARS = 0.023
TAG_MONTH_DOLLARS = 0.0065 / 10_000
PASSING_MONTHS = 5 / 30
"""How long a partial file is kept: it expires after three days, its version goes a day later, each at a midnight."""
SIGN_DOLLARS = 0.15 / 10_000
"""Dollars per KMS signature with an asymmetric key that is not RSA 2048."""
LAMBDA_GB_SECOND_DOLLARS = 0.0000133334
LAMBDA_REQUEST_DOLLARS = 0.20 / MILLION
LAMBDA_GIGABYTES, LAMBDA_SECONDS = 0.5, 0.5
"""Assumed for each batch: 512 MB for half a second, most of it waiting for S3."""
SQS_DOLLARS = 0.40 / MILLION
"""Dollars per SQS request, of which a message takes one to send and, in tens, a tenth to receive and to delete."""
CLAIM_DOLLARS = 0.625 / MILLION
"""Dollars per write unit of DynamoDB."""


@dataclass(frozen=True, slots=True)
class Appended:
    """Appending in batches of ``batch``: time, and what is kept, per entry."""

    batch: int
    tree_us: float
    whole_us: float
    segment_bytes: float
    full_bytes: float
    partial_bytes: float
    puts: float

    @property
    def dollars(self) -> dict[str, float]:
        """Per million events, by what is paid for; storage is for a year, partial files for some days."""
        batches = MILLION / self.batch
        kept = (self.segment_bytes + self.full_bytes) * MILLION / 1e9 * GIGABYTE_MONTH_DOLLARS * 12
        partial = self.partial_bytes * MILLION / 1e9 * GIGABYTE_MONTH_DOLLARS * PASSING_MONTHS
        tags = 2 * batches * TAG_MONTH_DOLLARS * PASSING_MONTHS
        compute = LAMBDA_REQUEST_DOLLARS + LAMBDA_GIGABYTES * LAMBDA_SECONDS * LAMBDA_GB_SECOND_DOLLARS
        return {
            "S3 puts": self.puts * MILLION * PUT_DOLLARS,
            "KMS": batches * SIGN_DOLLARS,
            "Lambda": batches * compute,
            "storage": kept + partial + tags,
        }

    @property
    def delivery_dollars(self) -> float:
        """Per million events, of bringing each to the log once: its way through the queue, and its claim."""
        return MILLION * (1.2 * SQS_DOLLARS + claimed(self.batch).units * CLAIM_DOLLARS)


@dataclass(frozen=True, slots=True)
class Verified:
    """Entries verified per second of one core, and how thoroughly."""

    what: str
    per_second: float


def append() -> list[Appended]:
    """Each size of batch."""
    entries = [entry(index) for index in range(ENTRIES)]
    return [_append(entries[: APPENDED * batch], batch) for batch in BATCHES]


def verify() -> list[Verified]:
    """Bundles and tiles against the root; with the ids and members of entries read; everything that there is."""
    log = built(_batches([entry(index) for index in range(ENTRIES)], 100))
    runs = {
        "bundles and tiles, hashing only": lambda: _hash(log, None),
        "bundles and tiles, entries parsed": lambda: _hash(log, audit_entries.parse_identity),
        "all files, entries in every byte": lambda: _verify(log, _identity),
    }
    return [Verified(what, ENTRIES / best(run)) for what, run in runs.items()]


def chained() -> tuple[float, float]:
    """The plain logger whose lines carry the hash of the line before: µs to append, entries verified per second."""
    entries = [entry(index) for index in range(ENTRIES)]
    lines = _chain(entries)
    append_seconds = best(lambda: _chain(entries))
    return append_seconds / ENTRIES * 1e6, ENTRIES / best(lambda: _verify_chain(lines))


def proof_hashes(size: int) -> int:
    """The hashes of the longest inclusion proof in a tree of ``size``."""
    return len(merkle.inclusion_proof(0, size, lambda _level, _index: merkle.EMPTY_ROOT))


def best(run: Callable[[], object]) -> float:
    """Seconds of the fastest run."""
    seconds = []
    gc.disable()
    for _ in range(RUNS):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    gc.enable()
    return min(seconds)


def _append(entries: list[bytes], batch: int) -> Appended:
    batches = list(_batches(entries, batch))
    log = built(batches)
    kept = {tile.path for tile in tiles.tiles_between(0, log.size)}
    segment = sum(len(data) for path, data in log.files.items() if path.startswith("seg/"))
    full = sum(len(log.files[path]) for path in kept)
    partial = sum(len(data) for path, data in log.files.items() if path.startswith("tile/")) - full
    # The latest checkpoint is one object that is written with every batch.
    puts = len(log.files) - 1 + len(batches)
    per = len(entries)
    return Appended(
        batch,
        best(lambda: _grow(batches)) / per * 1e6,
        best(lambda: built(batches)) / per * 1e6,
        segment / per,
        full / per,
        partial / per,
        puts / per,
    )


def _batches(entries: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]


def _grow(batches: list[list[bytes]]) -> None:
    edge = Edge()
    for batch in batches:
        edge = tiles.grow(edge, batch).edge


def _hash(log: Log, identify: Identify | None) -> None:
    """What can be verified of the files that C2SP specifies, without the segments."""
    findings, identities = Findings(), set[Hashable]()
    check = TileCheck(log.files.get, OtherWidths(()), findings)
    for number in range(log.size // tiles.WIDTH):
        bundle = tiles.parse_bundle(log.files[tiles.Tile(None, number).path], tiles.WIDTH)
        if identify:
            identities.update(map(identify, bundle))
        check.add(merkle.leaf_row(bundle))
    signed = checkpoints.open_checkpoint(log.files[LATEST], log.key, verifies_bytes)
    if check.finish() != signed.root or findings:
        raise AssertionError(findings)


def _verify(log: Log, identify: Identify) -> None:
    report = log_verification.verify(log.files.get, log.files, log.key, verifies_bytes, identify)
    if not report.sound:
        raise AssertionError(report.findings)


def _identity(data: bytes) -> Identity:
    entry = audit_entries.parse(data)
    return Identity(entry.id, entry.at)


def _chain(entries: list[bytes]) -> list[bytes]:
    previous, lines = "0" * 64, []
    for data in entries:
        line = b'%s,"previous":"%s"}' % (data[:-1], previous.encode())
        previous = sha256(line).hexdigest()
        lines.append(line)
    return lines


def _verify_chain(lines: list[bytes]) -> None:
    previous = "0" * 64
    for line in lines:
        if line[-66:-2] != previous.encode():
            raise AssertionError(line)
        previous = sha256(line).hexdigest()
