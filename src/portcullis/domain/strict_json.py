"""JSON as the gateway accepts it (RFC 8259, stricter): no duplicate names, no fractions, exponents, NaN or Infinity.

Amounts travel as decimal strings, so a number with a fraction can only be a mistake or an attack.
"""

import json
from typing import Any

MAX_INTEGER_DIGITS = 18


class MalformedInput(ValueError):
    """The input breaks a rule. ``field`` names the place (``destination.wallet``), ``why`` the remedy."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object in ``text``, or MalformedInput."""
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
    except RecursionError:
        raise MalformedInput("body", "nested too deeply") from None
    if not isinstance(value, dict):
        raise MalformedInput("body", "expected a JSON object")
    return value


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
