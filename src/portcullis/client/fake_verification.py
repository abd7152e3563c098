"""Verification in the gateway for tests: the authorizer's steps a to f in either scheme, then the body's digest."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qsl

import httpx

from portcullis.client import ed25519
from portcullis.protocol import keys, signing
from portcullis.protocol.credentials import Credentials, Refused, SignedRequest, read_credentials
from portcullis.protocol.message_signatures import ED25519, HMAC_SHA256
from portcullis.protocol.public_keys import parse_ed25519


@dataclass
class _Key:
    """``verifies(text, signature)``: is it that of the text?"""

    algorithm: str
    verifies: Callable[[str, str], bool] = field(repr=False)
    live: bool = True


class FakeVerifier:
    """Made-up keys of one stage and the nonces that they have used. ``clock`` in unix seconds."""

    def __init__(self, stage: str, clock: Callable[[], float]) -> None:
        self._stage = stage
        self._clock = clock
        self._keys: dict[str, _Key] = {}
        self._nonces: set[tuple[str, str]] = set()

    def issue(self) -> tuple[str, str]:
        """A new key id and its secret."""
        secret = keys.secret_from_mac(self._stage, secrets.token_bytes(32))
        return self._add(_Key(HMAC_SHA256, partial(signing.matches, secret))), secret

    def register(self, public_key: str) -> str:
        """A new key id for an Ed25519 public key; MalformedPublicKey when it is none."""
        return self._add(_Key(ED25519, partial(_is_ed25519, parse_ed25519(public_key))))

    def revoke(self, key_id: str) -> None:
        """The key is ``invalid_credentials`` from now on."""
        self._keys[key_id].live = False

    def judge(self, request: httpx.Request) -> tuple[str | None, str | None]:
        """The key id, when the credentials are well formed, and the code of the refusal, if there is one."""
        credentials = read_credentials(_delivered(request), self._stage)
        if isinstance(credentials, Refused):
            return None, credentials.code
        return credentials.key_id.text, self._refusal(credentials, signing.body_digest(request.read()))

    def _refusal(self, credentials: Credentials, digest: str) -> str | None:
        claim = credentials.key_id.text, credentials.nonce
        if not credentials.is_current(int(self._clock() * 1_000_000)):
            return "timestamp_out_of_window"
        if not self._signed(credentials):
            return "invalid_credentials"
        if claim in self._nonces:
            return "nonce_replayed"
        self._nonces.add(claim)
        return None if digest == credentials.digest else "body_digest_mismatch"

    def _signed(self, credentials: Credentials) -> bool:
        key = self._keys.get(credentials.key_id.text)
        if key is None or not key.live or key.algorithm != credentials.algorithm:
            return False
        return key.verifies(credentials.text, credentials.signature)

    def _add(self, key: _Key) -> str:
        key_id = keys.new_key_id(self._stage, "0", secrets.token_bytes(keys.KEY_ID_ENTROPY_BYTES))
        self._keys[key_id] = key
        return key_id


def _delivered(request: httpx.Request) -> SignedRequest:
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.multi_items():
        headers.setdefault(name.lower(), []).append(value)
    return SignedRequest(request.method, path, parse_qsl(query, keep_blank_values=True), headers, "")


def _is_ed25519(public_key: bytes, text: str, signature: str) -> bool:
    return ed25519.verifies(public_key, text.encode("ascii"), bytes.fromhex(signature))
