"""Once a day: proposes more trust for agents that have gone a clean period without a violation. It grants nothing."""

import time
from functools import cache
from typing import Any

from portcullis.aws import listings, proposals, settings, telemetry
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Table
from portcullis.aws.wire import AwsError, Service, Unavailable

PAGE = 100


@cache
def table() -> Table:
    """Made on the first invocation."""
    return Table(settings.core().core_table, Service("dynamodb", settings.aws()))


def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """How many agents were looked at, and how many proposals made. A fault with one keeps no other waiting, and is
    raised in the end, so that Lambda invokes again: what was proposed is not proposed twice."""
    actor = Actor("gateway", "", time.time_ns() // 1000)
    examined = proposed = failed = 0
    cursor: str | None = None
    while True:
        page, cursor = listings.list_agents(table(), PAGE, cursor)
        for account in page:
            try:
                proposed += proposals.propose(table(), actor, account.agent)
            except (Unavailable, AwsError) as error:
                failed += 1
                telemetry.count("Fault", dimensions={"Function": "proposals"}, agent=account.agent, cause=str(error))
        examined += len(page)
        if cursor is None:
            break
    if failed:
        raise Unavailable(f"{failed} of {examined} agents could not be looked at")
    return {"examined": examined, "proposed": proposed}
