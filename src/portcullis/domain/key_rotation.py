"""The key that takes the place of another: what it inherits, and which public key it needs."""

from dataclasses import replace

from portcullis.domain.verification import KeyRecord
from portcullis.protocol import public_keys
from portcullis.protocol.strict_json import MalformedInput


def successor(parent: KeyRecord, key_id: str, now: int, public_key: str | None) -> KeyRecord:
    """The record of the key that replaces ``parent``: it may do the same, from the same addresses, until the same
    expiry, and begins a lineage of its own. MalformedInput when ``public_key`` does not fit."""
    return replace(
        parent,
        key_id=key_id,
        state="active",
        version=1,
        created_at=now,
        ends_at=parent.expires_at,
        public_key=_next_public_key(parent, public_key),
        parent=parent.key_id,
        successor=None,
        lineage=None,
    )


def _next_public_key(parent: KeyRecord, text: str | None) -> bytes | None:
    if parent.public_key is None and text is not None:
        raise MalformedInput("public_key", "the key has a secret, and its successor one too; leave it out")
    given = None if text is None else public_keys.parse_ed25519(text)
    if parent.public_key is not None and given in (None, parent.public_key):
        raise MalformedInput("public_key", "give that of a new key pair; the old one ends with the old key")
    return given
