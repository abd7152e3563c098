"""The reconciler: reads what is stored and what is recorded, and puts on the bus what the outbox lost.

It reads the whole core table, for a scan knows no partitions; it writes nothing there but how far it is.
"""

from aws_cdk import Duration
from constructs import Construct

from infra.constructs.alarms import alarm, own_metric
from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.telling import tell
from infra.stacks.data import Data

ALARMS = {
    "Lost": ("Reemitted", "The outbox lost events. They were put on the bus again; find out why the pipe stood still."),
    "Unreadable": ("ReconcileFault", "A stored item cannot be read, so nobody knows whether its event was recorded."),
}


def reconciler(scope: Construct, data: Data) -> Function:
    """Started by a schedule; a run that does not come to the end is taken up by the next."""
    core = data.core.table_arn
    function = Function(
        scope,
        "Reconciler",
        stage=data.stage,
        name="reconciler",
        may=[
            allow("dynamodb:Scan", on=[core]),
            allow("dynamodb:GetItem", "dynamodb:UpdateItem", on=[core], when=leading_keys("RECONCILER")),
            allow("dynamodb:BatchGetItem", on=[data.audit_claims.table_arn]),
            tell(data.bus),  # whatever is stored, as the outbox does
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "CLAIMS_TABLE": data.audit_claims.table_name,
            "BUS_NAME": data.bus.event_bus_name,
        },
        memory_mb=512,
        timeout_seconds=300,
    )
    _watch(function)
    return function


def _watch(function: Function) -> None:
    for id_, (metric, description) in ALARMS.items():
        alarm(function, id_, own_metric(metric, "Sum", Duration.hours(1), Function="reconciler"), description)
