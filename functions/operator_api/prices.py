"""The price table: read, set."""

from typing import Any

from functions.operator_api.request import actor_of, stores
from portcullis.aws import prices, pricing
from portcullis.aws.proxy import Answer, json_answer, json_body
from portcullis.domain.operator_requests import TOKEN, NewPrice, describe_price
from portcullis.protocol.strict_json import MalformedInput


def _list_prices(_event: dict[str, Any]) -> Answer:
    entries = prices.read(stores().table).entries
    return json_answer(200, {"prices": {token: describe_price(entry) for token, entry in entries.items()}})


def _set_price(event: dict[str, Any]) -> Answer:
    token = event["pathParameters"]["token"]
    if not TOKEN.fullmatch(token):
        raise MalformedInput("token", "1 to 12 characters of A-Z 0-9")
    wanted, actor = json_body(event, NewPrice), actor_of(event)
    changed = pricing.set_price(stores().table, actor, token, wanted.entry(actor.now))
    return json_answer(200, describe_price(changed.entries[token]))


ROUTES = {
    ("GET", "/v1/prices"): _list_prices,
    ("PUT", "/v1/prices/{token}"): _set_price,
}
