"""What becomes of a transaction after its decision: claimed, settled, failed, cancelled, confirmed."""

from typing import Any

from functions.agent_api.moves import move, mover_of, txid_of
from functions.agent_api.request import require, require_to_move, stores
from functions.agent_api.transactions import NO_SUCH_TRANSACTION
from portcullis.aws.proxy import Answer, Refusal, json_answer, json_body
from portcullis.aws.redecision import approval_answer, confirmation
from portcullis.aws.transitions import Plan
from portcullis.domain import lifecycle
from portcullis.domain.account import ACTIVE, LOCKED, Account
from portcullis.domain.agent_requests import Cancellation, Claim, Confirmation, Failure, Settlement, parties
from portcullis.domain.lifecycle import Outcome
from portcullis.domain.record import Principal, Record, describe

REPORTING = (ACTIVE, LOCKED)
"""Whoever has claimed reports how that ended in a lockdown as well: what has moved has moved."""


def _claim(event: dict[str, Any], principal: Principal) -> Answer:
    require_to_move(principal, "transactions:claim")
    body, mover = json_body(event, Claim), mover_of(principal)

    def plan(record: Record, account: Account) -> Outcome:
        if not _is_executor(principal, account):
            raise Refusal("not_found", NO_SUCH_TRANSACTION)
        return lifecycle.claim(record, account, mover, body.token_sha256)

    return _moved(event, principal, body.agent_id, plan)


def _settle(event: dict[str, Any], principal: Principal) -> Answer:
    require(principal, "transactions:claim", REPORTING)
    body, mover = json_body(event, Settlement), mover_of(principal)

    def plan(record: Record, account: Account) -> Outcome:
        _require_executor(principal, record, account)
        return lifecycle.settle(record, mover, body.token_sha256, body.reference)

    return _moved(event, principal, body.agent_id, plan, REPORTING)


def _fail(event: dict[str, Any], principal: Principal) -> Answer:
    require(principal, "transactions:claim", REPORTING)
    body, mover = json_body(event, Failure), mover_of(principal)

    def plan(record: Record, account: Account) -> Outcome:
        _require_executor(principal, record, account)
        return lifecycle.fail(record, mover, body.token_sha256, body.reason)

    return _moved(event, principal, body.agent_id, plan, REPORTING)


def _cancel(event: dict[str, Any], principal: Principal) -> Answer:
    require(principal, "transactions:create")
    json_body(event, Cancellation)
    mover = mover_of(principal)
    return _moved(event, principal, principal.agent, lambda record, _: lifecycle.cancel(record, mover, None))


def _confirm(event: dict[str, Any], principal: Principal) -> Answer:
    require_to_move(principal, "transactions:confirm")
    body, mover = json_body(event, Confirmation), mover_of(principal)

    def plan(record: Record, account: Account) -> Outcome:
        if principal.agent not in {record.agent, *parties(record)}:
            raise Refusal("not_found", NO_SUCH_TRANSACTION)
        sha256 = bytes.fromhex(body.content_sha256)
        return confirmation(stores().table, stores().policies, mover, parties(record), sha256)(record, account)

    return approval_answer(_outcome(event, principal, body.agent_id, plan), mover)


def _is_executor(principal: Principal, account: Account) -> bool:
    """Whether the policy in force names it. An agent is never its own executor, whatever its policy says."""
    named = stores().policies.get(account.policy_sha256).executors
    return principal.agent != account.agent and principal.agent in named


def _require_executor(principal: Principal, record: Record, account: Account) -> None:
    """Who claimed it reports on it even when the policy names another one by now."""
    if principal.agent != record.claimed_by and not _is_executor(principal, account):
        raise Refusal("not_found", NO_SUCH_TRANSACTION)


def _moved(
    event: dict[str, Any], principal: Principal, agent: str, plan: Plan, states: tuple[str, ...] = (ACTIVE,)
) -> Answer:
    return json_answer(200, describe(_outcome(event, principal, agent, plan, states)))


def _outcome(
    event: dict[str, Any], principal: Principal, agent: str, plan: Plan, states: tuple[str, ...] = (ACTIVE,)
) -> Record:
    return move(principal, agent, txid_of(event, NO_SUCH_TRANSACTION), plan, NO_SUCH_TRANSACTION, states)


ROUTES = {
    ("POST", "/v1/transactions/{id}/claim"): _claim,
    ("POST", "/v1/transactions/{id}/settle"): _settle,
    ("POST", "/v1/transactions/{id}/fail"): _fail,
    ("POST", "/v1/transactions/{id}/cancel"): _cancel,
    ("POST", "/v1/transactions/{id}/confirm"): _confirm,
}
