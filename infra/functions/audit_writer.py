"""The audit writer: the one role that puts into the audit log, signs its checkpoints, and keeps its claims."""

from aws_cdk import Duration
from constructs import Construct

from infra.constructs.alarms import alarm, own_metric
from infra.constructs.audit_bucket import PASSING_OBJECTS
from infra.constructs.bus_queue import BusQueue, Delivery
from infra.constructs.function import Function, allow
from infra.constructs.nag import acknowledge
from infra.constructs.telling import SOURCE
from infra.stacks.data import AUDIT_OBJECTS, AUDIT_WRITER, Data

DELIVERY = Delivery(batch=500, window_seconds=3, concurrency=2, attempts=100)
LONGEST_LAG = Duration.minutes(1)


def audit_writer(scope: Construct, data: Data) -> Function:
    """Fed with everything that the gateway puts on the bus; a schedule publishes what a crash left unpublished."""
    queue = BusQueue(scope, "AuditEvents", bus=data.bus, pattern={"source": [SOURCE]}, delivery=DELIVERY)
    function = Function(
        scope,
        AUDIT_WRITER,
        stage=data.stage,
        name="audit_writer",
        may=[
            queue.consume,
            allow("s3:GetObject", "s3:PutObject", on=[data.audit.arn_for_objects(each) for each in AUDIT_OBJECTS]),
            allow(
                "s3:PutObjectRetention",
                "s3:PutObjectTagging",
                on=[data.audit.arn_for_objects(each) for each in PASSING_OBJECTS],
            ),
            # Without it S3 says of what is not there that it may not be read.
            allow("s3:ListBucket", on=[data.audit.bucket_arn]),
            allow("dynamodb:UpdateItem", on=[data.audit_claims.table_arn]),
            allow("kms:Sign", "kms:GetPublicKey", on=[data.audit_key.key_arn]),
        ],
        environment={
            "AUDIT_BUCKET": data.audit.bucket_name,
            "CLAIMS_TABLE": data.audit_claims.table_name,
            "AUDIT_KEY_ID": data.audit_key.key_arn,
            "AUDIT_ORIGIN": data.audit_origin,
        },
        memory_mb=512,
        timeout_seconds=30,
    )
    for finding in data.audit_findings.values():
        acknowledge(function.policy, finding, "Objects are named by their place in the log, unknown beforehand.")
    queue.feed(function)
    _watch(function, queue)
    return function


def _watch(function: Function, queue: BusQueue) -> None:
    """The lag as the writer measures it, and the queue's age for when nothing is written at all."""
    period = Duration.minutes(5)
    lag = own_metric("AuditLag", "Maximum", period, Function="audit_writer")
    age = queue.queue.metric_approximate_age_of_oldest_message(period=period)
    forked = own_metric("AuditLogDisagrees", "Sum", period, Function="audit_writer")
    for id_, metric, threshold, description in (
        ("Lag", lag, LONGEST_LAG.to_milliseconds(), "Events reach the audit log more than a minute late."),
        ("Age", age, LONGEST_LAG.to_seconds(), "Events wait for the audit writer for more than a minute."),
        ("Disagreement", forked, 1, "The audit log holds something else than its segments say. Stop, and investigate."),
    ):
        alarm(function, id_, metric, description, threshold=threshold)
