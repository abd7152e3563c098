"""A request's body: JSON (RFC 8259) that says so, of bounded size, with one reading.

Stricter than the RFC: no duplicate names, no fractions, exponents, NaN or Infinity, no lone surrogates, bounded depth.
Amounts travel as decimal strings, so a number with a fraction can only be a mistake or an attack.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

MAX_BODY_BYTES = 16 * 1024
"""As much as the firewall inspects."""
MAX_POLICY_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
MAX_INTEGER_DIGITS = 18
MAX_FIELD_LENGTH = 100

_JSON_TYPE = re.compile(r"[ \t]*application/json[ \t]*(;[ \t]*charset=utf-8[ \t]*)?", re.ASCII | re.IGNORECASE)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)


class MalformedInput(ValueError):
    """The input breaks a rule. ``field`` names the place (``destination.wallet``), ``why`` the remedy.

    Names may be the caller's own, so what is shown of one is printable and short.
    """

    def __init__(self, field: str, why: str) -> None:
        shown = "".join(character if character.isprintable() else "?" for character in field[:MAX_FIELD_LENGTH])
        super().__init__(f"{shown}: {why}")
        self.field = shown
        self.why = why


def check_content_type(values: Sequence[str], body: bytes) -> None:
    """MalformedInput unless ``values``, those of every Content-Type, say JSON; without a body nothing need be said."""
    if len(values) > 1:
        raise MalformedInput("Content-Type", "send it once")
    if body and not (values and _JSON_TYPE.fullmatch(values[0])):
        raise MalformedInput("Content-Type", "send application/json with a body, with no charset or with charset=utf-8")


def decode(body: bytes) -> str:
    """The text of a body, or MalformedInput."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise MalformedInput("body", "not UTF-8; encode it so") from None


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object in ``text``, or MalformedInput."""
    if not text:
        raise MalformedInput("body", "empty; send a JSON object")
    if depth(text) > MAX_DEPTH:
        raise MalformedInput("body", f"nested too deeply; at most {MAX_DEPTH} levels")
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
    if "\\u" in text:
        _check_characters(value)
    return value


def depth(text: str) -> int:
    """How deep the brackets nest, 0 when they are too few to matter."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return 0
    level = deepest = 0
    for character in re.sub(r"[^][{}]+", "", _STRING.sub("", text)):
        level += 1 if character in "[{" else -1
        deepest = max(deepest, level)
    return deepest


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise MalformedInput("body", "a lone surrogate is no character; write both halves or neither") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedInput("body", "a member name appears twice; give it once")
    return members


def _fraction(_: str) -> Any:
    raise MalformedInput("body", "numbers with a fraction or exponent are refused; write amounts as strings")


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise MalformedInput("body", "a number has too many digits; write amounts as strings")
    return int(digits)
