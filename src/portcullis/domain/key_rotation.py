"""Rotating one key: what a caller may ask for, the successor that comes of it, and how keys look by their age."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from portcullis.domain import times
from portcullis.domain.key_classes import DAY, RETIRE_NOTICE, Rotation
from portcullis.domain.models import StrictModel
from portcullis.domain.operator_requests import PublicKey, describe_key
from portcullis.domain.times import SECOND
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import public_keys
from portcullis.protocol.strict_json import MalformedInput

SHORTEST_OVERLAP = RETIRE_NOTICE // SECOND
LONGEST_OVERLAP = 30 * DAY // SECOND
_OVERLAPS = {"anyOf": [{"const": 0}, {"minimum": SHORTEST_OVERLAP}]}


def _overlap(seconds: int) -> int:
    if 0 < seconds < SHORTEST_OVERLAP:
        raise ValueError(f"at least {SHORTEST_OVERLAP} seconds; 0 ends the old key at once")
    return seconds


Overlap = Annotated[int, Field(ge=0, le=LONGEST_OVERLAP, json_schema_extra={**_OVERLAPS}), AfterValidator(_overlap)]


class KeyRotation(StrictModel):
    """``POST /v1/agents/{agent}/keys/{key}/rotate``; the old key works on for the stage's overlap, or for another that
    is given, and commits nothing from that write on when it is 0.

    A key that was issued for a public key needs a new ``public_key``; one with a secret takes none.
    """

    overlap_seconds: Overlap | None = None
    public_key: PublicKey | None = None

    def overlap(self, usual: int) -> int:
        """In microseconds, ``usual`` unless it was asked for another."""
        return usual if self.overlap_seconds is None else self.overlap_seconds * SECOND


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


def describe_by_age(record: KeyRecord, rotation: Rotation, now: int) -> dict[str, Any]:
    """A key's public form at ``now`` (microseconds), with its age and when it is due. What has an end or no life any
    more is not due; ``ended`` is a key whose end has passed, whatever is stored."""
    due = rotation.rotate_by(record.key_class, record.created_at, record.due_at)
    ended = record.state != "revoked" and record.has_ended(now)
    is_due = record.state == "active" and not ended
    return {
        **describe_key(record),
        **({"state": "ended"} if ended else {}),
        "successor": record.successor,
        "age_days": max(0, now - record.created_at) // DAY,
        "rotate_by": times.rfc3339(due) if is_due else None,
        "overdue": is_due and due <= now,
    }
