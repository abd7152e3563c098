"""Which partition a DynamoDB query names."""

import re
from typing import Any

_EQUALITY = re.compile(r"([#\w.-]+)\s*=\s*(:\w+)")


def equality_value(request: dict[str, Any], key: str) -> Any:
    """The attribute value that a query's condition requires of `key`, or None."""
    legacy = (request.get("KeyConditions") or {}).get(key)
    if legacy:
        return legacy["AttributeValueList"][0]
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    for name, value in _EQUALITY.findall(request.get("KeyConditionExpression") or ""):
        if names.get(name, name) == key:
            return values.get(value)
    return None
