"""Transactions of an agent, as operators see them."""

from typing import Any

from functions.operator_api.request import account_of, stores
from portcullis.aws import listings
from portcullis.aws.proxy import Answer, json_answer, limit, parameter
from portcullis.domain.record import STATUSES, describe_to_operator
from portcullis.protocol.strict_json import MalformedInput


def _list_transactions(event: dict[str, Any]) -> Answer:
    status = parameter(event, "status")
    if status not in (None, *STATUSES):
        raise MalformedInput("status", f"one of {', '.join(STATUSES)}")
    found, cursor = listings.list_transactions(
        stores().table, account_of(event).agent, status, limit(event), parameter(event, "cursor")
    )
    return json_answer(200, {"transactions": [describe_to_operator(record) for record in found], "cursor": cursor})


ROUTES = {
    ("GET", "/v1/agents/{agent}/transactions"): _list_transactions,
}
