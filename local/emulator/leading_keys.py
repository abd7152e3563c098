"""The IAM condition key `dynamodb:LeadingKeys`.

Symptom mended: the key is never filled, and `ForAllValues:` over an absent key is true, so a role bound to the items of
one partition could reach every item, also through a transaction.
"""

from collections.abc import Iterator
from typing import Any

from local.emulator.hooks import as_object, module, replace
from local.emulator.key_conditions import equality_value

KEY = "dynamodb:LeadingKeys"
Request = dict[str, Any]


class ItemArn(str):
    """The ARN of a transaction item's table that also carries the item's leading keys to `enforce`."""

    leading_keys: list[str]


def mend() -> None:
    actions, evaluator = module("core.iam_actions"), module("core.iam_evaluator")

    def service_context(original: Any) -> Any:
        def build(body: bytes) -> Request:
            context: Request = original(body)
            keys = list(leading_keys(as_object(body)))
            return {**context, KEY: keys} if keys else context

        return build

    def enforce(original: Any) -> Any:
        def check(*args: Any, **named: Any) -> Any:
            arn = named.get("resource_arn")
            if isinstance(arn, ItemArn):
                named["service_context"] = {**(named.get("service_context") or {}), KEY: arn.leading_keys}
            return original(*args, **named)

        return check

    replace(actions, "dynamodb_service_context", service_context)
    replace(actions, "dynamodb_transaction_checks", _transaction_checks)
    replace(evaluator, "enforce", enforce)


def _transaction_checks(_original: Any) -> Any:
    members = module("core.iam_actions")._DYNAMODB_TRANSACT_ITEM_ACTIONS

    def checks(action: str, body: bytes, region: str, account: str) -> list[tuple[str, str]]:
        if action not in ("dynamodb:TransactWriteItems", "dynamodb:TransactGetItems"):
            return []
        found: list[tuple[str, str]] = []
        for item in as_object(body).get("TransactItems") or []:
            for member, item_action in members.items():
                if isinstance(item, dict) and isinstance(item.get(member), dict):
                    found.append((item_action, _item_arn(item[member], region, account)))
        return found

    return checks


def _item_arn(part: Request, region: str, account: str) -> ItemArn:
    table = str(part.get("TableName", ""))
    arn = ItemArn(table if table.startswith("arn:") else f"arn:aws:dynamodb:{region}:{account}:table/{table}")
    arn.leading_keys = list(leading_keys(part))
    return arn


def leading_keys(request: Request) -> Iterator[str]:
    """The partition key values that a DynamoDB request names, of every item it touches."""
    for table, requests in (request.get("RequestItems") or {}).items():
        yield from _batch_keys(table, requests)
    name = partition_key(str(request.get("TableName", "")), request.get("IndexName"))
    if name is None:
        return
    for member in ("Key", "Item"):
        if isinstance(request.get(member), dict) and name in request[member]:
            yield _scalar(request[member][name])
    queried = equality_value(request, name)
    if queried is not None:
        yield _scalar(queried)


def _batch_keys(table: str, requests: Any) -> Iterator[str]:
    if isinstance(requests, dict):
        requests = [{"Get": {"Key": key}} for key in requests.get("Keys") or []]
    for entry in requests:
        for part in entry.values():
            yield from leading_keys({"TableName": table, **part})


def partition_key(table: str, index: str | None) -> str | None:
    """The name of the partition key of a table or of one of its indexes."""
    record = module("services.dynamodb")._tables.get(table.rsplit("/", 1)[-1])
    if record is None:
        return None
    schema = record["KeySchema"]
    if index:
        indexes = [*(record.get("GlobalSecondaryIndexes") or []), *(record.get("LocalSecondaryIndexes") or [])]
        schema = next((entry["KeySchema"] for entry in indexes if entry["IndexName"] == index), schema)
    return next((str(part["AttributeName"]) for part in schema if part["KeyType"] == "HASH"), None)


def _scalar(value: dict[str, Any]) -> str:
    return str(next(iter(value.values()), ""))
