"""The transactions of the gateway for tests: which requests have the form of one, and how a decided one is shown."""

import hashlib
import json
import re
import unicodedata
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from portcullis.client.calls import TransactionFields
from portcullis.protocol import base62
from portcullis.protocol.strict_json import MalformedInput, decode, parse_object

_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_CLAIM_SECONDS = 24 * 3600
_LEASE_SECONDS = 900
_REQUIRED, _KNOWN = TransactionFields.__required_keys__, TransactionFields.__annotations__.keys()


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded transaction: what was asked, its public form, and the token of who claimed it."""

    content: dict[str, Any]
    described: dict[str, Any]
    claim_token: str | None = None


def transaction_id(agent_id: str, idempotency_key: str) -> str:
    """The id that the gateway gives: a hash, so that a retry meets its first try."""
    digest = hashlib.sha256(f"{agent_id}\n{idempotency_key}".encode()).digest()
    return "tx_" + base62.from_bytes(digest, 22)


def transaction_content(idempotency_key: str, body: bytes) -> dict[str, Any]:
    """What a body asks for, or MalformedInput. Addresses, chains and the form of amounts are the gateway's to check."""
    if not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise MalformedInput("Idempotency-Key", "send one header of 16 to 128 characters of A-Z a-z 0-9 _ -")
    content = parse_object(decode(body))
    for name in sorted(_REQUIRED - content.keys()):
        raise MalformedInput(name, "Field required")
    for name in sorted(content.keys() - _KNOWN):
        raise MalformedInput(name, "unknown field")
    if not isinstance(content["amount"], str):
        raise MalformedInput("amount", "Input should be a valid string")
    if not unicodedata.is_normalized("NFC", str(content.get("memo"))):
        raise MalformedInput("memo", "write it in Unicode's normalization form C (NFC)")
    return content


def decided(
    script: dict[str, Any], content: dict[str, Any], agent_id: str, key_id: str, idempotency_key: str, now: float
) -> Entry:
    """The transaction as ``script`` decides it, at ``now`` (unix seconds); every token is worth 1 USD."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    described = {
        "id": transaction_id(agent_id, idempotency_key),
        "status": script["status"],
        "agent_id": agent_id,
        "key_id": key_id,
        **content,
        "content_sha256": hashlib.sha256(canonical.encode()).hexdigest(),
        "usd": content["amount"],
        "policy": {"version": 1, "sha256": "0" * 64},
        "created_at": _rfc3339(now),
    }
    if script["status"] == "pending_approval":
        approval = {"by": script["by"], "missing": [script["by"]], "reasons": ["amount"]}
        described["approval"] = {**approval, "expires_at": _rfc3339(now + script["seconds"])}
    if script["status"] == "approved":
        described["expires_at"] = _rfc3339(now + _CLAIM_SECONDS)
    if script["status"] == "denied":
        described["violations"] = [asdict(violation) for violation in script["violations"]]
    return Entry(content, described)


def lease_end(now: float) -> str:
    """When a claim made ``now`` (unix seconds) lapses."""
    return _rfc3339(now + _LEASE_SECONDS)


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
