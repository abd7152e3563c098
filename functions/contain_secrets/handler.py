"""A step of containment: rotates the secrets that an agent could reach."""

from functools import cache
from typing import Any

from portcullis.aws import incidents, settings
from portcullis.aws.dynamo import Table
from portcullis.aws.reachable_secrets import ReachableSecrets
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.wire import Service
from portcullis.domain.key_delivery import secret_prefix


@cache
def core() -> Table:
    """Where incidents are."""
    return Table(settings.core().core_table, Service("dynamodb", settings.aws()))


@cache
def secrets() -> ReachableSecrets:
    """What this process needs."""
    manager = SecretsManager(Service("secretsmanager", settings.aws()))
    return ReachableSecrets(manager, secret_prefix(settings.contain_secrets().stage))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Which secrets are rotated, and which a person has to change."""
    return incidents.perform(core(), event, lambda incident: secrets().rotate(incident.agent, incident.id))
