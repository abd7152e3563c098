"""Posts events to the URL of the stage; what is not taken is tried again by the queue, later each time."""

import json
from functools import cache
from typing import Any

from portcullis.aws import settings, telemetry
from portcullis.aws.bus_messages import UNREADABLE
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.webhooks import Backoff, NotTaken, Webhook
from portcullis.aws.wire import AwsError, Service, Unavailable
from portcullis.domain.webhooks import is_posted

SELF = {"Function": "webhooks"}
FAULTS = (Unavailable, AwsError)
Message = dict[str, Any]


@cache
def webhook() -> tuple[Webhook, Backoff]:
    """What this process needs."""
    own, environment = settings.webhooks(), settings.aws()
    secrets = SecretsManager(Service("secretsmanager", environment))
    return Webhook(own.url, own.secret, secrets), Backoff(own.queue, Service("sqs", environment))


def handler(batch: dict[str, Any], _context: object) -> dict[str, Any]:
    """SQS messages in, those to try again out."""
    failed = [message for message in batch["Records"] if not _posted(message)]
    return {"batchItemFailures": [{"itemIdentifier": message["messageId"]} for message in failed]}


def _posted(message: Message) -> bool:
    try:
        event = json.loads(message["body"])["detail"]
        if is_posted(event):
            webhook()[0].post(event)
            telemetry.count("Posted", dimensions=SELF, event=event["id"])
    except (NotTaken, *FAULTS, *UNREADABLE) as fault:
        telemetry.count("Fault", dimensions=SELF, cause=f"{type(fault).__name__}: {fault}")
        _keep_back(message)
        return False
    return True


def _keep_back(message: Message) -> None:
    try:
        webhook()[1].keep(message["receiptHandle"], int(message["attributes"]["ApproximateReceiveCount"]))
    except FAULTS as fault:
        telemetry.count("Fault", dimensions=SELF, cause=f"{type(fault).__name__}: {fault}")
