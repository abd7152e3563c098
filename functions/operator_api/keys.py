"""Keys of an agent: issue, list, retire, revoke."""

from typing import Any

from functions.operator_api.request import account_of, actor_of, agent_of, entropy, existing, stores
from portcullis.aws import generations, key_issuing, key_records, key_revoking, key_uses, listings
from portcullis.aws.proxy import Answer, Refusal, header, json_answer, json_body, limit, parameter
from portcullis.domain.identifiers import check_idempotency_key
from portcullis.domain.operator_requests import NewKey, Retirement, describe_key, is_retry, new_key
from portcullis.domain.times import parse_rfc3339
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys
from portcullis.protocol.strict_json import MalformedInput

NO_SUCH_KEY = "This agent has no such key."


def _issue_key(event: dict[str, Any]) -> Answer:
    wanted, actor = json_body(event, NewKey), actor_of(event)
    if wanted.deliver:
        _require_deliverable(event, wanted)
    generation = generations.current(stores().table, stores().roots)
    key_id = keys.new_key_id(stores().stage, generation, entropy(event, f"key {agent_of(event)}"))
    record = new_key(wanted, key_id, agent_of(event), actor.now, stores().rotation.key_class)
    stored = key_records.read(stores().table, key_id)
    if stored is None:
        existing(key_issuing.issue(stores().table, actor, record))
        stored = key_records.read(stores().table, key_id)
    if stored is None or not is_retry(stored, record):
        raise Refusal("idempotency_conflict", "This Idempotency-Key has issued a key, whose secret is not shown again.")
    return json_answer(201, describe_key(stored) | _handed_out(event, stored))


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
    return {"secret_arn": stores().deliveries.deliver(record, secret, token)}


def _list_keys(event: dict[str, Any]) -> Answer:
    agent = account_of(event).agent
    found, cursor = listings.list_keys(stores().table, agent, limit(event), parameter(event, "cursor"))
    shown = [describe_key(key) | {"last_used": key_uses.last(stores().nonces, key.key_id)} for key in found]
    return json_answer(200, {"keys": shown, "cursor": cursor})


def _retire_key(event: dict[str, Any]) -> Answer:
    until = parse_rfc3339(json_body(event, Retirement).until)
    return _key_answer(key_issuing.retire(stores().table, actor_of(event), agent_of(event), _key(event), until))


def _revoke_key(event: dict[str, Any]) -> Answer:
    return _key_answer(key_revoking.revoke(stores().table, actor_of(event), agent_of(event), _key(event)))


def _key(event: dict[str, Any]) -> str:
    key_id: str = event["pathParameters"]["key"]
    if not keys.is_key_id(key_id):
        raise Refusal("not_found", NO_SUCH_KEY)
    return key_id


def _key_answer(record: KeyRecord | None) -> Answer:
    if record is None:
        raise Refusal("not_found", NO_SUCH_KEY)
    return json_answer(200, describe_key(record))


ROUTES = {
    ("POST", "/v1/agents/{agent}/keys"): _issue_key,
    ("GET", "/v1/agents/{agent}/keys"): _list_keys,
    ("POST", "/v1/agents/{agent}/keys/{key}/retire"): _retire_key,
    ("POST", "/v1/agents/{agent}/keys/{key}/revoke"): _revoke_key,
}
