"""The parts of a request that a WAF statement can look at, and the transformations it applies to them."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

BODY_LIMIT = 16 * 1024
"""API Gateway hands WAF this much of a body, in bytes, unless the web ACL pays for more."""


@dataclass(frozen=True)
class Inspected:
    """A request as WAF sees it; header names in lower case, `path` with the stage, `query` as sent."""

    address: str
    method: str
    path: str
    query: str
    headers: Mapping[str, list[str]]
    body: bytes

    def header(self, name: str) -> str:
        return ",".join(self.headers.get(name.lower(), []))


def field_values(request: Inspected, field: Mapping[str, Any], limit: int = BODY_LIMIT) -> list[bytes]:
    """The values that a `FieldToMatch` names; empty when the request has no such part."""
    if "Body" in field:
        return [request.body[:limit]]
    if "UriPath" in field:
        return [request.path.encode()]
    if "QueryString" in field:
        return [request.query.encode()]
    if "Method" in field:
        return [request.method.encode()]
    if "SingleHeader" in field:
        return [value.encode() for value in request.headers.get(field["SingleHeader"]["Name"].lower(), [])]
    if "SingleQueryArgument" in field:
        wanted = field["SingleQueryArgument"]["Name"].lower()
        return [value.encode() for name, value in _arguments(request) if name.lower() == wanted]
    if "AllQueryArguments" in field:
        return [value.encode() for _name, value in _arguments(request)]
    raise ValueError(f"the local WAF cannot inspect {sorted(field)}")


def is_oversize(request: Inspected, field: Mapping[str, Any], limit: int = BODY_LIMIT) -> str | None:
    """The statement's oversize handling, when the body is larger than what is inspected."""
    if "Body" in field and len(request.body) > limit:
        return str((field["Body"] or {}).get("OversizeHandling", "CONTINUE"))
    return None


def transformed(value: bytes, transformations: list[Mapping[str, Any]]) -> bytes:
    """Apply a statement's text transformations in the order of their priority."""
    for transformation in sorted(transformations, key=lambda entry: int(entry["Priority"])):
        value = _TRANSFORMATIONS[transformation["Type"]](value)
    return value


def _arguments(request: Inspected) -> list[tuple[str, str]]:
    return parse_qsl(request.query, keep_blank_values=True)


def _base64(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        return value


_TRANSFORMATIONS: dict[str, Callable[[bytes], bytes]] = {
    "NONE": lambda value: value,
    "LOWERCASE": bytes.lower,
    "URL_DECODE": unquote_to_bytes,
    "BASE64_DECODE": _base64,
    "COMPRESS_WHITE_SPACE": lambda value: b" ".join(value.split()),
}
