"""What every route of the operator API reads from its request, and the stores of this process."""

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from portcullis.aws import accounts, settings
from portcullis.aws.audit_reader import AuditReader
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Table
from portcullis.aws.fleet import Gate
from portcullis.aws.key_delivery import Deliveries
from portcullis.aws.key_job_runs import KeyJobs
from portcullis.aws.lockdown_runs import WORKERS, Lockdowns
from portcullis.aws.policies import Policies
from portcullis.aws.proxy import Refusal, header, parameter
from portcullis.aws.roots import Roots
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.telling import Teller
from portcullis.aws.wire import Service
from portcullis.domain import identifiers
from portcullis.domain.account import Account
from portcullis.domain.key_classes import Rotation
from portcullis.protocol.strict_json import MalformedInput

ALL = "all"
NO_SUCH_AGENT = "There is no such agent."


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of this process."""

    stage: str
    table: Table
    nonces: Table
    profiles: Table
    policies: Policies
    roots: Roots
    teller: Teller
    audit: AuditReader
    rotation: Rotation
    deliveries: Deliveries
    key_jobs: KeyJobs
    lockdowns: Lockdowns
    gate: Gate


@cache
def stores() -> Stores:
    """Made on the first request."""
    own, environment = settings.operator_api(), settings.aws()
    table = Table(own.core_table, Service("dynamodb", environment))
    secrets_manager = SecretsManager(Service("secretsmanager", environment))
    deliveries = Deliveries(secrets_manager, own.stage, own.rotation_function)
    return Stores(
        own.stage,
        table,
        Table(own.nonces_table, Service("dynamodb", environment)),
        Table(own.profiles_table, Service("dynamodb", environment)),
        Policies(Service("s3", environment), own.policy_bucket),
        Roots(Service("kms", environment), own.mac_keys, own.stage),
        Teller(environment, own.bus, "operator_api"),
        AuditReader(settings.audit_reader(), environment),
        own.rotation,
        deliveries,
        KeyJobs(table, deliveries),
        Lockdowns([Table(own.core_table, Service("dynamodb", environment)) for _ in range(WORKERS)]),
        Gate(table),
    )


def actor_of(event: dict[str, Any]) -> Actor:
    """Who calls, as IAM has authenticated them."""
    identity = event["requestContext"]["identity"]
    return Actor(identity["userArn"], identity["sourceIp"], time.time_ns() // 1000)


Found = TypeVar("Found")


def agent_of(event: dict[str, Any]) -> str:
    """The agent that the path names; not_found when it cannot be one."""
    agent: str = event["pathParameters"]["agent"]
    if not identifiers.AGENT_ID.fullmatch(agent):
        raise Refusal("not_found", NO_SUCH_AGENT)
    return agent


def account_of(event: dict[str, Any]) -> Account:
    """The account of the path's agent, or not_found."""
    return existing(accounts.read(stores().table, agent_of(event)))


def existing(found: Found | None, otherwise: str = NO_SUCH_AGENT) -> Found:
    """``found``, or not_found where there is none."""
    if found is None:
        raise Refusal("not_found", otherwise)
    return found


def state_and_agent(event: dict[str, Any], states: Sequence[str], default: str) -> tuple[str | None, str | None]:
    """What a list is narrowed to: one of ``states``, None for ``all`` of them; and an agent, if one is given."""
    state, agent = parameter(event, "state") or default, parameter(event, "agent")
    if state not in (*states, ALL):
        raise MalformedInput("state", f"one of {', '.join(states)}, {ALL}")
    if agent is not None and not identifiers.AGENT_ID.fullmatch(agent):
        raise MalformedInput("agent", "an agent's id, ag_ and 22 letters or digits")
    return None if state == ALL else state, agent


def entropy(event: dict[str, Any], purpose: str) -> bytes:
    """Randomness for a new id; under an Idempotency-Key its digest, so that a retry meets what its first try made.

    The caller is a part of it: nobody else gets a secret shown again by repeating the key.
    """
    key = header(event, "Idempotency-Key")
    if key is None:
        return secrets.token_bytes(32)
    checked = identifiers.check_idempotency_key(key)
    return hashlib.sha256(f"{purpose}\n{actor_of(event).arn}\n{checked}".encode()).digest()
