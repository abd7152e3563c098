"""The calls of the agent API: arguments in, request and parser out. Shared by Gateway and AsyncGateway."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, NotRequired, TypedDict, TypeVar

from portcullis.client import parsing
from portcullis.client.errors import InvalidRequestError
from portcullis.client.exchange import Answer, Call
from portcullis.client.results import Decision, Identity

Result = TypeVar("Result")
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,18})?", re.ASCII)


class TransactionFields(TypedDict):
    """The keywords of create_transaction. ``destination`` is exactly one of ``{"wallet": ...}``, ``{"contract": ...}``,
    ``{"agent": ...}``, ``{"merchant": {"id": ..., "category": ...}}``."""

    kind: str
    amount: Decimal | str
    token: str
    chain: str
    destination: Mapping[str, Any]
    memo: NotRequired[str | None]
    instructed_by: NotRequired[str | None]
    call: NotRequired[Mapping[str, str] | None]
    token_out: NotRequired[str | None]
    min_out: NotRequired[Decimal | str | None]
    escrow_id: NotRequired[str | None]


_OPTIONAL = TransactionFields.__optional_keys__
_REQUIRED = TransactionFields.__required_keys__


@dataclass(frozen=True, slots=True)
class Operation(Generic[Result]):
    """A call, how its answer is read, and the idempotency key it carries."""

    call: Call
    parse: Callable[[Answer], Result]
    idempotency_key: str | None = None


def whoami() -> Operation[Identity]:
    """``GET /v1/whoami``."""
    return Operation(Call("GET", "/v1/whoami", repeatable=True), parsing.identity)


def create_transaction(idempotency_key: str | None, fields: Mapping[str, Any]) -> Operation[Decision]:
    """``POST /v1/transactions``, repeatable because every attempt carries the same Idempotency-Key."""
    return idempotent("/v1/transactions", _body(fields), idempotency_key, parsing.created)


def idempotent(path: str, body: bytes, key: str | None, parse: Callable[[Answer], Result]) -> Operation[Result]:
    """A POST of JSON under an Idempotency-Key, which is made when there is none."""
    key = secrets.token_urlsafe(24) if key is None else key
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidRequestError("idempotency_key: expected 16 to 128 characters of A-Z a-z 0-9 _ -.")
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return Operation(Call("POST", path, repeatable=True, body=body, headers=headers), parse, key)


def decimal_text(name: str, amount: object) -> str:
    """The plain decimal of an amount; floats are refused, for they are not the number that was meant."""
    if not isinstance(amount, Decimal | str):
        raise InvalidRequestError(
            f'{name}: expected a Decimal or a string such as "12.50", not {type(amount).__name__}.'
        )
    if isinstance(amount, str):
        text = amount
    else:
        text = f"{amount:f}" if amount.is_finite() and -30 <= amount.adjusted() <= 30 else ""
    if not _AMOUNT.fullmatch(text) or not text.strip("0."):
        raise InvalidRequestError(
            f"{name}: expected an amount above zero, at most 30 digits and 18 decimal places, without sign or exponent."
        )
    return text


def _body(fields: Mapping[str, Any]) -> bytes:
    unknown, missing = fields.keys() - _REQUIRED - _OPTIONAL, _REQUIRED - fields.keys()
    if unknown or missing:
        words = [f"unknown {name}" for name in sorted(unknown)] + [f"missing {name}" for name in sorted(missing)]
        raise InvalidRequestError(f"create_transaction: {', '.join(words)}.")
    body = {name: value for name, value in fields.items() if name in _REQUIRED or value is not None}
    for name in ("amount", "min_out"):
        if name in body:
            body[name] = decimal_text(name, body[name])
    try:
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=_plain, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"create_transaction: a field is not JSON ({type(error).__name__}).") from None


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
