"""Prices as operators set them and as a feed renews them."""

from collections.abc import Callable
from typing import Any

from portcullis.aws import changes, prices
from portcullis.aws.changes import Actor, Change
from portcullis.aws.dynamo import Cancelled, Table, to_attributes
from portcullis.aws.wire import Unavailable
from portcullis.domain import price_feed
from portcullis.domain.price_feed import ObservedPrice
from portcullis.domain.prices import PriceTable

FEED = "price-feed"
"""The source of the events that renew prices, and the actor in the events that say so."""


def set_price(table: Table, actor: Actor, token: str, entry: dict[str, Any]) -> PriceTable:
    """Set what one token is worth: ``{usd, expires_at, updated_at, max_age}``."""

    def plan(present: PriceTable) -> tuple[PriceTable, Change] | None:
        if present.entries.get(token) == entry:
            return None
        return _with(present, token, entry), Change("price.set", {"token": token, **entry})

    return _apply(table, actor, plan)


def observe(table: Table, observed: ObservedPrice, now: int) -> PriceTable:
    """Renew a price from the feed, or record why it was not believed. Old news changes nothing."""

    def plan(present: PriceTable) -> tuple[PriceTable, Change] | None:
        before = present.entries.get(observed.token)
        if price_feed.is_old_news(before, observed):
            return None
        reason = price_feed.refusal(before, observed, now)
        if before is None or reason is not None:
            data = {"token": observed.token, "usd": observed.usd, "reason": reason}
            return PriceTable(present.rev + 1, present.entries), Change("price.refused", data)
        entry = price_feed.entry(before, observed)
        return _with(present, observed.token, entry), Change("price.set", {"token": observed.token, **entry})

    return _apply(table, Actor(FEED, "", now), plan)


def refuse(table: Table, event_id: str, reason: str, now: int) -> PriceTable:
    """Record an event of the feed that cannot be read."""

    def plan(present: PriceTable) -> tuple[PriceTable, Change]:
        data = {"event_id": event_id, "reason": reason}
        return PriceTable(present.rev + 1, present.entries), Change("price.refused", data)

    return _apply(table, Actor(FEED, "", now), plan)


def _apply(table: Table, actor: Actor, plan: Callable[[PriceTable], tuple[PriceTable, Change] | None]) -> PriceTable:
    for _ in changes.attempts():
        present = prices.read(table)
        planned = plan(present)
        if planned is None:
            return present
        changed, change = planned
        event = changes.event_put(actor, prices.PARTITION, prices.PARTITION, changed.rev, change, None)
        try:
            table.transact(_put(changed), event)
        except Cancelled:
            continue
        return changed
    raise Unavailable("the price table was contended")


def _with(present: PriceTable, token: str, entry: dict[str, Any]) -> PriceTable:
    return PriceTable(present.rev + 1, {**present.entries, token: entry})


def _put(changed: PriceTable) -> dict[str, Any]:
    item = {**prices.PRIMARY_KEY, "rev": changed.rev, "prices": changed.entries}
    return {
        "Put": {
            "Item": to_attributes(item),
            "ConditionExpression": "attribute_not_exists(pk) OR rev = :read",
            "ExpressionAttributeValues": to_attributes({":read": changed.rev - 1}),
        }
    }
