"""A queue for what could not be delivered."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.alarms import alarm
from infra.constructs.nag import acknowledge


class DeadLetterQueue(sqs.Queue):
    """Encrypted, TLS only, keeping messages for the 14 days that SQS allows; one message is an alarm."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(
            scope,
            id_,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self.alarm = alarm(
            self,
            "Alarm",
            self.metric_approximate_number_of_messages_visible(),
            "Something could not be delivered and waits here. Mend the cause, then redrive.",
        )
        acknowledge(self, "SQS3", "It is itself a dead-letter queue.")
