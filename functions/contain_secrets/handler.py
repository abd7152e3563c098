"""A step of containment: rotates the secrets that an agent could reach."""

from functools import cache
from typing import Any

from portcullis.aws import settings
from portcullis.aws.reachable_secrets import ReachableSecrets
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.wire import Service
from portcullis.domain.key_delivery import secret_prefix


@cache
def secrets() -> ReachableSecrets:
    """What this process needs."""
    manager = SecretsManager(Service("secretsmanager", settings.aws()))
    return ReachableSecrets(manager, secret_prefix(settings.contain_secrets().stage))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Which secrets are rotated, and which a person has to change."""
    return secrets().rotate(event["agent"], event["incident"])
