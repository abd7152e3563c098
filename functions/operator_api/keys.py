"""Keys of an agent: issue, list, rotate, retire, revoke."""

from typing import Any

from functions.operator_api.request import account_of, actor_of, agent_of, entropy, existing, stores
from portcullis.aws import generations, key_issuing, key_records, key_revoking, key_succession, key_uses, listings
from portcullis.aws.changes import Conflict
from portcullis.aws.proxy import Answer, Refusal, header, json_answer, json_body, limit, parameter
from portcullis.domain.identifiers import check_idempotency_key
from portcullis.domain.key_requests import KeyRotation, describe_by_age
from portcullis.domain.key_rotation import successor
from portcullis.domain.operator_requests import NewKey, Retirement, describe_key, is_retry, new_key
from portcullis.domain.times import parse_rfc3339, rfc3339
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys
from portcullis.protocol.strict_json import MalformedInput

NO_SUCH_KEY = "This agent has no such key."
ROTATED_THERE = (
    "Secrets Manager rotates this key, with the stage's overlap. In an emergency revoke it, and issue another with "
    "deliver: the agent's secret then holds that one."
)


def _issue_key(event: dict[str, Any]) -> Answer:
    wanted, actor = json_body(event, NewKey), actor_of(event)
    if wanted.deliver:
        _require_deliverable(event, wanted)
    key_id = _new_key_id(event, f"key {agent_of(event)}")
    record = new_key(wanted, key_id, agent_of(event), actor.now, stores().rotation.key_class)
    if key_records.read(stores().table, key_id) is None:
        existing(key_issuing.issue(stores().table, actor, record))
    made = _made(record)
    return json_answer(201, describe_key(made) | _handed_out(event, made))


def _rotate_key(event: dict[str, Any]) -> Answer:
    wanted, actor, parent = json_body(event, KeyRotation), actor_of(event), _record(event)
    if parent.delivered:
        return _rotate_delivered(event, wanted, parent)
    overlap = wanted.overlap(stores().rotation.overlap)
    record = successor(parent, _new_key_id(event, f"rotate {parent.key_id}"), actor.now, wanted.public_key)
    if key_records.read(stores().table, record.key_id) is None:
        existing(key_succession.succeed(stores().table, actor, parent.key_id, record, overlap))
    made, ends_at = _made(record), _record(event).ends_at
    # An emergency that is asked for under the key of an ordinary rotation must not be answered as if it were done.
    if ends_at is None or ends_at > made.created_at + overlap:
        raise Refusal("idempotency_conflict", "This Idempotency-Key has let the old key work for longer. Revoke it.")
    return json_answer(201, {**describe_key(made), **_handed_out(event, made), "parent_ends_at": rfc3339(ends_at)})


def _rotate_delivered(event: dict[str, Any], wanted: KeyRotation, parent: KeyRecord) -> Answer:
    """Secrets Manager makes the successor and lets the old key end. None of it is there yet when this answers."""
    if wanted != KeyRotation():
        raise Conflict(ROTATED_THERE)
    if parent.state != "active":
        raise Conflict("The key has been replaced or revoked already.")
    token = entropy(event, f"rotate {parent.key_id}").hex()
    return json_answer(202, {"secret_arn": stores().deliveries.rotate_now(parent.agent, token)})


def _new_key_id(event: dict[str, Any], purpose: str) -> str:
    generation = generations.current(stores().table, stores().roots)
    return keys.new_key_id(stores().stage, generation, entropy(event, purpose))


def _made(wanted: KeyRecord) -> KeyRecord:
    """The key that this call, or its first try a while ago, has made of ``wanted``."""
    stored = key_records.read(stores().table, wanted.key_id)
    if stored is None or not is_retry(stored, wanted):
        raise Refusal("idempotency_conflict", "This Idempotency-Key has issued a key, whose secret is not shown again.")
    return stored


def _require_deliverable(event: dict[str, Any], wanted: NewKey) -> None:
    """Refuse before anything is made. Without an Idempotency-Key, a call that stops half-way could not be repeated."""
    if wanted.public_key is not None:
        raise MalformedInput("deliver", "an Ed25519 key has no secret to deliver; leave it out")
    check_idempotency_key(header(event, "Idempotency-Key"))
    stores().deliveries.require_possible(account_of(event).agent)


def _handed_out(event: dict[str, Any], record: KeyRecord) -> dict[str, Any]:
    """How the caller, or the agent itself, gets at the secret of a new key."""
    secret = None if record.public_key else stores().roots.secret_of(record.key_id)
    if secret is None:
        return {}
    if not record.delivered:
        return {"secret": secret}
    token = entropy(event, f"secret {record.agent}").hex()
    return {"secret_arn": stores().deliveries.deliver(record, secret, token, stores().rotation.rate(record.key_class))}


def _list_keys(event: dict[str, Any]) -> Answer:
    agent = account_of(event).agent
    found, cursor = listings.list_keys(stores().table, agent, limit(event), parameter(event, "cursor"))
    now = actor_of(event).now
    shown = [
        describe_by_age(key, stores().rotation, now) | {"last_used": key_uses.last(stores().nonces, key.key_id)}
        for key in found
    ]
    return json_answer(200, {"keys": shown, "cursor": cursor})


def _retire_key(event: dict[str, Any]) -> Answer:
    until = parse_rfc3339(json_body(event, Retirement).until)
    key_issuing.retire(stores().table, actor_of(event), agent_of(event), _key(event), until)
    return json_answer(200, describe_key(_record(event)))


def _revoke_key(event: dict[str, Any]) -> Answer:
    ended = key_revoking.revoke(stores().table, actor_of(event), agent_of(event), _key(event))
    return json_answer(200, {**describe_key(_record(event)), "revoked": ended})


def _revoke_all_keys(event: dict[str, Any]) -> Answer:
    agent = account_of(event).agent
    ended = key_revoking.revoke_all(stores().table, actor_of(event), agent, stores().stage)
    return json_answer(200, {"agent_id": agent, "revoked": ended})


def _key(event: dict[str, Any]) -> str:
    key_id: str = event["pathParameters"]["key"]
    if not keys.is_key_id(key_id):
        raise Refusal("not_found", NO_SUCH_KEY)
    return key_id


def _record(event: dict[str, Any]) -> KeyRecord:
    """The path's key as it is now, or not_found where the path's agent has none such."""
    record = key_records.read(stores().table, _key(event))
    if record is None or record.agent != agent_of(event):
        raise Refusal("not_found", NO_SUCH_KEY)
    return record


ROUTES = {
    ("POST", "/v1/agents/{agent}/keys"): _issue_key,
    ("GET", "/v1/agents/{agent}/keys"): _list_keys,
    ("POST", "/v1/agents/{agent}/keys/revoke"): _revoke_all_keys,
    ("POST", "/v1/agents/{agent}/keys/{key}/rotate"): _rotate_key,
    ("POST", "/v1/agents/{agent}/keys/{key}/retire"): _retire_key,
    ("POST", "/v1/agents/{agent}/keys/{key}/revoke"): _revoke_key,
}
