"""Prices as operators set them."""

from typing import Any

from portcullis.aws import changes, prices
from portcullis.aws.changes import Actor, Change
from portcullis.aws.dynamo import Cancelled, Table, to_attributes
from portcullis.aws.wire import Unavailable
from portcullis.domain.prices import PriceTable


def set_price(table: Table, actor: Actor, token: str, usd: str, expires_at: int | None) -> PriceTable:
    """Set what one token is worth, until ``expires_at`` (microseconds; None: until it is set again, as for a peg)."""
    entry = {"usd": usd, "expires_at": expires_at, "updated_at": actor.now}
    for _ in changes.attempts():
        present = prices.read(table)
        if present.entries.get(token) == entry:
            return present
        changed = PriceTable(present.rev + 1, {**present.entries, token: entry})
        change = Change("price.set", {"token": token, **entry})
        event = changes.event_put(actor, prices.PARTITION, prices.PARTITION, changed.rev, change, None)
        try:
            table.transact(_put(changed), event)
        except Cancelled:
            continue
        return changed
    raise Unavailable("the price table was contended")


def _put(changed: PriceTable) -> dict[str, Any]:
    item = {**prices.PRIMARY_KEY, "rev": changed.rev, "prices": changed.entries}
    return {
        "Put": {
            "Item": to_attributes(item),
            "ConditionExpression": "attribute_not_exists(pk) OR rev = :read",
            "ExpressionAttributeValues": to_attributes({":read": changed.rev - 1}),
        }
    }
