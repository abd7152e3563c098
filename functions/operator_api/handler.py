"""The operator API: API Gateway checked the caller's AWS signature and permission; every change names its caller."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from portcullis.aws import accounts, agents, key_issuing, key_records, key_uses, listings, prices, pricing, settings
from portcullis.aws.changes import Conflict
from portcullis.aws.dynamo import Table
from portcullis.aws.operator_calls import actor, entropy
from portcullis.aws.policies import Policies
from portcullis.aws.proxy import (
    Answer,
    Refusal,
    check_body,
    if_match,
    json_answer,
    json_body,
    limit,
    parameter,
    respond,
)
from portcullis.aws.roots import GENERATION, Roots
from portcullis.aws.wire import Service
from portcullis.domain import events, identifiers
from portcullis.domain.account import Account
from portcullis.domain.operator_requests import (
    TOKEN,
    NewAgent,
    NewKey,
    NewPrice,
    Retirement,
    Suspension,
    describe_account,
    describe_key,
    describe_price,
    is_retry,
    new_key,
)
from portcullis.domain.policy import PolicyDocument
from portcullis.domain.record import STATUSES, describe
from portcullis.domain.times import parse_rfc3339
from portcullis.domain.verification import KeyRecord
from portcullis.protocol import keys
from portcullis.protocol.strict_json import MAX_BODY_BYTES, MAX_POLICY_BYTES, MalformedInput, parse_object

NO_SUCH_KEY = "This agent has no such key."
BODY_LIMITS = {("PUT", "/v1/agents/{agent}/policy"): MAX_POLICY_BYTES}

logger = Logger(service="operator_api")


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of this process."""

    stage: str
    table: Table
    nonces: Table
    policies: Policies
    roots: Roots


@cache
def stores() -> Stores:
    """Made on the first request."""
    own, environment = settings.operator_api(), settings.aws()
    dynamodb = Service("dynamodb", environment)
    return Stores(
        own.stage,
        Table(own.core_table, dynamodb),
        Table(own.nonces_table, dynamodb),
        Policies(Service("s3", environment), own.policy_bucket),
        Roots(Service("kms", environment), own.mac_key_id, own.stage),
    )


def handler(event: dict[str, Any], _context: object) -> Answer:
    """A proxy event in, a proxy answer out."""
    return respond(event, lambda: _answer(event))


def _answer(event: dict[str, Any]) -> Answer:
    method, resource = event["httpMethod"], event["resource"]
    check_body(event, BODY_LIMITS.get((method, resource), MAX_BODY_BYTES))
    try:
        answer = _ROUTES[method, resource](event)
    except Conflict as conflict:
        raise Refusal(conflict.code, str(conflict)) from None
    if method != "GET":
        logger.info("change", extra={"route": f"{method} {resource}", "actor": actor(event).arn})
    return answer


def _create_agent(event: dict[str, Any]) -> Answer:
    wanted = json_body(event, NewAgent)
    agent = identifiers.agent_id(entropy(event, "agent"))
    account = agents.create(stores().table, stores().policies, actor(event), agent, wanted.name, wanted.policy)
    return json_answer(201, describe_account(account))


def _list_agents(event: dict[str, Any]) -> Answer:
    found, cursor = listings.list_agents(stores().table, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"agents": [describe_account(account) for account in found], "cursor": cursor})


def _get_agent(event: dict[str, Any]) -> Answer:
    return json_answer(200, describe_account(_account(event)))


def _suspend(event: dict[str, Any]) -> Answer:
    reason = json_body(event, Suspension).reason
    account = agents.suspend(stores().table, actor(event), _agent(event), reason)
    return json_answer(200, describe_account(_found(account)))


def _issue_key(event: dict[str, Any]) -> Answer:
    wanted, caller = json_body(event, NewKey), actor(event)
    key_id = keys.new_key_id(stores().stage, GENERATION, entropy(event, f"key {_agent(event)}"))
    record = new_key(wanted, key_id, _agent(event), caller.now)
    stored = key_records.read(stores().table, key_id)
    if stored is None:
        _found(key_issuing.issue(stores().table, caller, record))
        stored = key_records.read(stores().table, key_id)
    if stored is None or not is_retry(stored, record):
        raise Refusal("idempotency_conflict", "This Idempotency-Key has issued a key, whose secret is not shown again.")
    shown = {} if stored.public_key else {"secret": stores().roots.secret_of(key_id)}
    return json_answer(201, {**describe_key(stored), **shown})


