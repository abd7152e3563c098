"""The keys of the gateway for tests: how they are shown to their agent, and how one takes the place of another."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portcullis.protocol.public_keys import MalformedPublicKey, parse_ed25519
from portcullis.protocol.strict_json import MalformedInput

CLASS, ROTATION_SECONDS = "production", 30 * 86_400
OVERLAP_SECONDS = 86_400
SHOWN_SECONDS = 600
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)


@dataclass
class FakeKey:
    """``verifies(text, signature)``: is it that of the text? ``made_by`` is the Idempotency-Key of its rotation."""

    algorithm: str
    verifies: Callable[[str, str], bool] = field(repr=False)
    created_at: float
    self_rotation: bool
    secret: str | None = field(default=None, repr=False)
    public_key: bytes | None = None
    parent: str | None = None
    made_by: str = ""
    successor: str | None = None
    ends_at: float | None = None
    revoked: bool = False
    due_at: float | None = None

    def is_live(self, now: float) -> bool:
        """Whether it is accepted at ``now``."""
        return not self.revoked and (self.ends_at is None or now < self.ends_at)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rotation as it was asked for."""

    idempotency_key: str
    public_key: bytes | None


def wanted(idempotency_key: str, body: bytes, old: FakeKey) -> Wanted:
    """What a request for a successor of ``old`` asks for, or MalformedInput."""
    given = json.loads(body or b"{}").get("public_key")
    if not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise MalformedInput("Idempotency-Key", "send one header of 16 to 128 characters of A-Z a-z 0-9 _ -")
    try:
        public_key = None if given is None else parse_ed25519(given)
    except MalformedPublicKey as error:
        raise MalformedInput("public_key", str(error)) from None
    if (public_key is None) != (old.public_key is None) or (public_key is not None and public_key == old.public_key):
        raise MalformedInput("public_key", "a new one for a key that has one, and none for any other")
    return Wanted(idempotency_key, public_key)


def refusal(old: FakeKey, asked: Wanted, made: FakeKey | None, now: float) -> str | None:
    """The code of the refusal; ``made`` is the successor that is there already."""
    if not old.self_rotation:
        return "scope_missing"
    if made is None:
        return None
    if made.made_by != asked.idempotency_key or (made.secret and now - made.created_at > SHOWN_SECONDS):
        return "state_conflict"
    return None if made.public_key == asked.public_key else "idempotency_conflict"


def listed(keys: Mapping[str, FakeKey], calling: str, now: float) -> list[dict[str, Any]]:
    """The answer's ``keys``."""
    return [described(key_id, key, calling) for key_id, key in keys.items() if key.is_live(now)]


def described(key_id: str, key: FakeKey, calling: str) -> dict[str, Any]:
    """One of them."""
    return {
        "key_id": key_id,
        "state": "active" if key.ends_at is None else "retiring",
        "key_class": CLASS,
        "created_at": _text(key.created_at),
        "expires_at": None if key.ends_at is None else _text(key.ends_at),
        "rotate_by": _text(min(key.created_at + ROTATION_SECONDS, key.due_at or math.inf)),
        "self_rotation": key.self_rotation,
        "parent": key.parent,
        "calling": key_id == calling,
    }


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
