"""The verification of a bucket: what was removed, replaced, left unlocked or put there by somebody else is found."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import islice

import pytest

from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import checkpoints
from portcullis.protocol.bucket_verification import (
    COMPLIANCE,
    GROWING_SECONDS,
    BucketReport,
    BucketVerification,
    Finding,
    Stored,
    Version,
)
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_verification import LATEST
from tests.unit.protocol.built_log import NAME, OTHER_PRIVATE, PRIVATE, built_of, verifier_key

SIZES = [3, 250, 10]
DAYS, DAY = 30, 86_400
LOG = built_of(SIZES)
SEGMENT, PARTIAL, SUPERSEDED = "seg/00000000000000000003", "tile/0/001.p/7", "tile/0/000.p/3"
START = 1_700_000_000.0


@dataclass
class Bucket:
    """Versions by path, the oldest first, each put a second after the one before."""

    held: dict[str, list[tuple[Version, Stored]]] = field(default_factory=dict)
    clock: float = START
    retention: tuple[str, int] | None = (COMPLIANCE, DAYS)

    def put(self, path: str, data: bytes, *, mode: str | None = COMPLIANCE, days: float = DAYS) -> None:
        self.clock += 1
        kept = self.held.setdefault(path, [])
        version = Version(path, f"v{len(kept)}", self.clock)
        kept.append((version, Stored(data, mode, self.clock + days * DAY)))

    def remove(self, path: str) -> None:
        self.clock += 1
        kept = self.held.setdefault(path, [])
        kept.append((Version(path, f"m{len(kept)}", self.clock, removed=True), Stored(b"", None, 0)))

    def lock(self, path: str, mode: str | None, days: float) -> None:
        version, stored = self.held[path][0]
        self.held[path][0] = (version, Stored(stored.data, mode, version.at + days * DAY))

    def verify(self, later: float = DAY, kept: Checkpoint | None = None) -> BucketReport:
        listed = [version for path in sorted(self.held) for version, _ in reversed(self.held[path])]
        stored = dict(pair for versions in self.held.values() for pair in versions)
        verification = BucketVerification(listed, self.retention, self.clock + later)
        return verification.run(stored.__getitem__, verifier_key(), verifies_bytes, kept)


def written(sizes: list[int] = SIZES) -> Bucket:
    """As the writer leaves it, batch by batch."""
    bucket = Bucket()
    for count in range(1, len(sizes) + 1):
        log = built_of(sizes[:count])
        for path, data in log.files.items():
            if path not in bucket.held and path != LATEST:
                bucket.put(path, data)
        bucket.put(LATEST, log.files[LATEST])
    return bucket


def test_a_bucket_as_the_writer_leaves_it_is_sound() -> None:
    report = written().verify()
    assert report.findings == ()
    assert report.log.sound
    assert (report.log.entries, report.growing) == (263, 0)
    assert report.versions == len(LOG.files) + 2


def signed(size: int, root: bytes) -> bytes:
    return checkpoints.sign(Checkpoint(NAME, size, root), verifier_key(), PRIVATE.sign)


def forged(size: int) -> bytes:
    return checkpoints.sign(Checkpoint(NAME, size, bytes(32)), verifier_key(), OTHER_PRIVATE.sign)


def replaced(bucket: Bucket) -> None:
    data = bucket.held["tile/entries/000"][0][1].data
    bucket.put("tile/entries/000", data[:-1] + b"!")


FAULTS: dict[str, tuple[Callable[[Bucket], None], Finding]] = {
    "removed": (lambda b: b.remove(SEGMENT), Finding(SEGMENT, "m1", None, "a delete marker lies over it")),
    "removed, the checkpoint": (
        lambda b: b.remove(LATEST),
        Finding(LATEST, "m3", None, "a delete marker lies over it"),
    ),
    "replaced": (
        replaced,
        Finding("tile/entries/000", "v1", None, "it was written again, over the version that was created"),
    ),
    "replaced by the same": (
        lambda b: b.put(SEGMENT, LOG.files[SEGMENT]),
        Finding(SEGMENT, "v1", None, "it was written again, over the version that was created"),
    ),
    "not locked": (
        lambda b: b.lock(SEGMENT, None, 0),
        Finding(SEGMENT, "v0", None, "it is not locked in mode COMPLIANCE but not at all"),
    ),
    "locked in another mode": (
        lambda b: b.lock(LATEST, "GOVERNANCE", DAYS),
        Finding(LATEST, "v0", None, "it is not locked in mode COMPLIANCE but in GOVERNANCE"),
    ),
    "locked for less": (
        lambda b: b.lock("tile/0/000", COMPLIANCE, 2),
        Finding("tile/0/000", "v0", None, "it is locked for 2.0 days instead of 30"),
    ),
    "partial tile locked for less than a day": (
        lambda b: b.lock(PARTIAL, COMPLIANCE, 0.5),
        Finding(PARTIAL, "v0", None, "it is locked for 0.5 days instead of 1"),
    ),
    "foreign": (lambda b: b.put("notes.txt", b""), Finding("notes.txt", None, None, "it has no place in this log")),
    "foreign and partial": (
        lambda b: b.put("tile/0/900.p/3", bytes(96)),
        Finding("tile/0/900.p/3", None, None, "it has no place in this log"),
    ),
    "older checkpoint put back": (
        lambda b: b.put(LATEST, LOG.files["checkpoint/3"]),
        Finding(LATEST, "v3", None, "its size is 3, after one of 263"),
    ),
    "checkpoint of another tree": (
        lambda b: b.put(LATEST, signed(264, bytes(32))),
        Finding(LATEST, "v3", None, "it is not what checkpoint/264 keeps"),
    ),
    "last partial tile removed": (
        lambda b: b.remove(PARTIAL),
        Finding(PARTIAL, "m1", None, "a delete marker lies over it, and there is no wider one"),
    ),
    "partial tile replaced": (
        lambda b: b.put(SUPERSEDED, bytes(96)),
        Finding(SUPERSEDED, "v1", None, "it was written again with another content"),
    ),
    "no retention": (
        lambda b: setattr(b, "retention", None),
        Finding("", None, None, "the bucket's default retention is not one of COMPLIANCE"),
    ),
}


@pytest.mark.parametrize(("change", "finding"), FAULTS.values(), ids=FAULTS)
def test_what_was_done_to_a_bucket_is_found(change: Callable[[Bucket], None], finding: Finding) -> None:
    bucket = written()
    change(bucket)
    assert finding in bucket.verify().findings


def test_a_forged_checkpoint_that_was_put_back_later_is_found_in_the_history() -> None:
    bucket = written()
    bucket.put(LATEST, forged(263))
    bucket.put(LATEST, LOG.files[LATEST])
    assert [(found.path, found.version) for found in bucket.verify().findings] == [(LATEST, "v3"), (LATEST, "v4")]


def test_what_was_created_is_verified_whatever_lies_over_it() -> None:
    bucket = written()
    replaced(bucket)
    bucket.remove(SEGMENT)
    report = bucket.verify()
    assert report.log.sound
    assert {found.path for found in report.findings} == {"tile/entries/000", SEGMENT}


def test_superseded_partial_files_may_be_locked_briefly_expire_and_come_again() -> None:
    bucket = written()
    for path in (SUPERSEDED, "tile/entries/000.p/3", PARTIAL):
        bucket.lock(path, COMPLIANCE, 1)
    bucket.remove(SUPERSEDED)
    bucket.put(SUPERSEDED, LOG.files[SUPERSEDED], days=1)
    del bucket.held["tile/entries/000.p/3"][0]
    bucket.remove("tile/entries/000.p/3")
    assert bucket.verify().findings == ()


def test_the_last_partial_file_may_not_be_gone() -> None:
    bucket = written()
    del bucket.held[PARTIAL][0]
    bucket.remove(PARTIAL)
    assert Finding(PARTIAL, None, 256, "it does not exist") in bucket.verify().findings


@pytest.mark.parametrize("count", range(1, 8))
def test_a_log_that_grows_meanwhile_is_sound(count: int) -> None:
    """Some of what the next batch leads to is there, as far as the writer got."""
    bucket = written()
    growing(bucket, count)
    report = bucket.verify(later=0)
    assert report.findings == ()
    assert report.growing == count


def test_a_checkpoint_that_never_became_the_latest_is_found_after_a_while() -> None:
    bucket = written()
    growing(bucket, 7)
    expected = Finding("checkpoint/563", None, None, "it is larger than the latest checkpoint")
    assert bucket.verify(later=GROWING_SECONDS).findings == (expected,)


def growing(bucket: Bucket, count: int) -> None:
    """The first files of another batch."""
    following = {path: data for path, data in built_of([*SIZES, 300]).files.items() if path not in LOG.files}
    assert len(following) == 7
    for path, data in islice(following.items(), count):
        bucket.put(path, data)


def test_a_checkpoint_from_before_tells_a_fork() -> None:
    before = checkpoints.open_checkpoint(LOG.files["checkpoint/253"], LOG.key, verifies_bytes)
    assert written().verify(kept=before).findings == ()
    (found,) = written().verify(kept=replace(before, root=bytes(32))).findings
    assert found.path == "checkpoint/253"


def test_a_log_without_a_checkpoint_is_found() -> None:
    bucket = Bucket()
    bucket.put("seg/00000000000000000000", b"")
    assert Finding(LATEST, None, None, "it does not exist") in bucket.verify().findings
