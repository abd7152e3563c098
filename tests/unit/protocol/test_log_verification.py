"""The verification of a whole log: every way to tamper with it is found, and where."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcullis.aws.ed25519 import verifies_bytes
from portcullis.protocol import audit_entries, checkpoints, log_verification, segments, tiles
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_verification import LATEST, Report
from tests.unit.protocol.built_log import NAME, PRIVATE, Log, built, built_of, entry, verifier_key
from tests.unit.protocol.log_mutations import COMMITTED, PUBLISHED, SECOND, Change, Place, flip

LOG = built_of([3, 250, 100, 247])
MUTATIONS = PUBLISHED | COMMITTED


def verify(log: Log) -> Report:
    return log_verification.verify(log.files.get, log.files, log.key, verifies_bytes, audit_entries.parse_identity)


def test_a_log_is_sound() -> None:
    report = verify(LOG)
    assert report.findings == ()
    assert report.sound
    assert (report.entries, report.unpublished) == (LOG.size, 0)
    assert report.checkpoint == checkpoints.open_checkpoint(LOG.files[LATEST], LOG.key, verifies_bytes)


@pytest.mark.parametrize("sizes", [[1], [256], [255, 1], [257], [256, 256], [600]])
def test_logs_of_other_sizes_are_sound(sizes: list[int]) -> None:
    assert verify(built_of(sizes)).findings == ()


def test_an_empty_log_is_sound() -> None:
    signed = checkpoints.sign(Checkpoint(NAME, 0, tiles.Edge().root), verifier_key(), PRIVATE.sign)
    assert verify(Log({LATEST: signed, "checkpoint/0": signed}, 0, verifier_key())).sound


def test_earlier_partial_files_need_not_be_kept() -> None:
    kept = {tile.path for tile in tiles.tiles_between(0, LOG.size)}
    files = {path: data for path, data in LOG.files.items() if ".p/" not in path or path in kept}
    assert len(files) < len(LOG.files)
    assert verify(replace(LOG, files=files)).sound


def test_what_is_committed_but_not_published_yet_is_counted() -> None:
    before = built_of([3, 250])
    ahead = {path: data for path, data in LOG.files.items() if not path.startswith("checkpoint")}
    report = verify(replace(before, files=before.files | ahead))
    assert report.findings == ()
    assert (report.entries, report.unpublished) == (253, 347)


@pytest.mark.parametrize(("change", "place"), MUTATIONS.values(), ids=MUTATIONS)
def test_tampering_is_found_and_located(change: Change, place: Place) -> None:
    report = verify(change(LOG))
    path, index = place(LOG)

    assert not report.sound
    found = {(finding.path if path else "", finding.entry) for finding in report.findings}
    assert (path.format(size=LOG.size), index) in found, report.findings


def test_there_are_enough_ways_to_tamper() -> None:
    assert len(PUBLISHED) >= 18


@given(st.sampled_from(sorted(LOG.files)), st.integers(0, 10**6), st.integers(0, 7))
def test_one_flipped_bit_in_any_file_is_found_in_that_file(path: str, at: int, bit: int) -> None:
    changed = bytearray(LOG.files[path])
    changed[at % len(changed)] ^= 1 << bit
    findings = verify(LOG.with_file(path, bytes(changed))).findings
    assert path in {finding.path for finding in findings}
    assert {finding.path for finding in findings} <= {path, f"checkpoint/{LOG.size}"}


@given(st.sampled_from(sorted(LOG.files)))
def test_a_file_that_is_missing_is_found_where_it_is_needed(path: str) -> None:
    kept = {tile.path for tile in tiles.tiles_between(0, LOG.size)}
    report = verify(LOG.with_file(path, None))
    earlier = ".p/" in path and path not in kept
    assert report.sound == (earlier or (path.startswith("checkpoint/") and path != f"checkpoint/{LOG.size}"))


def test_an_id_that_comes_twice_is_found() -> None:
    report = verify(built([[entry(0), entry(1)], [entry(2), entry(1)]]))
    (finding,) = report.findings
    assert (finding.entry, finding.what) == (3, "it is the same event as entry 1")


def test_an_id_may_come_again_at_another_instant() -> None:
    later = audit_entries.parse(entry(1))._replace(at="2030-01-01T00:00:00.000Z")
    assert verify(built([[entry(0), entry(1)], [audit_entries.encode(later)]])).sound


def test_an_entry_that_is_none_is_found() -> None:
    (finding,) = verify(built([[entry(0), b"{}"]])).findings
    assert finding.entry == 1
    assert "members of an entry" in finding.what


def test_an_entry_that_nobody_has_any_more_is_found() -> None:
    log = LOG.with_file(SECOND, flip(-9)(LOG.files[SECOND])).with_file("tile/entries/000", None)
    assert ("tile/entries/000", 3, "the entry is neither here nor in a segment") in verify(log).findings


def test_a_fork_is_found_by_the_checkpoint_that_was_kept() -> None:
    """Everything written anew with one entry changed, and signed: an earlier checkpoint tells."""
    forked = built([[entry(0), entry(1), entry(1000)], [entry(index) for index in range(3, 600)]])
    log = replace(forked, files=forked.files | {"checkpoint/3": LOG.files["checkpoint/3"]})
    (finding,) = verify(log).findings
    assert (finding.path, finding.what) == ("checkpoint/3", "its root is not that of the entries before it")


def test_a_checkpoint_that_is_larger_than_the_latest_is_found() -> None:
    log = LOG.with_file(LATEST, LOG.files["checkpoint/253"])
    assert ("checkpoint/600", None, "it is larger than the latest checkpoint") in verify(log).findings


def test_the_segment_that_a_checkpoint_cuts_is_found() -> None:
    edge = tiles.grow(tiles.Edge(), [entry(index) for index in range(599)]).edge
    signed = checkpoints.sign(Checkpoint(NAME, 599, edge.root), verifier_key(), PRIVATE.sign)
    log = LOG.with_file(LATEST, signed)
    last = segments.segment_path(353)
    assert (last, 599, "the checkpoint ends within it") in verify(log).findings


def test_a_broken_segment_that_is_not_published_yet_is_found() -> None:
    before = built_of([3, 250])
    path = segments.segment_path(253)
    (finding,) = verify(before.with_file(path, flip(-9)(LOG.files[path]))).findings
    assert (finding.path, finding.entry) == (path, 253)


def test_a_segment_far_away_does_not_make_the_walk_longer() -> None:
    far = segments.segment_path(2**63 - 1)
    report = verify(LOG.with_file(SECOND, b"").with_file(far, b""))
    assert {finding.path for finding in report.findings} == {SECOND, far}
