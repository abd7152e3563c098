"""Transactions: ask for one, read one, list them; one's own, or those that one may execute or assess."""

from typing import Any

from functions.agent_api.request import now, require, stores
from portcullis.aws import listings, records, transitions
from portcullis.aws.ledger import Rejected
from portcullis.aws.proxy import Answer, Refusal, header, json_answer, limit, parameter, text_body
from portcullis.domain.agent_requests import parties
from portcullis.domain.identifiers import AGENT_ID, TRANSACTION_ID, check_idempotency_key
from portcullis.domain.record import STATUSES, Principal, Record, describe, describe_violations
from portcullis.domain.transaction import parse_transaction
from portcullis.protocol.strict_json import MalformedInput

NO_SUCH_TRANSACTION = "There is no such transaction that this agent may see."
NO_SUCH_AGENT = "There is no such agent whose policy names this one as executor or risk agent."
_STATUS_CODES = {"approved": 201, "pending_approval": 202}


def _create(event: dict[str, Any], principal: Principal) -> Answer:
    """Decide. A repeat is answered with the transaction as it is now."""
    if "transactions:create" not in principal.scopes:
        raise Refusal("scope_missing", "The key lacks the scope transactions:create.")
    idempotency_key = check_idempotency_key(header(event, "Idempotency-Key"))
    transaction = parse_transaction(text_body(event))
    ledger = stores().ledger
    outcome = ledger.submit(principal, idempotency_key, transaction)
    fields = ledger.rate_fields(principal)
    if isinstance(outcome, Rejected):
        raise _rejection(outcome, fields)
    record = transitions.expire(stores().table, outcome, now())
    if record.status == "denied":
        violations = describe_violations(record.violations)
        raise Refusal("policy_denied", headers=fields, transaction_id=record.id, violations=violations)
    return json_answer(_STATUS_CODES.get(record.status, 200), describe(record), fields)


def _get_transaction(event: dict[str, Any], principal: Principal) -> Answer:
    require(principal, "transactions:read")
    agent, txid = _whose(event, principal), event["pathParameters"]["id"]
    record = None
    if TRANSACTION_ID.fullmatch(txid) and AGENT_ID.fullmatch(agent):
        record = records.read(stores().table, agent, txid)
    if record is None or not _may_see(principal, record):
        raise Refusal("not_found", NO_SUCH_TRANSACTION)
    return json_answer(200, describe(transitions.expire(stores().table, record, now())))


def _list_transactions(event: dict[str, Any], principal: Principal) -> Answer:
    require(principal, "transactions:read")
    agent, status = _whose(event, principal), parameter(event, "status")
    if status not in (None, *STATUSES):
        raise MalformedInput("status", f"one of {', '.join(STATUSES)}")
    if agent != principal.agent and not _is_named_by(principal, agent):
        raise Refusal("not_found", NO_SUCH_AGENT)
    found, cursor = listings.list_transactions(stores().table, agent, status, limit(event), parameter(event, "cursor"))
    return json_answer(200, {"transactions": [describe(record) for record in found], "cursor": cursor})


def _whose(event: dict[str, Any], principal: Principal) -> str:
    given = parameter(event, "agent")
    return principal.agent if given is None else given


def _may_see(principal: Principal, record: Record) -> bool:
    """Its own agent, who claimed it, a party of its escrow, and whom its agent's policy names."""
    if principal.agent in (record.agent, record.claimed_by) or principal.agent in parties(record):
        return True
    return _is_named_by(principal, record.agent)


def _is_named_by(principal: Principal, agent: str) -> bool:
    account = stores().ledger.account(agent) if AGENT_ID.fullmatch(agent) else None
    if account is None:
        return False
    policy = stores().policies.get(account.policy_sha256)
    return principal.agent in policy.executors | policy.risk_agents


def _rejection(rejected: Rejected, fields: dict[str, str]) -> Refusal:
    if rejected.retry_after is None:
        return Refusal(rejected.code, rejected.detail)
    return Refusal(rejected.code, headers={**fields, "Retry-After": str(rejected.retry_after)})


CREATION = ("POST", "/v1/transactions")
ROUTES = {
    CREATION: _create,
    ("GET", "/v1/transactions"): _list_transactions,
    ("GET", "/v1/transactions/{id}"): _get_transaction,
}
COMMITTING = (CREATION,)
"""Whose commit counts the request for its rate."""
