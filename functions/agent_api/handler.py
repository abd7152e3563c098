"""The agent API: parse, call, render. The authorizer verified who asks; here the body is bound to it."""

import time
from functools import cache
from typing import Any

from functions.agent_api import risk
from portcullis.aws import settings
from portcullis.aws.dynamo import Table
from portcullis.aws.ledger import Ledger, Rejected
from portcullis.aws.policies import Policies
from portcullis.aws.proxy import Answer, Refusal, header, json_answer, raw_body, respond, text_body
from portcullis.aws.wire import Service
from portcullis.domain import rate
from portcullis.domain.identifiers import TRANSACTION_ID, check_idempotency_key
from portcullis.domain.rate_fields import rate_fields
from portcullis.domain.record import Principal, Record, describe, describe_violations
from portcullis.domain.transaction import parse_transaction
from portcullis.protocol.signing import body_digest

_STATUS_CODES = {"approved": 201, "pending_approval": 202}


@cache
def ledger() -> Ledger:
    """The stores of this process."""
    own, environment = settings.agent_api(), settings.aws()
    table = Table(own.core_table, Service("dynamodb", environment))
    policies = Policies(Service("s3", environment), own.policy_bucket)
    return Ledger(table, policies, micros=lambda: time.time_ns() // 1000)


def handler(event: dict[str, Any], _context: object) -> Answer:
    """A proxy event in, a proxy answer out. Whatever is not understood is refused."""
    return respond(event, lambda: _answer(event))


def _answer(event: dict[str, Any]) -> Answer:
    principal = _principal(event)
    if body_digest(raw_body(event)) != principal.digest:
        raise Refusal("body_digest_mismatch")
    handle = _ROUTES[event["httpMethod"], event["resource"]]
    if handle is _create_transaction:
        return handle(event, principal)
    fields = _admit(principal)
    answer = handle(event, principal)
    answer["headers"] |= fields
    return answer


def _principal(event: dict[str, Any]) -> Principal:
    context = event["requestContext"]
    verdict = context["authorizer"]
    return Principal(
        agent=verdict["agent"],
        key_id=verdict["key"],
        key_version=verdict["key_version"],
        scopes=frozenset(verdict["scopes"].split()),
        digest=verdict["digest"],
        source_ip=context["identity"]["sourceIp"],
        key_rate=rate.parse(verdict["rate"]),
    )


def _admit(principal: Principal) -> dict[str, str]:
    """Count a call; the rate fields of its answer."""
    admission = ledger().admit(principal)
    if isinstance(admission, Rejected):
        raise Refusal(admission.code)
    fields = rate_fields(admission.claims, admission.tats, suffix="-calls")
    if admission.retry_after is not None:
        raise Refusal("rate_limited", headers={**fields, "Retry-After": str(admission.retry_after)})
    return fields


def _whoami(_event: dict[str, Any], principal: Principal) -> Answer:
    account = ledger().account(principal.agent)
    if account is None:
        raise Refusal("invalid_credentials")
    described = {
        "agent_id": principal.agent,
        "name": account.name,
        "state": account.state,
        "key_id": principal.key_id,
        "scopes": sorted(principal.scopes),
        "policy_version": account.policy_version,
    }
    return json_answer(200, described)


def _create_transaction(event: dict[str, Any], principal: Principal) -> Answer:
    _require(principal, "transactions:create")
    idempotency_key = check_idempotency_key(header(event, "Idempotency-Key"))
    transaction = parse_transaction(text_body(event))
    outcome = ledger().submit(principal, idempotency_key, transaction)
    fields = ledger().rate_fields(principal)
    if isinstance(outcome, Rejected):
        raise _rejection(outcome, fields)
    if outcome.status == "denied":
        violations = describe_violations(outcome.violations)
        raise Refusal("policy_denied", headers=fields, transaction_id=outcome.id, violations=violations)
    return json_answer(_STATUS_CODES[outcome.status], describe(outcome), fields)


def _get_transaction(event: dict[str, Any], principal: Principal) -> Answer:
    _require(principal, "transactions:read")
    account = ledger().account(principal.agent)
    if account is None or account.state != "active":
        raise Refusal("agent_suspended")
    txid = event["pathParameters"]["id"]
    record: Record | None = None
    if TRANSACTION_ID.fullmatch(txid):
        record = ledger().read(principal.agent, txid)
    if record is None:
        raise Refusal("not_found", "This agent has no such transaction.")
    return json_answer(200, describe(record))


def _require(principal: Principal, scope: str) -> None:
    if scope not in principal.scopes:
        raise Refusal("scope_missing", f"The key lacks the scope {scope}.")


def _rejection(rejected: Rejected, fields: dict[str, str]) -> Refusal:
    if rejected.retry_after is None:
        return Refusal(rejected.code)
    return Refusal(rejected.code, headers={**fields, "Retry-After": str(rejected.retry_after)})


_ROUTES = {
    ("GET", "/v1/whoami"): _whoami,
    ("POST", "/v1/transactions"): _create_transaction,
    ("GET", "/v1/transactions/{id}"): _get_transaction,
    **risk.ROUTES,
}
