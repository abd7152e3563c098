"""From the core table's stream to the bus: what was committed is published, in order, at least once."""

import json

from aws_cdk import Aws, Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_pipes as pipes
from constructs import Construct

from infra.constructs.function import allow
from infra.constructs.queue import DeadLetterQueue
from infra.constructs.telling import SOURCE

LONGEST_OUTAGE = Duration.hours(23)
"""How long a record is tried again: as long as the stream keeps it, less an hour."""
EVENT_ITEMS = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"type": {"S": [{"exists": True}]}}}}


class OutboxPipe(Construct):
    """Items that carry an event ``type`` are turned into event envelopes by ``envelope`` and put on ``bus``.

    ``envelope`` makes an event of every record, the malformed too, so what fails is an outage: it is tried again, in
    halves, until the stream is about to forget it. Only then does it go to the dead-letter queue, which has an alarm.
    """

    def __init__(
        self, scope: Construct, id_: str, *, table: dynamodb.ITable, envelope: lambda_.IFunction, bus: events.IEventBus
    ) -> None:
        super().__init__(scope, id_)
        self.dead_letters = DeadLetterQueue(self, "DeadLetters")
        stream = table.table_stream_arn
        if stream is None:
            raise ValueError("the outbox reads the table's stream, and this table has none")
        own_account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        principal = iam.ServicePrincipal("pipes.amazonaws.com", conditions=own_account)
        role = iam.Role(self, "Role", assumed_by=principal)
        policy = iam.Policy(self, "Policy", roles=[role], statements=self._grants(stream, envelope, bus))
        pipe = pipes.CfnPipe(
            self,
            "Pipe",
            role_arn=role.role_arn,
            source=stream,
            source_parameters=self._source(),
            enrichment=envelope.function_arn,
            target=bus.event_bus_arn,
            target_parameters=pipes.CfnPipe.PipeTargetParametersProperty(
                event_bridge_event_bus_parameters=pipes.CfnPipe.PipeTargetEventBridgeEventBusParametersProperty(
                    detail_type="$.type", source=SOURCE
                )
            ),
        )
        pipe.node.add_dependency(policy)

    def _grants(self, stream: str, envelope: lambda_.IFunction, bus: events.IEventBus) -> list[iam.PolicyStatement]:
        return [
            allow(
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
                on=[stream],
            ),
            allow("lambda:InvokeFunction", on=[envelope.function_arn]),
            allow("events:PutEvents", on=[bus.event_bus_arn]),
            allow("sqs:SendMessage", on=[self.dead_letters.queue_arn]),
        ]

    def _source(self) -> pipes.CfnPipe.PipeSourceParametersProperty:
        return pipes.CfnPipe.PipeSourceParametersProperty(
            filter_criteria=pipes.CfnPipe.FilterCriteriaProperty(
                filters=[pipes.CfnPipe.FilterProperty(pattern=json.dumps(EVENT_ITEMS))]
            ),
            dynamo_db_stream_parameters=pipes.CfnPipe.PipeSourceDynamoDBStreamParametersProperty(
                starting_position="TRIM_HORIZON",
                batch_size=10,
                maximum_retry_attempts=-1,
                maximum_record_age_in_seconds=LONGEST_OUTAGE.to_seconds(),
                on_partial_batch_item_failure="AUTOMATIC_BISECT",
                dead_letter_config=pipes.CfnPipe.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
            ),
        )
