"""What blocks source addresses: it reads and writes counters and blocks, and the firewall's two sets of addresses."""

from constructs import Construct

from infra.constructs.bus_queue import BusQueue, Delivery
from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.telling import SOURCE, tell
from infra.constructs.web_acl import WebAcl
from infra.stacks.data import BLOCKS_INDEX, Data

DELIVERY = Delivery(batch=100, window_seconds=1, concurrency=2, attempts=20)


def sources(scope: Construct, data: Data, firewall: WebAcl) -> Function:
    """Fed from the bus by a queue of its own, and started by a schedule that lifts what has ended."""
    pattern = {"source": [SOURCE], "detail-type": ["authentication.refused", "request.refused"]}
    queue = BusQueue(scope, "SourceEvents", bus=data.bus, pattern=pattern, delivery=DELIVERY)
    lists = {"BLOCK_LIST_ARN": firewall.block_list.attr_arn, "BLOCK_LIST_V6_ARN": firewall.block_list_v6.attr_arn}
    profiles = data.profiles.table_arn
    function = Function(
        scope,
        "Sources",
        stage=data.stage,
        name="sources",
        may=[
            queue.consume,
            allow(
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                on=[profiles],
                when=leading_keys("SOURCE#*", "BLOCK#*"),
            ),
            allow("dynamodb:GetItem", on=[profiles], when=leading_keys("ADDRESS#*")),
            allow("dynamodb:Query", on=[f"{profiles}/index/{BLOCKS_INDEX}"], when=leading_keys("BLOCKED")),
            allow("wafv2:GetIPSet", "wafv2:UpdateIPSet", on=list(lists.values())),
            tell(data.bus, "source.blocked", "source.unblocked"),
        ],
        environment={
            "PROFILES_TABLE": data.profiles.table_name,
            "BUS_NAME": data.bus.event_bus_name,
            "NEVER_BLOCK": " ".join(data.stage.never_block),
            **lists,
        },
        memory_mb=512,
        timeout_seconds=60,
    )
    queue.feed(function)
    return function
