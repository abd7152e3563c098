"""What the API says of the audit log, verified here: the signature, the inclusion of an entry, one tree in another."""

from collections.abc import Mapping
from typing import Any

from portcullis.client import ed25519
from portcullis.protocol import audit_entries, checkpoints, merkle
from portcullis.protocol.audit_entries import Entry
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.log_errors import MalformedLog
from portcullis.protocol.notes import VerifierKey, decode_base64


class Unproven(Exception):
    """The answer does not show what it should; the message says why."""


def signed(note: object, key: VerifierKey, what: str = "the checkpoint") -> Checkpoint:
    """The checkpoint in a note that ``key`` signed."""
    try:
        return checkpoints.open_checkpoint(_text(note, "checkpoint").encode(), key, ed25519.verifies)
    except MalformedLog as error:
        raise Unproven(f"{what} is not one that the key signed: {error}") from None


def included(proof: Mapping[str, Any], key: VerifierKey) -> tuple[Checkpoint, int, Entry]:
    """The checkpoint of an inclusion proof, the index and the entry that it proves."""
    checkpoint = signed(proof.get("checkpoint"), key)
    index, data = proof.get("index"), _text(proof.get("entry"), "entry").encode()
    if not isinstance(index, int):
        raise Unproven("the proof names no index")
    leaf, steps = merkle.leaf_hash(data), _hashes(proof)
    if not merkle.verify_inclusion(leaf, index, checkpoint.size, steps, checkpoint.root):
        raise Unproven(f"the proof does not lead from this entry at {index} to the root of the checkpoint")
    try:
        return checkpoint, index, audit_entries.parse(data)
    except MalformedLog as error:
        raise Unproven(f"what is in the log at {index} is no entry: {error}") from None


def consistent(old: Checkpoint, new: Checkpoint, answer: Mapping[str, Any]) -> None:
    """Unproven unless the answer proves that the new tree begins with the old one."""
    if not merkle.verify_consistency(old.size, new.size, _hashes(answer), old.root, new.root):
        raise Unproven(f"the log of {new.size} entries does not begin with the log of {old.size} that was kept: a fork")


def _hashes(answer: Mapping[str, Any]) -> list[bytes]:
    given = answer.get("hashes")
    if isinstance(given, list):
        decoded = [decode_base64(each) if isinstance(each, str) else None for each in given]
        hashes = [each for each in decoded if each is not None]
        if len(hashes) == len(given):
            return hashes
    raise Unproven("the proof is not a list of hashes in base64")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise Unproven(f"the answer has no {name}")
    return value
