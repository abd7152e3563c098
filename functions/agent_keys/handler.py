"""The agents' own keys: list them, and replace the one that signs. The authorizer verified who asks."""

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from portcullis.aws import accounts, generations, key_records, key_revoking, key_succession, settings
from portcullis.aws.agent_calls import Calls
from portcullis.aws.changes import Actor, Conflict
from portcullis.aws.dynamo import Table
from portcullis.aws.ledger import Ledger
from portcullis.aws.policies import Policies
from portcullis.aws.proxy import Answer, Refusal, header, json_answer, json_body
from portcullis.aws.roots import Roots
from portcullis.aws.telling import Teller
from portcullis.aws.wire import Service
from portcullis.domain import self_rotation
from portcullis.domain.account import LOCKED_TEXT, Account
from portcullis.domain.identifiers import check_idempotency_key
from portcullis.domain.key_classes import Rotation
from portcullis.domain.record import Principal
from portcullis.domain.self_rotation import SelfRotation
from portcullis.domain.verification import KeyRecord


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of this process."""

    table: Table
    ledger: Ledger
    teller: Teller
    roots: Roots
    rotation: Rotation
    country_header: str | None


@cache
def stores() -> Stores:
    """Made on the first request."""
    own, environment = settings.agent_keys(), settings.aws()
    table = Table(own.core_table, Service("dynamodb", environment))
    return Stores(
        table,
        Ledger(table, Policies(Service("s3", environment), own.policy_bucket), micros=_now),
        Teller(environment, own.bus, "agent_keys"),
        Roots(Service("kms", environment), own.mac_keys, own.stage),
        own.rotation,
        own.country_header,
    )


def handler(event: dict[str, Any], _context: object) -> Answer:
    """A proxy event in, a proxy answer out."""
    own = stores()
    return Calls(ROUTES, own.ledger, own.teller, _now, own.country_header).answer(event)


def _list_keys(_event: dict[str, Any], principal: Principal) -> Answer:
    calling, account = _caller(principal)
    live, now = key_revoking.live_records(stores().table, account, calling.stage), _now()
    shown = [
        self_rotation.describe(each, stores().rotation, calling.key_id) for each in live if not each.has_ended(now)
    ]
    return json_answer(200, {"keys": shown})


def _rotate(event: dict[str, Any], principal: Principal) -> Answer:
    wanted, idempotency_key = json_body(event, SelfRotation), check_idempotency_key(header(event, "Idempotency-Key"))
    if stores().ledger.gate.is_closed():
        raise Refusal("agent_suspended", LOCKED_TEXT)
    old, account = _caller(principal)
    _check(self_rotation.refusal(old, account))
    generation = generations.current(stores().table, stores().roots)
    key_id = self_rotation.successor_id(old, generation, idempotency_key)
    stored = key_records.read(stores().table, key_id) or _succeed(old, wanted, key_id, principal.source_ip)
    _check(self_rotation.repeat_refusal(stored, wanted, _now()))
    secret = {} if stored.public_key else {"secret": stores().roots.secret_of(key_id)}
    return json_answer(201, self_rotation.describe(stored, stores().rotation, old.key_id) | secret)


def _succeed(old: KeyRecord, wanted: SelfRotation, key_id: str, source_ip: str) -> KeyRecord:
    actor = Actor(old.key_id, source_ip, _now(), verified=True)
    new = self_rotation.successor(old, wanted, key_id, actor.now)
    try:
        key_succession.succeed(stores().table, actor, old.key_id, new, stores().rotation.overlap, once=True)
    except Conflict as conflict:
        raise Refusal(conflict.code, str(conflict)) from None
    stored = key_records.read(stores().table, key_id)
    if stored is None:
        raise Refusal("state_conflict")
    return stored


def _check(refusal: tuple[str, str] | None) -> None:
    if refusal is not None:
        raise Refusal(*refusal)


def _caller(principal: Principal) -> tuple[KeyRecord, Account]:
    """The calling key and its agent's account as they are now."""
    key = key_records.read(stores().table, principal.key_id)
    account = accounts.read(stores().table, principal.agent)
    if key is None or account is None:
        raise Refusal("invalid_credentials")
    return key, account


def _now() -> int:
    return time.time_ns() // 1000


ROUTES = {
    ("GET", "/v1/keys"): _list_keys,
    ("POST", "/v1/keys/rotate"): _rotate,
}
