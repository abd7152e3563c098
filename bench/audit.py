"""The audit log: appending, sizes, requests and dollars by batch size, verification, and a chained log to compare with.

Times are of the process, so that other programs on the machine count less; the best of several runs is what is told.
"""

import gc
import time
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from bench.audit_claims import claimed
from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import audit_entries, checkpoints, log_verification, merkle, tiles
from portcullis.protocol.log_findings import Findings
from portcullis.protocol.log_verification import LATEST, Identify
from portcullis.protocol.tile_check import OtherWidths, TileCheck
from portcullis.protocol.tiles import Edge
from tests.unit.protocol.built_log import Log, built, entry

BATCHES, RUNS = (1, 10, 100), 7
ENTRIES = 20_480
VERIFIED, ROUNDS = 5_120, 40
"""Entries of the log that is verified, twenty bundles, and how often; the short runs find the quiet moments."""
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
    """Entries verified per second of one core, how thoroughly, and as a share of what the hashes alone allow."""

    what: str
    per_second: float
    share: float


def append() -> list[Appended]:
    """Each size of batch."""
    entries = [entry(index) for index in range(ENTRIES)]
    return [_append(entries[: APPENDED * batch], batch) for batch in BATCHES]


def payments() -> list[bytes]:
    """Entries of approved payments, the largest of the usual ones."""
    return [entry(index) for index in range(VERIFIED)]


def revocations() -> list[bytes]:
    """Entries of revoked keys, about as small as they get."""
    payments = (audit_entries.parse(entry(index)) for index in range(VERIFIED))
    data = {"actor": "arn:aws:iam::123456789012:user/anna"}
    return [
        audit_entries.encode(each._replace(type="key.revoked", outcome="revoked", txid=None, data=data))
        for each in payments
    ]


def verify(entries: list[bytes]) -> list[Verified]:
    """The hashes alone; bundles and tiles against the root, with ids and members too; all files; a chained log."""
    log, lines, inputs = built(_batches(entries, 100)), _chain(entries), _hashed(entries)
    runs = {
        "the hashes alone, in a plain loop": lambda: [sha256(data).digest() for data in inputs],
        "bundles and tiles, hashing only": lambda: _hash(log, None),
        "bundles and tiles, entries parsed": lambda: _hash(log, audit_entries.parse_identity),
        "all files, entries in every byte": lambda: _verify(log, audit_entries.checked_identity),
        "lines that carry the hash before": lambda: _verify_chain(lines),
    }
    rates = [VERIFIED / seconds for seconds in bests(runs.values(), ROUNDS)]
    return [Verified(what, rate, rate / rates[0]) for what, rate in zip(runs, rates, strict=True)]


def chained() -> float:
    """µs to append to the plain logger whose lines carry the hash of the line before."""
    entries = [entry(index) for index in range(ENTRIES)]
    return best(lambda: _chain(entries)) / ENTRIES * 1e6


def proof_hashes(size: int) -> int:
    """The hashes of the longest inclusion proof in a tree of ``size``."""
    return len(merkle.inclusion_proof(0, size, lambda _level, _index: merkle.EMPTY_ROOT))


def best(run: Callable[[], object], runs: int = RUNS) -> float:
    """Seconds of the fastest run."""
    return bests([run], runs)[0]


def bests(runs: Collection[Callable[[], object]], rounds: int) -> list[float]:
    """Seconds of the fastest run of each, made in turns, so that what disturbs one disturbs the others as well."""
    gc.disable()
    seconds = [[_seconds(run) for run in runs] for _ in range(rounds)]
    gc.enable()
    return [min(times) for times in zip(*seconds, strict=True)]


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


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


def _hashed(entries: list[bytes]) -> list[bytes]:
    """What is hashed for the tree of entries: each, and each node's two children."""
    return [b"\x00" + data for data in entries] + [b"\x01" + bytes(2 * merkle.HASH_BYTES)] * (len(entries) - 1)


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
