"""Approvers as stored: ``APPROVERS / AP#<id>``, beside one registry item that numbers what changes about them.

Their secrets are derived, like those of keys: nothing here can make a code.
"""

from dataclasses import dataclass, fields

from portcullis.aws.dynamo import Item, Table, to_attributes
from portcullis.domain.approvers import Approver

PARTITION = "APPROVERS"
REGISTRY_KEY: Item = {"pk": PARTITION, "sk": "REGISTRY"}
_NAMES = tuple(field.name for field in fields(Approver) if field.name != "id")


@dataclass(frozen=True, slots=True)
class Registry:
    """``rev`` numbers the changes; ``established`` is when the first device was confirmed, ``founder`` who began."""

    rev: int = 0
    established: int | None = None
    founder: str | None = None


def primary_key(approver: str) -> Item:
    """Where an approver's item stands."""
    return {"pk": PARTITION, "sk": f"AP#{approver}"}


def read(table: Table, approver: str) -> Approver | None:
    """The approver as it is now, or None."""
    item = table.get(primary_key(approver))
    return from_item(item) if item else None


def read_registry(table: Table) -> Registry:
    """The registry as it is now; that of no approvers before the first."""
    item = table.get(REGISTRY_KEY) or {"rev": 0}
    return Registry(item["rev"], item.get("established"), item.get("founder"))


def read_all(table: Table) -> list[Approver]:
    """Every approver there ever was, oldest first."""
    found: list[Approver] = []
    start: Item | None = None
    while True:
        items, start = table.query(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :ap)",
            ExpressionAttributeValues=to_attributes({":pk": PARTITION, ":ap": "AP#"}),
            ConsistentRead=True,
            **({"ExclusiveStartKey": to_attributes(start)} if start else {}),
        )
        found += [from_item(item) for item in items]
        if start is None:
            return sorted(found, key=lambda approver: (approver.created_at, approver.id))


def to_item(approver: Approver) -> Item:
    """The stored form; absent values are left out."""
    attributes = {name: getattr(approver, name) for name in _NAMES}
    return primary_key(approver.id) | {name: value for name, value in attributes.items() if value is not None}


def from_item(item: Item) -> Approver:
    """The inverse of to_item."""
    return Approver(id=item["sk"].removeprefix("AP#"), **{name: item[name] for name in _NAMES if name in item})
