"""What posts events to the team's URL, where the stage names one."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.alarms import alarm, own_metric
from infra.constructs.bus_queue import BusQueue, Delivery
from infra.constructs.function import Function, allow
from infra.constructs.nag import acknowledge
from infra.constructs.telling import FINDINGS, SOURCE
from infra.stacks.data import Data

TYPES = (*FINDINGS, "incident.*", "lockdown.*", "agent.suspended")
DELIVERY = Delivery(batch=1, attempts=12)
"""Each delivery waits twice as long as the one before, up to six hours: the last one is 52,290 s after the event,
about 14.5 hours. One at a time: each of a host's addresses may time out, and others would run out of time."""
SECRET_LENGTH = 44
"""Letters and digits, which are base64 of 33 bytes: Standard Webhooks asks for 24 to 64."""


def webhooks(scope: Construct, data: Data, url: str) -> Function:
    """It reads the secret that signs, and nothing of what agents own."""
    stage = data.stage
    pattern = {"source": [SOURCE], "detail-type": TYPES}
    queue = BusQueue(scope, "WebhookEvents", bus=data.bus, pattern=pattern, delivery=DELIVERY)
    secret = secretsmanager.Secret(
        scope,
        "WebhookSecret",
        description=f"Portcullis {stage.name}: signs webhooks (Standard Webhooks, base64)",
        generate_secret_string=secretsmanager.SecretStringGenerator(
            exclude_punctuation=True, password_length=SECRET_LENGTH
        ),
        removal_policy=RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
    )
    acknowledge(
        secret, "SMG4", "The other side has to be given each new value: it is changed by hand, as the docs say."
    )
    function = Function(
        scope,
        "Webhooks",
        stage=stage,
        name="webhooks",
        may=[
            queue.consume,
            allow("sqs:ChangeMessageVisibility", on=[queue.queue.queue_arn]),
            allow("secretsmanager:GetSecretValue", on=[secret.secret_arn]),
        ],
        environment={"WEBHOOK_URL": url, "WEBHOOK_SECRET": secret.secret_arn, "QUEUE_URL": queue.queue.queue_url},
        memory_mb=256,
        timeout_seconds=60,
    )
    queue.feed(function)
    fault = own_metric("Fault", "Sum", Duration.minutes(5), Function="webhooks")
    alarm(function, "Fault", fault, "A webhook was not taken. It is tried again; the log says what was answered.")
    return function
