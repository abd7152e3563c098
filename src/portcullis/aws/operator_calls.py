"""A call of the operator API: who makes it, and the randomness of what it makes."""

import hashlib
import secrets
import time
from typing import Any

from portcullis.aws.changes import Actor
from portcullis.aws.proxy import header
from portcullis.domain.identifiers import check_idempotency_key


def actor(event: dict[str, Any]) -> Actor:
    """The caller, whom API Gateway has authenticated, now."""
    identity = event["requestContext"]["identity"]
    return Actor(identity["userArn"], identity["sourceIp"], time.time_ns() // 1000)


def entropy(event: dict[str, Any], purpose: str) -> bytes:
    """Randomness for a new id; under an Idempotency-Key its digest, so that a retry meets what its first try made.

    The caller is a part of it: nobody else gets a secret shown again by repeating the key.
    """
    key = header(event, "Idempotency-Key")
    if key is None:
        return secrets.token_bytes(32)
    checked = check_idempotency_key(key)
    return hashlib.sha256(f"{purpose}\n{actor(event).arn}\n{checked}".encode()).digest()