def _list_keys(event: dict[str, Any]) -> Answer:
    found, cursor = listings.list_keys(stores().table, _account(event).agent, limit(event), parameter(event, "cursor"))
    shown = [describe_key(key) | {"last_used": key_uses.last(stores().nonces, key.key_id)} for key in found]
    return json_answer(200, {"keys": shown, "cursor": cursor})


def _retire_key(event: dict[str, Any]) -> Answer:
    until = parse_rfc3339(json_body(event, Retirement).until)
    return _key_answer(key_issuing.retire(stores().table, actor(event), _agent(event), _key(event), until))


def _revoke_key(event: dict[str, Any]) -> Answer:
    return _key_answer(key_issuing.revoke(stores().table, actor(event), _agent(event), _key(event)))


def _key(event: dict[str, Any]) -> str:
    key_id: str = event["pathParameters"]["key"]
    if not keys.is_key_id(key_id):
        raise Refusal("not_found", NO_SUCH_KEY)
    return key_id


def _key_answer(record: KeyRecord | None) -> Answer:
    if record is None:
        raise Refusal("not_found", NO_SUCH_KEY)
    return json_answer(200, describe_key(record))


def _get_policy(event: dict[str, Any]) -> Answer:
    return _policy_answer(_account(event))


def _put_policy(event: dict[str, Any]) -> Answer:
    document = json_body(event, PolicyDocument)
    account = agents.publish(stores().table, stores().policies, actor(event), _agent(event), document, if_match(event))
    return _policy_answer(_found(account))


def _policy_answer(account: Account) -> Answer:
    document = parse_object(stores().policies.text(account.policy_sha256))
    body = {"version": account.policy_version, "sha256": account.policy_sha256.hex(), "policy": document}
    return json_answer(200, body, {"ETag": f'"{account.policy_version}"'})


def _list_transactions(event: dict[str, Any]) -> Answer:
    status = parameter(event, "status")
    if status not in (None, *STATUSES):
        raise MalformedInput("status", f"one of {', '.join(STATUSES)}")
    agent = _account(event).agent
    found, cursor = listings.list_transactions(stores().table, agent, status, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"transactions": [describe(record) for record in found], "cursor": cursor})


def _list_events(event: dict[str, Any]) -> Answer:
    agent = _account(event).agent
    found, cursor = listings.list_changes(stores().table, agent, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"events": [events.of_change(item) for item in found], "cursor": cursor})


def _list_prices(_event: dict[str, Any]) -> Answer:
    entries = prices.read(stores().table).entries
    return json_answer(200, {"prices": {token: describe_price(entry) for token, entry in entries.items()}})


def _set_price(event: dict[str, Any]) -> Answer:
    token = event["pathParameters"]["token"]
    if not TOKEN.fullmatch(token):
        raise MalformedInput("token", "1 to 12 characters of A-Z 0-9")
    wanted, caller = json_body(event, NewPrice), actor(event)
    changed = pricing.set_price(stores().table, caller, token, wanted.usd, wanted.ends_at(caller.now))
    return json_answer(200, describe_price(changed.entries[token]))


def _agent(event: dict[str, Any]) -> str:
    agent: str = event["pathParameters"]["agent"]
    if not identifiers.AGENT_ID.fullmatch(agent):
        raise Refusal("not_found", "There is no such agent.")
    return agent


def _account(event: dict[str, Any]) -> Account:
    return _found(accounts.read(stores().table, _agent(event)))


def _found(account: Account | None) -> Account:
    if account is None:
        raise Refusal("not_found", "There is no such agent.")
    return account


_ROUTES = {
    ("POST", "/v1/agents"): _create_agent,
    ("GET", "/v1/agents"): _list_agents,
    ("GET", "/v1/agents/{agent}"): _get_agent,
    ("POST", "/v1/agents/{agent}/suspend"): _suspend,
    ("POST", "/v1/agents/{agent}/keys"): _issue_key,
    ("GET", "/v1/agents/{agent}/keys"): _list_keys,
    ("POST", "/v1/agents/{agent}/keys/{key}/retire"): _retire_key,
    ("POST", "/v1/agents/{agent}/keys/{key}/revoke"): _revoke_key,
    ("GET", "/v1/agents/{agent}/policy"): _get_policy,
    ("PUT", "/v1/agents/{agent}/policy"): _put_policy,
    ("GET", "/v1/agents/{agent}/transactions"): _list_transactions,
    ("GET", "/v1/agents/{agent}/events"): _list_events,
    ("GET", "/v1/prices"): _list_prices,
    ("PUT", "/v1/prices/{token}"): _set_price,
}
