"""The reconciler: started every hour, it finds what the outbox lost and puts it on the bus."""

import time
from functools import cache
from typing import Any

from portcullis.aws import settings, telemetry
from portcullis.aws.audit_claims import Claims
from portcullis.aws.bus import Bus
from portcullis.aws.dynamo import Table
from portcullis.aws.reconcile import SELF, Reconciler
from portcullis.aws.wire import Service

RESERVE_MILLISECONDS = 60_000
"""The longest that one page may take."""


@cache
def reconciler() -> Reconciler:
    """The reconciler of this process."""
    names, environment = settings.reconciler(), settings.aws()
    dynamodb = Service("dynamodb", environment)
    core, claims = Table(names.core_table, dynamodb), Claims(names.claims_table, dynamodb)
    return Reconciler(core, claims, Bus(names.bus, Service("events", environment)))


def handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One run: how many events it looked at, how many were lost, and whether it came to the end."""

    def more() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)

    run = reconciler().run(time.time_ns() // 1000, more)
    telemetry.count("Reconciled", run.examined, dimensions=SELF, lost=run.lost, finished=run.finished)
    return {"examined": run.examined, "lost": run.lost, "finished": run.finished}
