"""One-time codes from a shared secret and the clock: TOTP (RFC 6238) on HOTP (RFC 4226), HMAC-SHA-1, 6 digits, 30 s.

These parameters are what every authenticator app knows. A code is accepted in its own step and in the one before and
after it; whoever checks has to remember the step that matched, for a code is good once.
"""

import hmac
from base64 import b32encode
from urllib.parse import quote, urlencode

PERIOD_SECONDS = 30
DIGITS = 6
SKEW = 1
SECRET_BYTES = 20
ISSUER = "Portcullis"


def step_at(seconds: int) -> int:
    """The time step that an instant falls in."""
    return seconds // PERIOD_SECONDS


def code(secret: bytes, step: int) -> str:
    """The code of one step."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matched_step(secret: bytes, given: str, seconds: int) -> int | None:
    """The step whose code ``given`` is, or None. All are compared, each in constant time."""
    now, matched = step_at(seconds), None
    for step in range(max(0, now - SKEW), now + SKEW + 1):
        if hmac.compare_digest(code(secret, step).encode(), given.encode()):
            matched = step
    return matched


def mac_message(approver: str) -> bytes:
    """What the root key authenticates to derive an approver's secret: a context for this use, then the id."""
    return b"portcullis/approver-totp/v1\n" + approver.encode("ascii")


def secret_from_mac(mac: bytes) -> bytes:
    """The secret for a MAC: its first 20 bytes, the length that RFC 4226 recommends."""
    if len(mac) < SECRET_BYTES:
        raise ValueError(f"the MAC has at least {SECRET_BYTES} bytes")
    return mac[:SECRET_BYTES]


def base32(secret: bytes) -> str:
    """The secret as people type it into an app (RFC 4648, without padding)."""
    return b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, account: str) -> str:
    """The ``otpauth://`` URI that a QR code carries to the app; ``account`` is what the app shows."""
    parameters = {"secret": base32(secret), "issuer": ISSUER, "algorithm": "SHA1", "digits": DIGITS}
    query = urlencode({**parameters, "period": PERIOD_SECONDS}, quote_via=quote)
    return f"otpauth://totp/{quote(f'{ISSUER}:{account}', safe='')}?{query}"
