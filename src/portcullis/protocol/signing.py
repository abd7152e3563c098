r"""The signed request, scheme 1 (HMAC-SHA256, RFC 2104).

String to sign, UTF-8, without a trailing newline:

    METHOD \n PATH[?QUERY] \n TIMESTAMP \n NONCE \n BODY_SHA256

PATH is the absolute path of the request line, the stage included. QUERY is each pair percent-encoded (RFC 3986) and
sorted by encoded name, then encoded value, repeated names kept, as in AWS Signature Version 4. API Gateway delivers
decoded pairs, so the order on the wire is not part of what is signed; what is delivered is. No newline can stand in
any part, which makes the form injective. Vectors: ``tests/vectors/signing.json``.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from urllib.parse import quote

KEY_ID_HEADER = "X-API-Key"
TIMESTAMP_HEADER = "X-Timestamp"
NONCE_HEADER = "X-Nonce"
DIGEST_HEADER = "X-Content-SHA256"
SIGNATURE_HEADER = "X-Signature"
CREDENTIAL_HEADERS = (KEY_ID_HEADER, TIMESTAMP_HEADER, NONCE_HEADER, DIGEST_HEADER, SIGNATURE_HEADER)

MAX_SKEW_SECONDS = 300

_METHOD = re.compile(r"[A-Z]{1,16}", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+", re.ASCII)
_QUERY = re.compile(r"[A-Za-z0-9._~%=&-]*", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_HEX_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


class MalformedRequest(ValueError):
    """A part of the request has no canonical form. ``field`` names it; the message says what is expected."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: {expected}")
        self.field = field


def body_digest(body: bytes) -> str:
    """Lower-case hex SHA-256 of the raw body; of the empty string when there is none."""
    return hashlib.sha256(body).hexdigest()


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The canonical query of decoded ``(name, value)`` pairs, without the question mark."""
    try:
        encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    except UnicodeEncodeError:
        raise MalformedRequest("query", "names and values must be valid UTF-8") from None
    return "&".join(f"{name}={value}" for name, value in encoded)


def string_to_sign(method: str, path: str, query: str, timestamp: str, nonce: str, digest: str) -> str:
    """The text that is signed. ``query`` is in canonical form, empty when there is none.

    Raises MalformedRequest for a part outside its alphabet, before anything is computed from it.
    """
    check_target(method, path, query)
    _check(TIMESTAMP_HEADER, _TIMESTAMP, timestamp, "unix time in whole seconds, without sign or leading zero")
    check_nonce(nonce)
    _check(DIGEST_HEADER, _HEX_SHA256, digest, "64 lower-case hex digits, the SHA-256 of the raw body")
    target = f"{path}?{query}" if query else path
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n{digest}"


def check_target(method: str, path: str, query: str) -> None:
    """MalformedRequest unless method, path and canonical query are within their alphabets; both schemes ask for it."""
    _check("method", _METHOD, method, "an upper-case HTTP method")
    _check_path(path)
    _check("query", _QUERY, query, "the canonical form of docs/signing.md")


def check_nonce(nonce: str) -> str:
    """The nonce itself, or MalformedRequest."""
    _check(NONCE_HEADER, _NONCE, nonce, "16 to 128 characters of A-Z a-z 0-9 _ -")
    return nonce


def sign(secret: str, text: str) -> str:
    """Lower-case hex HMAC-SHA256 of ``text`` under the bytes of the secret string."""
    return hmac.new(secret.encode("ascii"), text.encode("utf-8"), hashlib.sha256).hexdigest()


def is_signature(text: str) -> bool:
    """Whether ``text`` has the shape of a signature: 64 lower-case hex digits."""
    return _HEX_SHA256.fullmatch(text) is not None


def matches(secret: str, text: str, signature: str) -> bool:
    """Whether ``signature`` is that of ``text``, compared in constant time."""
    return hmac.compare_digest(sign(secret, text).encode("ascii"), signature.encode("utf-8", "replace"))


def signed_headers(
    key_id: str, secret: str, method: str, path: str, query: str, body: bytes, timestamp: int, nonce: str
) -> dict[str, str]:
    """The five credential headers of one request. Never use a nonce twice: sign every attempt anew."""
    digest = body_digest(body)
    text = string_to_sign(method, path, query, str(timestamp), nonce, digest)
    values = (key_id, str(timestamp), nonce, digest, sign(secret, text))
    return dict(zip(CREDENTIAL_HEADERS, values, strict=True))


def _check_path(path: str) -> None:
    _check("path", _PATH, path, "an absolute path without %, empty segments or a trailing slash")
    if any(segment in (".", "..") for segment in path.split("/")):
        raise MalformedRequest("path", "no . or .. segments")


def _check(field: str, pattern: re.Pattern[str], value: str, expected: str) -> None:
    if not pattern.fullmatch(value):
        raise MalformedRequest(field, f"expected {expected}")
