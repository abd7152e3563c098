"""A queue for what could not be delivered."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.nag import acknowledge


class DeadLetterQueue(sqs.Queue):
    """Encrypted, TLS only, keeping messages for the 14 days that SQS allows."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(
            scope,
            id_,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(self, "SQS3", "It is itself a dead-letter queue.")
