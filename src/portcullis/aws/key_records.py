"""Keys as stored: ``KEY#<key id> / KEY``."""

from dataclasses import replace
from typing import Any

from portcullis.aws.cache import TtlCache
from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.domain import rate
from portcullis.domain.key_classes import DEFAULT_CLASS
from portcullis.domain.verification import KeyRecord
from portcullis.protocol.message_signatures import HMAC_SHA256

CACHE_SECONDS = 15
_MAX_CACHED = 4096


class KeyRecords:
    """Look-ups, kept at most 15 s; an unknown id is never kept, so that a key works from the moment it is issued."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._cache: TtlCache[KeyRecord] = TtlCache(_MAX_CACHED, CACHE_SECONDS)
        self._from_cache: str | None = None

    def find(self, key_id: str) -> KeyRecord | None:
        """The record, at most 15 s old, or None."""
        self._from_cache = None
        record = self._cache.get(key_id)
        if record is None:
            return self._read(key_id)
        self._from_cache = key_id
        return record

    def look_up_once(self) -> None:
        """Read what the last find took from the cache. A refusal that does so takes as long for a known key as for an
        unknown one, which always costs a read, and so tells nobody which ids exist."""
        if self._from_cache is not None:
            self._read(self._from_cache)
            self._from_cache = None

    def _read(self, key_id: str) -> KeyRecord | None:
        record = read(self._table, key_id)
        if record is not None:
            self._cache.put(key_id, record)
        return record


def primary_key(key_id: str) -> Item:
    """Where a key's item stands."""
    return {"pk": f"KEY#{key_id}", "sk": "KEY"}


def read(table: Table, key_id: str) -> KeyRecord | None:
    """The record as it is now, or None."""
    item = table.get(primary_key(key_id))
    return from_item(item) if item else None


def listing_key(agent: str) -> str:
    """The index partition in which an agent's keys are listed."""
    return f"{agent}#KEYS"


def to_item(record: KeyRecord) -> Item:
    """The stored form."""
    return {
        **primary_key(record.key_id),
        "agent": record.agent,
        "state": record.state,
        "version": record.version,
        "scopes": list(record.scopes),
        "ip_ranges": list(record.ip_ranges),
        "ends_at": record.ends_at,
        "expires_at": record.expires_at,
        "rate": rate.render(record.rate),
        "status_key": listing_key(record.agent),
        "created_at": record.created_at,
        "algorithm": record.algorithm,
        "public_key": record.public_key,
        "key_class": record.key_class,
        "parent": record.parent,
        "successor": record.successor,
        "lineage": record.lineage,
        "epoch": record.epoch,
        "self_rotation": record.self_rotation,
        "delivered": record.delivered,
        "due_at": record.due_at,
    }


def from_item(item: Item) -> KeyRecord:
    """The inverse of to_item."""
    return KeyRecord(
        key_id=item["pk"].removeprefix("KEY#"),
        agent=item["agent"],
        state=item["state"],
        version=item["version"],
        scopes=tuple(item["scopes"]),
        ip_ranges=tuple(item["ip_ranges"]),
        created_at=item["created_at"],
        ends_at=item["ends_at"],
        rate=rate.parse(item.get("rate", "")),
        algorithm=item.get("algorithm", HMAC_SHA256),
        public_key=item.get("public_key"),
        key_class=item.get("key_class", DEFAULT_CLASS),
        parent=item.get("parent"),
        successor=item.get("successor"),
        lineage=item.get("lineage"),
        epoch=item.get("epoch", 0),
        self_rotation=item.get("self_rotation", False),
        delivered=item.get("delivered", False),
        expires_at=item.get("expires_at", item["ends_at"]),
        due_at=item.get("due_at"),
    )


def new_item(record: KeyRecord, epoch: int) -> Item:
    """The stored form of a key issued in this ``epoch`` of its account; that its parent was due is behind it."""
    return to_item(replace(record, epoch=epoch, due_at=None))


def update(present: KeyRecord, sets: dict[str, Any]) -> dict[str, Any]:
    """Set attributes of a key that still is as it was read."""
    values = {f":{name}": value for name, value in sets.items()}
    values |= {":was_state": present.state, ":was_version": present.version, ":was_end": present.ends_at}
    return {
        "Update": {
            "Key": to_attributes(primary_key(present.key_id)),
            "UpdateExpression": f"SET {', '.join(f'#{name} = :{name}' for name in sets)}",
            "ConditionExpression": "#state = :was_state AND #version = :was_version AND #ends_at = :was_end",
            "ExpressionAttributeNames": {f"#{name}": name for name in ("state", "version", "ends_at", *sets)},
            "ExpressionAttributeValues": to_attributes(values),
        }
    }
