"""From what the bus delivers to entries of the audit log. Everything becomes an entry; nothing sensitive does.

What cannot be one (too large, malformed, of a version that is not known) becomes an entry that says so, with the
SHA-256 of what came: a hole in the log would be worse than an entry without content.
"""

import hashlib
import json
from typing import Any

from portcullis.domain import times
from portcullis.domain.audit_operations import Recordable
from portcullis.domain.events import VERSION
from portcullis.protocol import audit_entries
from portcullis.protocol.audit_entries import MAX_BYTES, MAX_INTEGER, Entry
from portcullis.protocol.log_errors import MalformedEntry
from portcullis.protocol.ocsf import ocsf_of

REMOVED = frozenset(
    {
        "access_token",
        "api_key",
        "authorization",
        "code",
        "cookie",
        "otp",
        "password",
        "private_key",
        "secret",
        "signature",
        "totp",
    }
)
"""Names of fields that are left out, wherever they stand."""
HASHED = frozenset({"body", "memo", "raw_body", "request_body"})
"""Names of fields of which only the SHA-256 is kept, as ``<name>_sha256``: bodies, and what an agent writes freely."""


def recordable(delivered: str, sent_at: int) -> Recordable:
    """The entry for an event as EventBridge wraps it; ``sent_at``, in microseconds, is when the queue received it."""
    received = delivered.encode("utf-8", "surrogatepass")
    try:
        wrapped = json.loads(delivered, parse_float=str, parse_int=_integer)
        event = wrapped["detail"]
        if event["v"] != VERSION:
            return _rejected("unknown_version", received, sent_at)
        if event["type"] != wrapped["detail-type"]:  # which is what IAM lets a role put
            return _rejected("malformed", received, sent_at)
        return of_event(event)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, MalformedEntry):
        return _rejected("oversize" if len(received) > MAX_BYTES else "malformed", received, sent_at)


def of_event(event: dict[str, Any]) -> Recordable:
    """The entry for an envelope. Raises what a malformed one leads to."""
    entry = _entry(event)
    return Recordable(entry.id, audit_entries.encode(entry), times.parse_rfc3339(entry.at))


def redacted(value: Any) -> Any:
    """``value`` without what is sensitive, at any depth."""
    if isinstance(value, list):
        return [redacted(member) for member in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for name, member in value.items():
        if name in HASHED and member is not None:
            kept[f"{name}_sha256"] = _digest(member)
        elif name not in REMOVED:
            kept[name] = redacted(member)
    return kept


def _entry(event: dict[str, Any]) -> Entry:
    """What of an envelope is recorded. The outcome is what the type says happened."""
    return Entry(
        id=event["id"],
        type=event["type"],
        at=event["at"],
        agent=event["agent"],
        key=event["key"],
        ip=event["ip"],
        txid=event["txid"],
        rev=event["rev"],
        verified=event["verified"],
        outcome=event["type"].rpartition(".")[2],
        ocsf=ocsf_of(event["type"], event["data"].get("severity")),
        data=redacted(event["data"]),
    )


def _rejected(reason: str, received: bytes, sent_at: int) -> Recordable:
    entry = audit_entries.rejected(reason, received, times.rfc3339(sent_at))
    return Recordable(entry.id, audit_entries.encode(entry), sent_at, rejected=True)


def _digest(member: Any) -> str:
    text = member if isinstance(member, str) else json.dumps(member, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _integer(digits: str) -> int | str:
    """JSON libraries disagree on larger ones, so those are kept as text."""
    return int(digits) if len(digits) <= 16 and abs(int(digits)) <= MAX_INTEGER else digits
