"""A log as the writer leaves it: segments, bundles, tiles and checkpoints of batches of entries."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portcullis.protocol import audit_entries, checkpoints, segments, tiles
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_verification import LATEST, checkpoint_path
from portcullis.protocol.notes import VerifierKey
from portcullis.protocol.ocsf import ocsf_of

NAME = "audit.example.com/test"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))


def verifier_key(private: Ed25519PrivateKey = PRIVATE) -> VerifierKey:
    return VerifierKey(NAME, private.public_key().public_bytes_raw())


@dataclass(frozen=True)
class Log:
    """The files of a log, by path, and the key that a verifier is given."""

    files: dict[str, bytes]
    size: int
    key: VerifierKey

    def with_file(self, path: str, data: bytes | None) -> "Log":
        """The log with one file changed, added, or removed."""
        rest = {other: kept for other, kept in self.files.items() if other != path}
        return replace(self, files=rest if data is None else {**rest, path: data})


def entry(index: int) -> bytes:
    """An approved payment."""
    digest = sha256(str(index).encode()).hexdigest()
    agent, txid = f"ag_{index % 7:022d}", f"tx_{digest[:22]}"
    data = {
        "amount": "12.5",
        "chain": "base",
        "content_sha256": digest,
        "destination": {"wallet": f"0x{digest[24:]}"},
        "kind": "transfer",
        "policy": {"sha256": "0" * 64, "version": 1},
        "token": "USDC",
        "usd": "12.50",
    }
    return audit_entries.encode(
        Entry(
            id=f"{txid}#1",
            type="transaction.approved",
            at=f"2026-11-21T06:{index // 60 % 60:02d}:{index % 60:02d}.000Z",
            agent=agent,
            key="pk_test_03yqsuDyR1vGFhTuuRAq1b18naZX",
            ip="203.0.113.7",
            txid=txid,
            rev=1,
            verified=True,
            outcome="approved",
            ocsf=ocsf_of("transaction.approved"),
            data=data,
        )
    )


def built(batches: Iterable[list[bytes]]) -> Log:
    """Commit and publish the batches one after the other."""
    files, edge, previous = dict[str, bytes](), tiles.Edge(), segments.FIRST
    for batch in batches:
        segment = segments.encode(edge.size, f"{edge.size:032x}", previous, batch)
        files[segments.segment_path(edge.size)] = segment
        previous = segments.parse_header(segment).digest
        growth = tiles.grow(edge, batch)
        files.update(growth.files)
        edge = growth.edge
        signed = checkpoints.sign(Checkpoint(NAME, edge.size, edge.root), verifier_key(), PRIVATE.sign)
        files[checkpoint_path(edge.size)] = files[LATEST] = signed
    return Log(files, edge.size, verifier_key())


def built_of(sizes: Iterable[int]) -> Log:
    """Batches of so many payments."""
    batches, start = [], 0
    for size in sizes:
        batches.append([entry(index) for index in range(start, start + size)])
        start += size
    return built(batches)
