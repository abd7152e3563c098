"""The rotation of delivered keys: Secrets Manager calls each of its four steps, a schedule the check of what is left.

A step that fails raises, which Secrets Manager takes for the rotation's failure, and an alarm counts.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable
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
from portcullis.domain.secret_rotation import Postponed, RefusedStep, Secret, parse_call

RESERVE_MILLISECONDS = 60_000
"""The longest that one rotation may take."""
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
    if "Step" in event:
        return _step(event)
    return _check(lambda: bool(context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS))


def _step(event: dict[str, Any]) -> dict[str, Any]:
    step, secret = str(event["Step"]), str(event.get("SecretId"))
    try:
        secret_rotation.rotate(*stores(), parse_call(event))
    except FAILURES as failure:
        _count(step, "failed", secret, str(failure))
        raise RotationFailed(f"{step}: {failure}") from None
    _count(step, "done", secret)
    return {}


def _check(more: Callable[[], bool]) -> dict[str, Any]:
    """Take up every rotation that is not complete, while there is time. What fails is tried again by the next check."""
    manager, kind = stores()
    outcomes: Counter[str] = Counter()
    for secret in manager.with_pending(secret_prefix(kind.stage)):
        if not more():
            break
        if secret.rotates and not secret.deleted:
            outcomes[_taken_up(manager, kind, secret)] += 1
    if outcomes["failed"]:
        raise RotationFailed(f"{outcomes['failed']} rotations are not complete")
    return dict(outcomes)


def _taken_up(manager: SecretsManager, kind: AgentKeys, secret: Secret) -> str:
    outcome, cause = "done", None
    try:
        secret_rotation.take_up(manager, kind, secret)
    except FAILURES as failure:
        outcome, cause = "postponed" if isinstance(failure, Postponed) else "failed", str(failure)
    _count("check", outcome, secret.arn, cause)
    return outcome


def _whoami(api_url: str, key_id: str, secret: str) -> tuple[str, str] | str:
    return gateway_probe.whoami(api_url, key_id, secret, int(time.time()), secrets.token_urlsafe(18))


def _count(step: str, outcome: str, secret: str, cause: str | None = None) -> None:
    telemetry.count("Rotation", dimensions={"Step": step, "Outcome": outcome}, secret_arn=secret, cause=cause)
