"""The price feed: renews the operator's prices from events on the bus. It can read and write the price table alone."""

import json
import time
from functools import cache
from typing import Any

from portcullis.aws import pricing, settings, telemetry
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import AwsError, Service, Unavailable
from portcullis.domain.models import validate
from portcullis.domain.price_feed import ObservedPrice
from portcullis.protocol.strict_json import MalformedInput


@cache
def table() -> Table:
    """The core table."""
    return Table(settings.core().core_table, Service("dynamodb", settings.aws()))


def handler(batch: dict[str, Any], _context: object) -> dict[str, Any]:
    """SQS messages in, those to try again out. One that cannot be read is recorded as refused, not tried for ever."""
    failed = [message["messageId"] for message in batch["Records"] if not _observe(json.loads(message["body"]))]
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


def _observe(event: dict[str, Any]) -> bool:
    now = time.time_ns() // 1000
    try:
        try:
            observed = validate(ObservedPrice, event["detail"])
        except MalformedInput as error:
            pricing.refuse(table(), event["id"], f"{error.field}: {error.why}", now)
        else:
            pricing.observe(table(), observed, now)
    except (Unavailable, AwsError) as error:
        telemetry.count("Fault", dimensions={"Function": "price_feed"}, cause=str(error), event_id=event["id"])
        return False
    return True
