"""The anomaly function: it may read and write profiles and findings, and nothing of what agents own."""

from aws_cdk import Duration
from constructs import Construct

from infra.constructs.alarms import alarm, own_metric
from infra.constructs.bus_queue import BusQueue, Delivery
from infra.constructs.function import Function, allow, leading_keys
from infra.constructs.telling import SOURCE
from infra.stacks.data import Data

TYPES = (
    "transaction.approved",
    "transaction.denied",
    "transaction.pending_approval",
    "request.served",
    "request.refused",
)
DELIVERY = Delivery(batch=100, window_seconds=1, concurrency=4, attempts=20)
LONGEST_LAG = Duration.minutes(2)
"""From the bus to the judgement."""


def anomaly(scope: Construct, data: Data) -> Function:
    """Fed from the bus by a queue of its own."""
    pattern = {"source": [SOURCE], "detail-type": list(TYPES)}
    queue = BusQueue(scope, "AnomalyEvents", bus=data.bus, pattern=pattern, delivery=DELIVERY)
    function = Function(
        scope,
        "Anomaly",
        stage=data.stage,
        name="anomaly",
        may=[
            queue.consume,
            allow(
                "dynamodb:GetItem",
                "dynamodb:BatchGetItem",
                "dynamodb:PutItem",
                on=[data.profiles.table_arn],
                when=leading_keys("AGENT#*", "POPULATION#*"),
            ),
            allow("dynamodb:UpdateItem", on=[data.profiles.table_arn], when=leading_keys("ADDRESS#*")),
            allow(
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                on=[data.core.table_arn],
                when=leading_keys("FINDINGS#*", "FINDING#*"),
            ),
        ],
        environment={
            "CORE_TABLE": data.core.table_name,
            "PROFILES_TABLE": data.profiles.table_name,
            "ALARM_BUDGET": str(data.stage.alarm_budget),
        },
        memory_mb=512,
        timeout_seconds=60,
    )
    queue.feed(function)
    _watch(function, queue)
    return function


def _watch(function: Function, queue: BusQueue) -> None:
    """The lag as the function measures it, the queue's age for when it does not run, and its faults."""
    period = Duration.minutes(5)
    lag = own_metric("DetectionLag", "Maximum", period, Function="anomaly")
    fault = own_metric("Fault", "Sum", period, Function="anomaly")
    age = queue.queue.metric_approximate_age_of_oldest_message(period=period)
    for id_, metric, threshold, description in (
        ("Lag", lag, LONGEST_LAG.to_milliseconds(), "Requests are judged more than two minutes late."),
        ("Age", age, LONGEST_LAG.to_seconds(), "Requests wait for more than two minutes to be judged."),
        ("Fault", fault, 1, "An agent's requests could not be judged. They are tried again; the log says why."),
    ):
        alarm(function, id_, metric, description, threshold=threshold)
