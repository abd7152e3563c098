"""Prices from the bus: renewed once whatever the order and number of deliveries, refused on the record."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from functions.price_feed import handler as price_feed
from portcullis.domain.times import SECOND, rfc3339
from tests.functions.api_events import load_event
from tests.functions.deployed import Deployed


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    yield
    price_feed.table.cache_clear()


def now() -> int:
    return time.time_ns() // 1000


def batch(*details: Any) -> dict[str, Any]:
    """The event file's message, once for each detail."""
    (message,) = load_event("price_feed/batch.json")["Records"]
    event = json.loads(message["body"])
    bodies = [json.dumps({**event, "detail": detail}) for detail in details]
    return {"Records": [{**message, "messageId": f"m{i}", "body": body} for i, body in enumerate(bodies)]}


def observation(usd: str, at: int | None = None) -> dict[str, str]:
    return {"token": "ETH", "usd": usd, "observed_at": rfc3339(at or now())}


def prices(stack: Deployed) -> dict[str, Any]:
    return dict(stack.operator("GET", "/v1/prices").body["prices"])


def refusals(stack: Deployed) -> list[str]:
    items = [item for item in stack.items() if item.get("type") == {"S": "price.refused"}]
    return [item["data"]["M"]["reason"]["S"] for item in items]


@pytest.fixture
def priced(stack: Deployed) -> Deployed:
    """A stack with a price of some seconds ago, since a feed's has to be newer."""
    stack.price("ETH", "2000")
    return stack


def test_a_price_is_renewed_for_its_age(priced: Deployed) -> None:
    assert price_feed.handler(batch(observation("2010.5", now() + SECOND)), None) == {"batchItemFailures": []}
    assert prices(priced)["ETH"]["usd"] == "2010.5"
    assert refusals(priced) == []


def test_twice_and_late_changes_nothing(priced: Deployed) -> None:
    first, second = observation("2010", now() + SECOND), observation("2020", now() + 2 * SECOND)
    price_feed.handler(batch(second, first, second, first), None)

    set_by_feed = [item for item in priced.items() if item.get("data", {}).get("M", {}).get("usd") == {"S": "2020"}]
    assert prices(priced)["ETH"]["usd"] == "2020"
    assert len(set_by_feed) == 1
    assert refusals(priced) == []


def test_what_is_not_believed_is_recorded_and_not_tried_again(priced: Deployed) -> None:
    unknown = {**observation("1"), "token": "NEW"}
    answer = price_feed.handler(batch(observation("9000", now() + SECOND), unknown, {"token": 1}, None), None)

    assert answer == {"batchItemFailures": []}
    assert prices(priced)["ETH"]["usd"] == "2000"
    assert sorted(refusals(priced))[1:3] == [
        "it lies more than a fifth from the last price; an operator has to set it",
        "the operator has not priced this token",
    ]
    assert len(refusals(priced)) == 4


def test_an_outage_is_reported_for_its_message_alone(priced: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORE_TABLE", "no-such-table")
    price_feed.table.cache_clear()
    answer = price_feed.handler(batch(observation("2010")), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
