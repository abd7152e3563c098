"""DynamoDB's items as Python values, and its calls with their outcomes as values or exceptions."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcullis.aws.wire import AwsError, Service, Unavailable

Item = dict[str, Any]

MOST_KEYS = 100
"""That one BatchGetItem takes."""
_CONTENTION = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def to_attribute(value: Any) -> dict[str, Any]:
    """A Python value in DynamoDB's JSON; ints, strings, bytes, sets of strings, lists and maps only (no floats)."""
    match value:
        case bool():
            return {"BOOL": value}
        case None:
            return {"NULL": True}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": b64encode(value).decode()}
        case frozenset():
            return {"SS": sorted(value)}
        case list() | tuple():
            return {"L": [to_attribute(member) for member in value]}
        case dict():
            return {"M": to_attributes(value)}
    raise TypeError(f"no attribute type for {type(value).__name__}")


def to_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """Every value of an item by to_attribute."""
    return {name: to_attribute(value) for name, value in item.items()}


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The inverse of to_attribute."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "B":
            return b64decode(value)
        case "SS":
            return frozenset(value)
        case "L":
            return [from_attribute(member) for member in value]
        case "M":
            return from_attributes(value)
    raise TypeError(f"unexpected attribute type {kind}")


def from_attributes(attributes: Mapping[str, Any]) -> Item:
    """The inverse of to_attributes."""
    return {name: from_attribute(attribute) for name, attribute in attributes.items()}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one action of a transaction did not hold: DynamoDB's code, and the item as it was, where asked for."""

    code: str
    item: Item | None


class Cancelled(Exception):
    """A transaction was cancelled; ``reasons`` stand in the order of its actions."""

    def __init__(self, reasons: list[Reason]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = reasons

    @property
    def contention(self) -> bool:
        """Whether some action only met another transaction or a throttle, so that trying again may succeed."""
        return any(reason.code in _CONTENTION for reason in self.reasons)

    def failed(self, index: int) -> bool:
        """Whether the condition of action ``index`` did not hold."""
        return self.reasons[index].code == "ConditionalCheckFailed"


class Table:
    """The calls that the stores need, on one table."""

    def __init__(self, name: str, service: Service) -> None:
        self.name = name
        self._service = service

    def get(self, key: Item, *, consistent: bool = True) -> Item | None:
        """The item, or None."""
        answer = self._call("GetItem", Key=to_attributes(key), ConsistentRead=consistent)
        return from_attributes(answer["Item"]) if "Item" in answer else None

    def put_if(self, item: Item, condition: str, values: Item) -> bool:
        """Put ``item`` if ``condition`` holds; whether it did."""
        try:
            self._call(
                "PutItem",
                Item=to_attributes(item),
                ConditionExpression=condition,
                ExpressionAttributeValues=to_attributes(values),
            )
        except AwsError as error:
            if error.code == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def update_if(self, key: Item, update: Mapping[str, Any]) -> tuple[bool, Item]:
        """Update an item if ``update``'s condition holds: whether it did, and the item as it is now, or then was."""
        try:
            answer = self._call(
                "UpdateItem",
                Key=to_attributes(key),
                **update,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AwsError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            return False, from_attributes(error.payload.get("Item") or {})
        return True, from_attributes(answer["Attributes"])

    def get_many(self, keys: Sequence[Item], *, consistent: bool = False) -> list[Item]:
        """Those of the items that are there, in any order. No two keys may be equal."""
        found: list[Item] = []
        reading = {"ConsistentRead": True} if consistent else {}
        for start in range(0, len(keys), MOST_KEYS):
            wanted = [to_attributes(key) for key in keys[start : start + MOST_KEYS]]
            while wanted:
                answer = self._raw("BatchGetItem", {"RequestItems": {self.name: {"Keys": wanted, **reading}}})
                found += [from_attributes(item) for item in answer["Responses"].get(self.name, ())]
                left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
                if len(left) == len(wanted):
                    raise Unavailable("DynamoDB read none of a batch")
                wanted = left
        return found

    def scan(self, **request: Any) -> tuple[list[Item], Item | None]:
        """One page of a Scan and the key to go on from."""
        return self._page("Scan", request)

    def query(self, **request: Any) -> tuple[list[Item], Item | None]:
        """One page of a Query and the key to go on from."""
        return self._page("Query", request)

    def _page(self, operation: str, request: Mapping[str, Any]) -> tuple[list[Item], Item | None]:
        answer = self._call(operation, **request)
        items = [from_attributes(item) for item in answer.get("Items", ())]
        last = answer.get("LastEvaluatedKey")
        return items, from_attributes(last) if last else None

    def transact(self, *actions: dict[str, Any]) -> None:
        """All actions or none; Cancelled tells why none. Put and Update actions get this table's name."""
        named = [{kind: {"TableName": self.name, **body} for kind, body in action.items()} for action in actions]
        try:
            self._raw("TransactWriteItems", {"TransactItems": named})
        except AwsError as error:
            if error.code != "TransactionCanceledException":
                raise
            raise Cancelled(list(_reasons(error.payload))) from None

    def _call(self, operation: str, **payload: Any) -> dict[str, Any]:
        return self._raw(operation, {"TableName": self.name, **payload})

    def _raw(self, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._service.json_call(f"DynamoDB_20120810.{operation}", "1.0", payload)
        except AwsError as error:
            if error.code == "TransactionInProgressException":
                raise Unavailable(str(error)) from error
            raise


def _reasons(payload: dict[str, Any]) -> Iterator[Reason]:
    for reason in payload["CancellationReasons"]:
        item = reason.get("Item")
        yield Reason(reason.get("Code", "None"), from_attributes(item) if item else None)
