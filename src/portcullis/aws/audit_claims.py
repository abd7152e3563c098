"""The claims of the audit log in DynamoDB: one item for many, each an attribute with a start and a nonce."""

from collections.abc import Sequence
from typing import Any

from portcullis.aws.dynamo import Item, Table
from portcullis.aws.expressions import Update
from portcullis.aws.wire import Service
from portcullis.domain import audit_records
from portcullis.domain.audit_claims import NAME_LENGTH, Wanted
from portcullis.domain.audit_operations import Claim, ClaimAll, Standing

CLAIM_DAYS = 90
"""How long a second delivery is known for one: far beyond what queues and their dead letters keep."""
FULL = 200
"""An item with this many names takes no more: of 46 bytes each, and with those of one more write, 14 KB at most."""
START_BYTES = 8
NOTHING = Standing({}, full=False)


class Claims:
    """One table."""

    def __init__(self, name: str, service: Service) -> None:
        self._table = Table(name, service)

    def put(self, claims: ClaimAll, now: int) -> Standing | None:
        """Do it at ``now``, in seconds, or tell what stood in the way."""
        done, item = self._table.update_if({"pk": claims.item}, _update(claims, now).request())
        return None if done else _standing(item)

    def recorded(self, events: Sequence[dict[str, Any]]) -> frozenset[str]:
        """The ids of those events that the audit writer was handed. A claim is made before the entry is committed, but
        its message is delivered again until it is, so none of them needs the outbox any more."""
        found = set[str]()
        wanted = {event["id"]: Wanted(audit_records.of_event(event)) for event in events}
        while wanted:
            items = self._table.get_many([{"pk": name} for name in sorted({each.item for each in wanted.values()})])
            standing = {item["pk"]: _standing(item) for item in items}
            below = {}
            for id_, each in wanted.items():
                met = standing.get(each.item, NOTHING)
                if each.name in met.claims:
                    found.add(id_)
                elif met.full:
                    each.descend()
                    below[id_] = each
            wanted = below
        return frozenset(found)


def _update(claims: ClaimAll, now: int) -> Update:
    """Every name on its own condition, and new ones only where there is room."""
    update = Update()
    update.put(expires_at=now + CLAIM_DAYS * 86_400)
    update.values[":mine"] = _encoded(claims.claim)
    for number, (name, over) in enumerate(claims.over.items()):
        update.names[f"#{number}"] = name
        update.sets.append(f"#{number} = :mine")
        if over is None:
            update.conditions.append(f"attribute_not_exists(#{number})")
        else:
            update.conditions.append(f"#{number} = :{number}")
            update.values[f":{number}"] = _encoded(over)
    if more := sum(over is None for over in claims.over.values()):
        _count(update, more)
    return update


def _count(update: Update, more: int) -> None:
    """Count new names. They may exceed FULL in one write, so that what once was full takes no smaller write either."""
    update.names["#names"] = "names"
    update.values |= {":none": 0, ":more": more, ":full": FULL}
    update.sets.append("#names = if_not_exists(#names, :none) + :more")
    update.conditions.append("(attribute_not_exists(#names) OR #names < :full)")


def _standing(item: Item) -> Standing:
    claims = {name: _decoded(value) for name, value in item.items() if len(name) == NAME_LENGTH}
    return Standing(claims, item.get("names", 0) >= FULL)


def _encoded(claim: Claim) -> bytes:
    return claim.start.to_bytes(START_BYTES, "big") + bytes.fromhex(claim.nonce)


def _decoded(value: bytes) -> Claim:
    return Claim(int.from_bytes(value[:START_BYTES], "big"), value[START_BYTES:].hex())
