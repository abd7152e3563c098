"""Identifiers of agents and transactions, and the idempotency key."""

import hashlib
import re

from portcullis.protocol import base62
from portcullis.protocol.strict_json import MalformedInput

AGENT_ID = re.compile(r"ag_[0-9A-Za-z]{22}", re.ASCII)
TRANSACTION_ID = re.compile(r"tx_[0-9A-Za-z]{22}", re.ASCII)
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)


def agent_id(entropy: bytes) -> str:
    """An agent id from at least 16 bytes of randomness, or of a digest."""
    return "ag_" + base62.from_bytes(entropy, 22)


def transaction_id(agent: str, idempotency_key: str) -> str:
    """The transaction id: 131 bits of SHA-256 over agent and idempotency key, so that a retry meets its first try."""
    digest = hashlib.sha256(f"{agent}\n{idempotency_key}".encode()).digest()
    return "tx_" + base62.from_bytes(digest, 22)


def check_idempotency_key(text: str | None) -> str:
    """The key itself, or MalformedInput."""
    if text is None or not _IDEMPOTENCY_KEY.fullmatch(text):
        raise MalformedInput("Idempotency-Key", "send one header of 16 to 128 characters of A-Z a-z 0-9 _ -")
    return text
