"""Transactions of an agent, as operators see them; and what nobody has claimed, taken back."""

from typing import Any

from functions.operator_api.request import account_of, actor_of, agent_of, existing, stores
from portcullis.aws import listings, records, transitions
from portcullis.aws.proxy import Answer, Refusal, json_answer, json_body, limit, parameter
from portcullis.domain import lifecycle
from portcullis.domain.approver_requests import Cancellation
from portcullis.domain.identifiers import TRANSACTION_ID
from portcullis.domain.lifecycle import Conflict
from portcullis.domain.record import STATUSES, Mover, Record, describe_to_operator
from portcullis.protocol.strict_json import MalformedInput

NO_SUCH_TRANSACTION = "This agent has no such transaction."


def _list_transactions(event: dict[str, Any]) -> Answer:
    status = parameter(event, "status")
    if status not in (None, *STATUSES):
        raise MalformedInput("status", f"one of {', '.join(STATUSES)}")
    found, cursor = listings.list_transactions(
        stores().table, account_of(event).agent, status, limit(event), parameter(event, "cursor")
    )
    return json_answer(200, {"transactions": [describe_to_operator(record) for record in found], "cursor": cursor})


def _get_transaction(event: dict[str, Any]) -> Answer:
    found = existing(records.read(stores().table, agent_of(event), _id(event)), NO_SUCH_TRANSACTION)
    return json_answer(200, describe_to_operator(transitions.expire(stores().table, found, actor_of(event).now)))


def _cancel(event: dict[str, Any]) -> Answer:
    reason, actor = json_body(event, Cancellation).reason, actor_of(event)
    mover = Mover(actor.arn, None, actor.source_ip, actor.now)

    def plan(record: Record, _: object) -> lifecycle.Outcome:
        return lifecycle.cancel(record, mover, reason)

    outcome = transitions.apply(stores().table, agent_of(event), _id(event), plan)
    if isinstance(outcome, Conflict):
        raise Refusal(outcome.code, outcome.detail)
    return json_answer(200, describe_to_operator(existing(outcome, NO_SUCH_TRANSACTION)))


def _id(event: dict[str, Any]) -> str:
    txid: str = event["pathParameters"]["id"]
    if not TRANSACTION_ID.fullmatch(txid):
        raise Refusal("not_found", NO_SUCH_TRANSACTION)
    return txid


ROUTES = {
    ("GET", "/v1/agents/{agent}/transactions"): _list_transactions,
    ("GET", "/v1/agents/{agent}/transactions/{id}"): _get_transaction,
    ("POST", "/v1/agents/{agent}/transactions/{id}/cancel"): _cancel,
}
