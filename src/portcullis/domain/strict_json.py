"""JSON as the gateway accepts it (RFC 8259, stricter): no duplicate names, no fractions, exponents, NaN or Infinity.

Amounts travel as decimal strings, so a number with a fraction can only be a mistake or an attack.
"""

import json
import re
from typing import Any

MAX_DEPTH = 32
MAX_INTEGER_DIGITS = 18
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


class MalformedInput(ValueError):
    """The input breaks a rule. ``field`` names the place (``destination.wallet``), ``why`` the remedy."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object in ``text``, or MalformedInput."""
    if _depth(text) > MAX_DEPTH:
        raise MalformedInput("body", f"nested deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_fraction,
            parse_constant=_fraction,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise MalformedInput("body", f"not JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(value, dict):
        raise MalformedInput("body", "expected a JSON object")
    return value


def _depth(text: str) -> int:
    """An upper bound of the nesting, so that the parser's recursion is never the limit."""
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedInput("body", "a member name appears twice")
    return members


def _fraction(_: str) -> Any:
    raise MalformedInput("body", "numbers with a fraction or exponent are refused; write amounts as strings")


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise MalformedInput("body", "a number has too many digits; write amounts as strings")
    return int(digits)
