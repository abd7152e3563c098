"""Checkpoints (C2SP tlog-checkpoint): origin, size and root of a tree, in a signed note; no extension lines."""

import re
from dataclasses import dataclass

from portcullis.protocol import notes
from portcullis.protocol.log_errors import MalformedCheckpoint
from portcullis.protocol.merkle import EMPTY_ROOT, HASH_BYTES
from portcullis.protocol.notes import Check, Sign, VerifierKey, decode_base64, encode_base64

_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]+={0,2})\n", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: ``size`` entries under ``root``. The origin is the name of the key that signs."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.size < 1 << 63:
            raise MalformedCheckpoint("size", "expected a number from 0 to 2**63 - 1")
        if len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint("root", f"expected {HASH_BYTES} bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedCheckpoint("root", "expected that of the empty tree for size 0")

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


def parse_text(text: str) -> Checkpoint:
    """The checkpoint in the text of a note, or MalformedCheckpoint."""
    match = _TEXT.fullmatch(text)
    root = decode_base64(match[3]) if match else None
    if not match or root is None:
        raise MalformedCheckpoint("text", "expected three lines: origin, size in decimal, root in base64")
    return Checkpoint(match[1], int(match[2]), root)


def sign(checkpoint: Checkpoint, key: VerifierKey, signer: Sign) -> bytes:
    """The checkpoint as a signed note."""
    _check_origin(checkpoint, key)
    return notes.sign(checkpoint.text, key, signer)


def open_checkpoint(data: bytes, key: VerifierKey, check: Check) -> Checkpoint:
    """The checkpoint in a note that ``key`` signed, or MalformedLog."""
    checkpoint = parse_text(notes.open_note(data, key, check))
    _check_origin(checkpoint, key)
    return checkpoint


def _check_origin(checkpoint: Checkpoint, key: VerifierKey) -> None:
    if checkpoint.origin != key.name:
        raise MalformedCheckpoint("origin", f"expected that of the key, {key.name}")
