"""Signatures of webhooks as Standard Webhooks 1.0.0 has them, with its symmetric scheme ``v1``.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hashlib
import hmac
from base64 import b64decode, b64encode

PREFIX = "whsec_"


def signed_headers(secret: str, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. ``secret`` is base64 with or without its prefix, ``timestamp`` is in unix seconds."""
    key = b64decode(secret.removeprefix(PREFIX), validate=True)
    digest = hmac.digest(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
