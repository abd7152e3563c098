"""A price that comes as an event is the price that the next payment is judged by."""

import json
import time
from datetime import UTC, datetime

from local.tap import Tap
from tests.journey.deployment import Deployment


def observe(deployment: Deployment, token: str, usd: str) -> None:
    """Put one observation on the bus, as a team's feed does."""
    moment = datetime.fromtimestamp(time.time() + 1, UTC).isoformat()
    entry = {
        "EventBusName": deployment.outputs["BusName"],
        "Source": "price-feed",
        "DetailType": "price.observed",
        "Detail": json.dumps({"token": token, "usd": usd, "observed_at": moment}),
    }
    answer = deployment.root("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0


def test_a_feed_renews_a_price_and_a_jump_is_refused_on_the_record(deployment: Deployment, tap: Tap) -> None:
    assert deployment.operator("PUT", "/v1/prices/FEED", {"usd": "2"}).status_code == 200
    observe(deployment, "FEED", "2.1")
    (renewed,) = tap.wait(1, lambda event: event["type"] == "price.set" and event["data"]["usd"] == "2.1")
    assert renewed["data"]["actor"] == "price-feed"
    assert deployment.operator("GET", "/v1/prices").json()["prices"]["FEED"]["usd"] == "2.1"

    observe(deployment, "FEED", "0.01")
    (refused,) = tap.wait(1, lambda event: event["type"] == "price.refused")
    assert refused["data"]["token"] == "FEED"
    assert deployment.operator("GET", "/v1/prices").json()["prices"]["FEED"]["usd"] == "2.1"
