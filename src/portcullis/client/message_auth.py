"""Signing for httpx in the second scheme: HTTP Message Signatures (RFC 9421)."""

import time
from collections.abc import Generator, Sequence
from urllib.parse import parse_qsl

import httpx

from portcullis.client.ed25519 import load_private_key
from portcullis.client.errors import ConfigurationError, InvalidRequestError
from portcullis.client.httpx_auth import apply
from portcullis.client.signer import Clock, Nonce, Secret, Signed, check_credentials, random_nonce
from portcullis.protocol import keys, signing
from portcullis.protocol.message_signatures import ED25519, HMAC_SHA256, Message, MessageSigner, signed_headers


def hmac_signer(key_id: str, secret: str) -> MessageSigner:
    """Signs with the secret of ``key_id``; ConfigurationError when they are malformed or of two stages."""
    check_credentials(key_id, secret)
    hidden = Secret(secret)
    return MessageSigner(HMAC_SHA256, lambda base: bytes.fromhex(signing.sign(hidden.reveal(), base.decode("ascii"))))


def ed25519_signer(private_key_pem: bytes) -> MessageSigner:
    """Signs with an unencrypted PKCS #8 key in PEM, by ``cryptography``; ConfigurationError when it is none."""
    private_key = load_private_key(private_key_pem, "private_key_pem")
    return MessageSigner(ED25519, private_key.sign)


class MessageRequestSigner:
    """Signs with one key. Each call takes a fresh time and nonce, so each attempt is signed anew."""

    def __init__(
        self, key_id: str, signer: MessageSigner, *, clock: Clock = time.time, nonce: Nonce = random_nonce
    ) -> None:
        if not keys.is_key_id(key_id):
            raise ConfigurationError("key_id: expected pk_<stage>_…. Copy it again as the operator issued it.")
        self.key_id = key_id
        self.algorithm = signer.algorithm
        self._signer = signer
        self._clock = clock
        self._nonce = nonce

    def sign(self, method: str, target: str, body: bytes, hosts: Sequence[str]) -> Signed:
        """``target`` is path and query as on the wire, ``hosts`` every value of the Host header; InvalidRequestError
        when that has no signed form."""
        path, _, query = target.partition("?")
        try:
            canonical = signing.canonical_query(parse_qsl(query, keep_blank_values=True, errors="strict"))
            message = Message(method, path, canonical, {"host": hosts})
            created, nonce = int(self._clock()), self._nonce()
            headers = signed_headers(self.key_id, self._signer, message, body, created, nonce)
        except UnicodeDecodeError:
            raise InvalidRequestError("This request cannot be signed. query: it must be valid UTF-8.") from None
        except signing.MalformedRequest as error:
            raise InvalidRequestError(f"This request cannot be signed. {error}.") from None
        return Signed(f"{path}?{canonical}" if canonical else path, headers)


class MessageSignatureAuth(httpx.Auth):
    """``httpx.Client(auth=MessageSignatureAuth(key_id, signer))``: PortcullisAuth in the second scheme.

    ``signer`` is hmac_signer() or ed25519_signer(); a key kept in hardware is a MessageSigner around its own function.
    """

    requires_request_body = True

    def __init__(
        self, key_id: str, signer: MessageSigner, *, clock: Clock = time.time, nonce: Nonce = random_nonce
    ) -> None:
        self._signer = MessageRequestSigner(key_id, signer, clock=clock, nonce=nonce)

    def __repr__(self) -> str:
        return f"MessageSignatureAuth(key_id={self._signer.key_id!r}, algorithm={self._signer.algorithm!r})"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One signed request. Called per attempt, so each has its own time and nonce."""
        target, hosts = request.url.raw_path.decode("ascii"), request.headers.get_list("host")
        apply(self._signer.sign(request.method, target, request.content, hosts), request)
        yield request
