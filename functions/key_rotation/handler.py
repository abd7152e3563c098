"""The rotation of delivered keys: Secrets Manager calls each of its four steps, a schedule the check of what is left.

A step that fails raises, which Secrets Manager takes for the rotation's failure, and an alarm counts.
"""

import secrets
import time
from functools import cache, partial
from typing import Any

from portcullis.aws import gateway_probe, secret_rotation, settings, telemetry
from portcullis.aws.changes import Conflict
from portcullis.aws.dynamo import Table
from portcullis.aws.key_rotation import AgentKeys
from portcullis.aws.roots import Roots
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.wire import AwsError, Service, Unavailable
from portcullis.domain.key_delivery import secret_prefix
from portcullis.domain.secret_rotation import RefusedStep, Secret, parse_call

FAILURES = (RefusedStep, Conflict, AwsError, Unavailable)


class RotationFailed(Exception):
    """What was to be done is not; the message holds no secret."""


@cache
def stores() -> tuple[SecretsManager, AgentKeys]:
    """Made on the first call."""
    own, environment = settings.key_rotation(), settings.aws()
    kind = AgentKeys(
        Table(own.core_table, Service("dynamodb", environment)),
        Roots(Service("kms", environment), own.mac_keys, own.stage),
        own.stage,
        own.rotation,
        partial(_whoami, own.api_url),
        lambda: time.time_ns() // 1000,
    )
    return SecretsManager(Service("secretsmanager", environment)), kind


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``{Step, SecretId, ClientRequestToken}`` of Secrets Manager; anything else is the schedule's."""
    return _step(event) if "Step" in event else _check()


def _step(event: dict[str, Any]) -> dict[str, Any]:
    step, secret = str(event["Step"]), str(event.get("SecretId"))
    try:
        secret_rotation.rotate(*stores(), parse_call(event))
    except FAILURES as failure:
        _count(step, "failed", secret, str(failure))
        raise RotationFailed(f"{step}: {failure}") from None
    _count(step, "done", secret)
    return {}


def _check() -> dict[str, Any]:
    """Take up every rotation that is not complete. What cannot go on now is counted, and tried by the next check."""
    manager, kind = stores()
    pending = [each for each in manager.with_pending(secret_prefix(kind.stage)) if each.rotates and not each.deleted]
    return {"pending": len(pending), "finished": sum(_taken_up(manager, kind, each) for each in pending)}


def _taken_up(manager: SecretsManager, kind: AgentKeys, secret: Secret) -> bool:
    try:
        secret_rotation.take_up(manager, kind, secret)
    except FAILURES as failure:
        _count("check", "failed", secret.arn, str(failure))
        return False
    _count("check", "done", secret.arn)
    return True


def _whoami(api_url: str, key_id: str, secret: str) -> tuple[str, str] | str:
    return gateway_probe.whoami(api_url, key_id, secret, int(time.time()), secrets.token_urlsafe(18))


def _count(step: str, outcome: str, secret: str, cause: str | None = None) -> None:
    telemetry.count("Rotation", dimensions={"Step": step, "Outcome": outcome}, secret_arn=secret, cause=cause)
