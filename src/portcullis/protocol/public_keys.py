"""Ed25519 public keys as operators register them: raw in base64url, or PEM (RFC 8410). Standard library only.

A key that no private key of its owner stands behind is refused before it is stored: one that is not canonical, is not
on the curve (RFC 8032 section 5.1.3), or is of small order, under which anyone can make signatures that verify.
"""

import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode

KEY_BYTES = 32
MAX_TEXT = 256

_RAW = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/]{59}=)\n-----END PUBLIC KEY-----\n?", re.ASCII)
_SPKI_PREFIX = bytes.fromhex(
    "302a300506032b6570032100"
)  # SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


class MalformedPublicKey(ValueError):
    """The text is no Ed25519 public key that can be trusted. The message says what is expected."""


def parse_ed25519(text: str) -> bytes:
    """The 32 bytes of the key in ``text``, or MalformedPublicKey."""
    key = _bytes_of(text.replace("\r\n", "\n"))
    _check_point(key)
    return key


def encode_ed25519(key: bytes) -> str:
    """The canonical text of a key: 43 characters of base64url without padding."""
    return urlsafe_b64encode(key).decode().rstrip("=")


def _bytes_of(text: str) -> bytes:
    if _RAW.fullmatch(text):
        key = urlsafe_b64decode(text + "=")
        if encode_ed25519(key) == text:
            return key
    if match := _PEM.fullmatch(text):
        der = b64decode(match[1])
        if len(der) == len(_SPKI_PREFIX) + KEY_BYTES and der.startswith(_SPKI_PREFIX):
            return der[len(_SPKI_PREFIX) :]
    raise MalformedPublicKey("expected an Ed25519 public key: 43 characters of base64url, or PEM (BEGIN PUBLIC KEY)")


def _check_point(key: bytes) -> None:
    encoded = int.from_bytes(key, "little")
    y, negative = encoded & (2**255 - 1), encoded >> 255
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    on_curve = x_squared == 0 or pow(x_squared, (_P - 1) // 2, _P) == 1
    if y >= _P or not on_curve or (x_squared == 0 and negative):
        raise MalformedPublicKey("these bytes are not the canonical form of a point of the curve")
    if _is_small_order(y, x_squared):
        raise MalformedPublicKey("a key of small order: signatures under it can be made by anyone")


def _is_small_order(y: int, x_squared: int) -> bool:
    """Whether eight times the point is the neutral element: doubling only needs y and x squared."""
    for _ in range(3):
        # (x, y) doubled has y' = (y^2 + x^2) / (1 - d x^2 y^2), and then x'^2 follows from the curve's equation.
        y = (y * y + x_squared) * pow(1 - _D * x_squared * y * y, -1, _P) % _P
        x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    return y == 1
