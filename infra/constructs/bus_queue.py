"""From the bus to a function: a rule, a queue that keeps what the function could not take yet, and dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.function import allow
from infra.constructs.queue import DeadLetterQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How events are handed to the function."""

    batch: int = 10
    window_seconds: int = 0
    """How long a batch is waited for to fill."""
    concurrency: int = 2
    attempts: int = 5
    """After how many deliveries a message is a dead letter."""


ONE_BY_ONE = Delivery()


class BusQueue(Construct):
    """Events that match ``pattern`` wait here, each until the function has said that it is done with it. A type that
    ends with ``*`` stands for all that begin so."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        bus: events.IEventBus,
        pattern: Mapping[str, Sequence[str]],
        delivery: Delivery = ONE_BY_ONE,
    ) -> None:
        super().__init__(scope, id_)
        self._delivery = delivery
        dead_letters = DeadLetterQueue(self, "DeadLetters")
        self._queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            visibility_timeout=Duration.minutes(3),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=delivery.attempts),
        )
        types = [_matching(each) for each in pattern.get("detail-type", ())]
        rule = events.Rule(
            self,
            "Rule",
            event_bus=bus,
            event_pattern=events.EventPattern(
                source=list(pattern["source"]), detail_type=events.Match.any_of(*types) if types else None
            ),
        )
        rule.add_target(targets.SqsQueue(self._queue, dead_letter_queue=dead_letters))

    @property
    def consume(self) -> iam.PolicyStatement:
        """What the function's role needs."""
        return allow("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", on=[self._queue.queue_arn])

    @property
    def queue(self) -> sqs.IQueue:
        """What to watch."""
        return self._queue

    def feed(self, function: lambda_.IFunction, id_: str = "Source") -> None:
        """Hand batches to ``function``, which reports those that failed one by one; ``id_`` tells its sources apart."""
        window = self._delivery.window_seconds
        function.add_event_source_mapping(
            id_,
            event_source_arn=self._queue.queue_arn,
            batch_size=self._delivery.batch,
            max_batching_window=Duration.seconds(window) if window else None,
            report_batch_item_failures=True,
            max_concurrency=self._delivery.concurrency,
        )


def _matching(type_: str) -> list[str]:
    return events.Match.prefix(type_[:-1]) if type_.endswith("*") else events.Match.exact_string(type_)
