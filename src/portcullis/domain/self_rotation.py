"""Keys as their agents manage them: what a successor inherits, when its secret is shown again, what an agent sees."""

import hashlib
from dataclasses import replace
from typing import Any

from portcullis.domain import key_rotation
from portcullis.domain.account import Account
from portcullis.domain.key_classes import Rotation
from portcullis.domain.models import StrictModel
from portcullis.domain.operator_requests import SECRET_RETRY_WINDOW, PublicKey, describe_key
from portcullis.domain.times import rfc3339
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys, public_keys

SHOWN = ("key_id", "state", "key_class", "created_at", "expires_at", "self_rotation", "parent")
"""Of all keys of an agent, to whoever has one of them: nothing that says from where another may be used."""


class SelfRotation(StrictModel):
    """``POST /v1/keys/rotate``; ``public_key`` (Ed25519, base64url or PEM) takes the place of the calling key's, and is
    for keys that have one."""

    public_key: PublicKey | None = None


def refusal(key: KeyRecord, account: Account) -> tuple[str, str] | None:
    """Why this key may not replace itself: a code and what to do; None when it may."""
    if account.keyless:
        return "agent_suspended", account.keyless
    if key.live_name not in account.live_keys:
        return "invalid_credentials", "The key is revoked."
    if not key.self_rotation:
        return "scope_missing", "The key was issued without self_rotation. Have the operator rotate it."
    if key.delivered:
        return "forbidden", "Secrets Manager rotates this key. Read it from there again."
    if key.epoch != account.epoch and not account.lock:  # a lockdown begins an epoch too, and ends no key
        return "forbidden", "The key is from before an incident. Have the operator issue a new one."
    return None


def successor_id(old: KeyRecord, generation: str, idempotency_key: str) -> str:
    """The id of the key that replaces ``old`` under this Idempotency-Key, so that a retry meets its first try.

    ``generation`` is that of new ids; a successor that is there already keeps its own.
    """
    digest = hashlib.sha256(f"rotate {old.key_id}\n{idempotency_key}".encode()).digest()
    named = keys.parse_key_id(old.successor).generation if old.successor else generation
    return keys.new_key_id(old.stage, named, digest)


def successor(old: KeyRecord, wanted: SelfRotation, key_id: str, now: int) -> KeyRecord:
    """The key that takes the place of ``old``: in all but its id, its age and its public key the same.

    It ends when ``old`` would have, and belongs to the same lineage. MalformedInput when the public key does not fit.
    """
    return replace(key_rotation.successor(old, key_id, now, wanted.public_key), ends_at=old.ends_at, lineage=old.first)


def repeat_refusal(stored: KeyRecord, wanted: SelfRotation, now: int) -> tuple[str, str] | None:
    """Why a call is not answered with the successor ``stored`` that its Idempotency-Key has made; None when it is.

    A secret is shown again for a while, to whoever lost the first answer. Without a secret there is nothing to hide.
    """
    public_key = public_keys.encode_ed25519(stored.public_key) if stored.public_key else None
    if public_key != wanted.public_key:
        return "idempotency_conflict", "This Idempotency-Key has rotated the key with another body. Repeat that one."
    if public_key is None and now - stored.created_at > SECRET_RETRY_WINDOW:
        return "state_conflict", "The key has been rotated under this Idempotency-Key, too long ago to show the secret."
    return None


def describe(record: KeyRecord, rotation: Rotation, calling: str) -> dict[str, Any]:
    """A key as its own agent sees it; ``calling`` is the key that signed the request."""
    whole = describe_key(record)
    rotate_by = rfc3339(rotation.rotate_by(record.key_class, record.created_at, record.due_at))
    return {name: whole[name] for name in SHOWN} | {"rotate_by": rotate_by, "calling": record.key_id == calling}
