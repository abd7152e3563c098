"""Verification in the gateway for tests: the authorizer's steps a to f in either scheme, then the body's digest."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import httpx

from portcullis.client import ed25519, fake_keys
from portcullis.client.fake_keys import FakeKey
from portcullis.protocol import keys, signing
from portcullis.protocol.credentials import Credentials, Refused, SignedRequest, read_credentials
from portcullis.protocol.message_signatures import ED25519, HMAC_SHA256
from portcullis.protocol.public_keys import parse_ed25519


class FakeVerifier:
    """Made-up keys of one stage and the nonces that they have used. ``clock`` in unix seconds."""

    def __init__(self, stage: str, clock: Callable[[], float]) -> None:
        self._stage = stage
        self._clock = clock
        self._keys: dict[str, FakeKey] = {}
        self._nonces: set[tuple[str, str]] = set()

    def issue(self, *, self_rotation: bool = False) -> tuple[str, str]:
        """A new key id and its secret."""
        key = self._with_secret(self_rotation)
        return self._add(key), key.secret or ""

    def register(self, public_key: str, *, self_rotation: bool = False) -> str:
        """A new key id for an Ed25519 public key; MalformedPublicKey when it is none."""
        return self._add(self._with_public_key(parse_ed25519(public_key), self_rotation))

    def make_due(self, key_id: str) -> None:
        """Want a key rotated."""
        self._keys[key_id].due_at = self._clock()

    def revoke(self, key_id: str) -> None:
        """The key is ``invalid_credentials`` from now on, and with it what replaced it."""
        while True:
            key = self._keys[key_id]
            key.revoked = True
            if key.successor is None:
                return
            key_id = key.successor

    def listed(self, calling: str) -> list[dict[str, Any]]:
        """The live keys, as their agent sees them."""
        return fake_keys.listed(self._keys, calling, self._clock())

    def rotate(self, old_id: str, idempotency_key: str, body: bytes) -> dict[str, Any] | str:
        """The successor of a key, with its secret if it has one; or the code of the refusal."""
        old, now = self._keys[old_id], self._clock()
        asked = fake_keys.wanted(idempotency_key, body, old)
        made = self._keys[old.successor] if old.successor else None
        if code := fake_keys.refusal(old, asked, made, now):
            return code
        if made is None or old.successor is None:
            made = self._with_public_key(asked.public_key, True) if asked.public_key else self._with_secret(True)
            made.parent, made.made_by = old_id, asked.idempotency_key
            old.successor, old.ends_at = self._add(made), now + fake_keys.OVERLAP_SECONDS
        secret = {} if made.secret is None else {"secret": made.secret}
        return fake_keys.described(old.successor, made, old_id) | secret

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
        if key is None or not key.is_live(self._clock()) or key.algorithm != credentials.algorithm:
            return False
        return key.verifies(credentials.text, credentials.signature)

    def _with_secret(self, self_rotation: bool) -> FakeKey:
        secret = keys.secret_from_mac(self._stage, secrets.token_bytes(32))
        return FakeKey(HMAC_SHA256, partial(signing.matches, secret), self._clock(), self_rotation, secret)

    def _with_public_key(self, public_key: bytes, self_rotation: bool) -> FakeKey:
        verifies = partial(_is_ed25519, public_key)
        return FakeKey(ED25519, verifies, self._clock(), self_rotation, public_key=public_key)

    def _add(self, key: FakeKey) -> str:
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
