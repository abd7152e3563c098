"""The authorizer's verdict: steps a to f in one list. Look-ups are passed in, so that the order is testable.

Owner of each step: a, b and d are the agent's to get right; c and e are the operator's records; f is the nonce table.
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from portcullis.domain.key_classes import DEFAULT_CLASS
from portcullis.domain.rate import Rate
from portcullis.protocol import keys, signing
from portcullis.protocol.credentials import Credentials, Refused, SignedRequest, read_credentials
from portcullis.protocol.message_signatures import ED25519, HMAC_SHA256

_DUMMY_SECRET = "0" * 55
_DUMMY_PUBLIC_KEY = bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666")  # the base point


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as stored. Instants are microseconds; ``ends_at`` is the expiry or the end of retiring, the earlier, and
    ``expires_at`` the expiry alone, which a successor inherits: while the key is active, they are the same.

    ``public_key`` is 32 bytes when ``algorithm`` is ed25519, which has no secret and only the second scheme; else None.
    ``parent`` is the key that this one replaces and ``successor`` the one that replaces it; ``lineage`` the first of
    those that, one by one, an agent has replaced by itself, None for the first. ``epoch`` is the account's when the key
    was issued; ``self_rotation`` says that its agent may replace it, ``delivered`` that Secrets Manager hands it to its
    agent and rotates it; ``due_at`` when somebody asked for its rotation, before its class would.
    """

    key_id: str
    agent: str
    state: str
    version: int
    scopes: tuple[str, ...]
    ip_ranges: tuple[str, ...]
    created_at: int
    ends_at: int | None = None
    rate: Rate | None = None
    algorithm: str = HMAC_SHA256
    public_key: bytes | None = None
    key_class: str = DEFAULT_CLASS
    parent: str | None = None
    successor: str | None = None
    lineage: str | None = None
    epoch: int = 0
    self_rotation: bool = False
    delivered: bool = False
    expires_at: int | None = None
    due_at: int | None = None

    def __post_init__(self) -> None:
        if self.state == "active":
            object.__setattr__(self, "expires_at", self.ends_at)

    @property
    def stage(self) -> str:
        """The stage that its id names."""
        return keys.parse_key_id(self.key_id).stage

    def has_ended(self, now: int) -> bool:
        """Whether its end has passed, whatever its stored state."""
        return self.ends_at is not None and self.ends_at <= now

    @property
    def first(self) -> str:
        """The key at the beginning of its lineage."""
        return self.lineage or self.key_id

    @property
    def live_name(self) -> str:
        """How the key stands in the account's ``live_keys``: the 22 digits of its id, and its version."""
        return f"{keys.parse_key_id(self.key_id).body}#{self.version}"


@dataclass(frozen=True, slots=True)
class Verified:
    """All of a to f passed."""

    key: KeyRecord
    digest: str


def verify(
    request: SignedRequest,
    *,
    stage: str,
    now: int,
    find_key: Callable[[str], KeyRecord | None],
    secret_of: Callable[[str], str | None],
    check_ed25519: Callable[[bytes, str, str], bool],
    claim_nonce: Callable[[str, str, int], bool],
) -> Verified | Refused:
    """Judge one request at ``now`` (microseconds). ``check_ed25519(public key, text, signature)``: is it that of the
    text? ``claim_nonce(key id, nonce, timestamp)``: first? ``secret_of(key id)``: None when its root is gone."""
    credentials = read_credentials(request, stage)  # a
    if isinstance(credentials, Refused):
        return credentials
    key_id = credentials.key_id.text
    if not credentials.is_current(now):  # b
        return Refused("timestamp_out_of_window", key_id)
    key = find_key(key_id)  # c
    signed = _signed(credentials, key, secret_of, check_ed25519)  # d
    if key is None or not signed or not _usable(key, now):  # e
        return Refused("invalid_credentials", key_id)
    if not _allowed(key.ip_ranges, request.source_ip):
        return Refused("ip_not_allowed", key_id)
    if not claim_nonce(key.key_id, credentials.nonce, credentials.timestamp):  # f
        return Refused("nonce_replayed", key_id)
    return Verified(key, credentials.digest)


def _signed(
    credentials: Credentials,
    key: KeyRecord | None,
    secret_of: Callable[[str], str | None],
    check_ed25519: Callable[[bytes, str, str], bool],
) -> bool:
    """Whether ``key`` made the signature. A key that is unknown or of another algorithm costs the same comparison."""
    fits = key is not None and key.algorithm == credentials.algorithm
    if credentials.algorithm == ED25519:
        public_key = key.public_key if key is not None and fits else None
        return check_ed25519(public_key or _DUMMY_PUBLIC_KEY, credentials.text, credentials.signature) and fits
    secret = secret_of(credentials.key_id.text) if fits else None
    matches = signing.matches(secret or _DUMMY_SECRET, credentials.text, credentials.signature)
    return matches and secret is not None


def _usable(key: KeyRecord, now: int) -> bool:
    return key.state in ("active", "retiring") and not key.has_ended(now)


def _allowed(ranges: Sequence[str], source_ip: str) -> bool:
    if not ranges:
        return True
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(text) for text in ranges)
