"""Verification of an export, offline, from the file and a verifier key: everything is derived again.

1. The archive has these members and nothing else.
2. The key in it is the one that the verifier was given, and signed the checkpoint.
3. The range lies in the tree of the checkpoint, with as many hashes beside it as that takes.
4. Every line is an entry that may be shown, or a withheld one; no entry comes twice.
5. Subtrees and entries have the root of the checkpoint.
6. The range is no larger than what was asked for, and the summary is what follows from all this.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import IO

from portcullis.protocol import audit_entries, checkpoints
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.export_archive import Archive
from portcullis.protocol.export_summary import Tally, summary
from portcullis.protocol.export_writing import Tell
from portcullis.protocol.log_errors import MalformedEntry, MalformedLog
from portcullis.protocol.log_export import (
    CHECKPOINT,
    ENTRIES,
    KEY,
    PROOF,
    SUMMARY,
    Growth,
    MalformedExport,
    Proof,
    parse_proof,
    withheld_leaf,
)
from portcullis.protocol.merkle import leaf_hash, perfect_nodes
from portcullis.protocol.notes import Check, VerifierKey
from portcullis.protocol.tiles import WIDTH

Show = Callable[[Entry], object]
"""Is shown each entry that is not withheld, in order. None is to be believed before the whole file is verified."""
_DIGEST_BYTES = 12


@dataclass(frozen=True, slots=True)
class Export:
    """What a verified file shows. ``roots`` has those of the sizes that were asked for and that follow from it."""

    checkpoint: Checkpoint
    proof: Proof
    tally: Tally
    roots: dict[int, bytes]


def verify(
    file: IO[bytes],
    key: VerifierKey,
    check: Check,
    sizes: Collection[int],
    tell: Tell,
    show: Show = lambda _: None,
) -> Export:
    """Verify an export under ``key``, or MalformedExport with the first thing that is wrong and its place."""
    archive = Archive(file)
    if archive.read(KEY) != f"{key.text}\n".encode():
        raise MalformedExport(KEY, f"it is not the key that it is verified with, {key.text}")
    checkpoint = _checkpoint(archive, key, check)
    proof = parse_proof(archive.read(PROOF))
    if proof.size != checkpoint.size:
        raise MalformedExport(PROOF, f"it is of a tree of {proof.size} entries, the checkpoint of {checkpoint.size}")
    reading = _Reading(proof, frozenset(sizes), tell, show)
    reading.read(archive)
    if reading.growth.root != checkpoint.root:
        where = "" if proof.first == proof.end else f", or entries {proof.first} to {proof.end - 1} are not the log's"
        raise MalformedExport(PROOF, f"the root is not that of the checkpoint: a hash in it is wrong{where}")
    reading.check_borders()
    if archive.read(SUMMARY) != summary(checkpoint, key, proof, reading.tally):
        raise MalformedExport(SUMMARY, "it does not say what the rest of the file says")
    return Export(checkpoint, proof, reading.tally, reading.growth.roots)


def _checkpoint(archive: Archive, key: VerifierKey, check: Check) -> Checkpoint:
    try:
        return checkpoints.open_checkpoint(archive.read(CHECKPOINT), key, check)
    except MalformedExport:
        raise
    except MalformedLog as error:
        raise MalformedExport(CHECKPOINT, str(error)) from None


class _Reading:
    """One pass over the entries."""

    def __init__(self, proof: Proof, sizes: frozenset[int], tell: Tell, show: Show) -> None:
        self.growth = Growth(sizes)
        self.tally = Tally()
        self._proof = proof
        self._tell = tell
        self._show = show
        self._seen: set[bytes] = set()
        self._borders: dict[int, str] = {}

    def read(self, archive: Archive) -> None:
        proof = self._proof
        count = proof.end - proof.first
        for (level, _), node in zip(perfect_nodes(0, proof.first), proof.left, strict=True):
            self.growth.append(level, node)
        for index, line in enumerate(archive.lines(proof.first, count), proof.first):
            self.growth.append(0, self._leaf(line, index))
            if (done := index + 1 - proof.first) % WIDTH == 0 or done == count:
                self._tell(done, count)
        for (level, _), node in zip(perfect_nodes(proof.end, proof.size), proof.right, strict=True):
            self.growth.append(level, node)

    def check_borders(self) -> None:
        """Where the first or last entry is shown, it lies in the time: the range is not larger than it has to be."""
        for index, at in self._borders.items():
            if not self._proof.asked.holds(at):
                raise MalformedExport(ENTRIES, "the range begins or ends with it, outside of the time asked for", index)

    def _leaf(self, line: bytes, index: int) -> bytes:
        asked = self._proof.asked
        if (leaf := withheld_leaf(line)) is not None:
            if asked.agent is None:
                raise MalformedExport(ENTRIES, "it is withheld, in an export of every agent", index)
            self.tally.withheld += 1
            return leaf
        try:
            entry = audit_entries.parse(line)
        except MalformedEntry as error:
            raise MalformedExport(ENTRIES, str(error), index) from None
        if asked.agent not in (None, entry.agent):
            raise MalformedExport(ENTRIES, f"it is not of agent {asked.agent}", index)
        self._once(entry, index)
        if index in (self._proof.first, self._proof.end - 1):
            self._borders[index] = entry.at
        self.tally.add(entry)
        self._show(entry)
        return leaf_hash(line)

    def _once(self, entry: Entry, index: int) -> None:
        digest = sha256(f"{entry.at}{entry.id}".encode()).digest()[:_DIGEST_BYTES]
        if digest in self._seen:
            raise MalformedExport(ENTRIES, f"{entry.id} of {entry.at} stands before it already", index)
        self._seen.add(digest)
