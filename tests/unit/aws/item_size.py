"""The size of an item as DynamoDB meters it ("Item sizes and formats" in its developer guide)."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

_COLLECTION_OVERHEAD = 3
_ELEMENT_OVERHEAD = 1


def item_size(attributes: Mapping[str, Any]) -> int:
    """Bytes of an item in DynamoDB's JSON: the UTF-8 of each name and the size of each value."""
    return sum(len(name.encode()) + _value_size(value) for name, value in attributes.items())


def _value_size(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_size(value)
        case "B":
            return len(b64decode(value))
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(member.encode()) for member in value)
        case "L":
            return _COLLECTION_OVERHEAD + sum(_ELEMENT_OVERHEAD + _value_size(member) for member in value)
        case "M":
            return _COLLECTION_OVERHEAD + _ELEMENT_OVERHEAD * len(value) + item_size(value)
    raise TypeError(f"unexpected attribute type {kind}")


def _number_size(text: str) -> int:
    """About one byte for two significant digits and one more; zeros at either end do not count, a sign does."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
