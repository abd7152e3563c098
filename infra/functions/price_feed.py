"""The price feed: renews prices from events. It reads and writes the price table's items and nothing else."""

from constructs import Construct

from infra.constructs.bus_queue import BusQueue
from infra.constructs.function import Function, allow, leading_keys
from infra.stacks.data import Data

SOURCE, DETAIL_TYPE = "price-feed", "price.observed"


def price_feed(scope: Construct, data: Data) -> Function:
    """Fed from the bus by a queue of its own."""
    queue = BusQueue(scope, "PriceEvents", bus=data.bus, pattern={"source": [SOURCE], "detail-type": [DETAIL_TYPE]})
    function = Function(
        scope,
        "PriceFeed",
        stage=data.stage,
        name="price_feed",
        may=[
            allow("dynamodb:GetItem", "dynamodb:PutItem", on=[data.core.table_arn], when=leading_keys("PRICES")),
            queue.consume,
        ],
        environment={"CORE_TABLE": data.core.table_name},
        memory_mb=512,
        timeout_seconds=30,
    )
    queue.feed(function)
    return function
