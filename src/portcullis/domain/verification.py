"""The authorizer's verdict: steps a to f in one list. Look-ups are passed in, so that the order is testable.

Owner of each step: a, b and d are the agent's to get right; c and e are the operator's records; f is the nonce table.
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from portcullis.domain.rate import Rate
from portcullis.domain.times import SECOND
from portcullis.protocol import keys, signing

_DUMMY_SECRET = "0" * 55


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What API Gateway tells an authorizer: ``headers`` with lower-case names and every value; decoded query pairs."""

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, Sequence[str]]
    source_ip: str


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as stored. Instants are microseconds; ``ends_at`` is the expiry or the end of retiring, the earlier."""

    key_id: str
    agent: str
    state: str
    version: int
    scopes: tuple[str, ...]
    ip_ranges: tuple[str, ...]
    created_at: int
    ends_at: int | None = None
    rate: Rate | None = None

    @property
    def live_name(self) -> str:
        """How the key stands in the account's ``live_keys``: the 22 digits of its id, and its version."""
        return f"{keys.parse_key_id(self.key_id).body}#{self.version}"


@dataclass(frozen=True, slots=True)
class Verified:
    """All of a to f passed."""

    key: KeyRecord
    digest: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The ``code`` of DESIGN 4."""

    code: str


@dataclass(frozen=True, slots=True)
class _Credentials:
    key_id: keys.KeyId
    timestamp: int
    nonce: str
    digest: str
    signature: str
    text: str


def verify(
    request: SignedRequest,
    *,
    stage: str,
    now: int,
    find_key: Callable[[str], KeyRecord | None],
    secret_of: Callable[[str], str],
    claim_nonce: Callable[[str, str, int], bool],
) -> Verified | Refused:
    """Judge one request at ``now`` (microseconds). ``claim_nonce(key id, nonce, timestamp)``: first?"""
    credentials = _read_credentials(request, stage)  # a
    if isinstance(credentials, Refused):
        return credentials
    if abs(now - credentials.timestamp * SECOND) > signing.MAX_SKEW_SECONDS * SECOND:  # b
        return Refused("timestamp_out_of_window")
    key = find_key(credentials.key_id.text)  # c
    secret = secret_of(credentials.key_id.text) if key else _DUMMY_SECRET
    signed = signing.matches(secret, credentials.text, credentials.signature)  # d
    if key is None or not signed or not _usable(key, now):  # e
        return Refused("invalid_credentials")
    if not _allowed(key.ip_ranges, request.source_ip):
        return Refused("ip_not_allowed")
    if not claim_nonce(key.key_id, credentials.nonce, credentials.timestamp):  # f
        return Refused("nonce_replayed")
    return Verified(key, credentials.digest)


def _read_credentials(request: SignedRequest, stage: str) -> _Credentials | Refused:
    values = [request.headers.get(name.lower(), ()) for name in signing.CREDENTIAL_HEADERS]
    if not all(values):
        return Refused("missing_credentials")
    if any(len(found) != 1 for found in values):
        return Refused("malformed_credentials")
    key_text, timestamp, nonce, digest, signature = (found[0] for found in values)
    try:
        key_id = keys.parse_key_id(key_text)
        query = signing.canonical_query(request.query)
        text = signing.string_to_sign(request.method, request.path, query, timestamp, nonce, digest)
    except (keys.MalformedKey, signing.MalformedRequest):
        return Refused("malformed_credentials")
    if key_id.stage != stage or not signing.is_signature(signature):
        return Refused("malformed_credentials")
    return _Credentials(key_id, int(timestamp), nonce, digest, signature, text)


def _usable(key: KeyRecord, now: int) -> bool:
    return key.state in ("active", "retiring") and (key.ends_at is None or now < key.ends_at)


def _allowed(ranges: Sequence[str], source_ip: str) -> bool:
    if not ranges:
        return True
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(text) for text in ranges)
