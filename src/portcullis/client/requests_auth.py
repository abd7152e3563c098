"""Signing for requests."""

import time
from typing import Any

import requests
from requests.auth import AuthBase

from portcullis.client.errors import InvalidRequestError
from portcullis.client.signer import Clock, Nonce, Signer, random_nonce
from portcullis.protocol.signing import CREDENTIAL_HEADERS


class PortcullisRequestsAuth(AuthBase):
    """``requests.Session().auth = PortcullisRequestsAuth(key_id, secret)``: signs the bytes that requests sends.

    The twin of PortcullisAuth. Leave urllib3's own retries off (they are by default): they would send one signature
    twice, and the gateway refuses the second as a replay.
    """

    def __init__(self, key_id: str, secret: str, *, clock: Clock = time.time, nonce: Nonce = random_nonce) -> None:
        self._signer = Signer(key_id, secret, clock=clock, nonce=nonce)

    def __repr__(self) -> str:
        return f"PortcullisRequestsAuth(key_id={self._signer.key_id!r}, secret=hidden)"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The prepared request, signed."""
        body = _body(request)
        path, _, query = request.path_url.partition("?")
        signed = self._signer.sign(request.method or "", f"{path}?{query}" if query else path, body)
        origin = (request.url or "").partition("#")[0].removesuffix(request.path_url)
        request.url = origin + signed.target
        if request.path_url != signed.target:
            raise InvalidRequestError("This request cannot be signed. requests would send another path or query.")
        request.headers.update(signed.headers)
        request.hooks["response"].append(_forget_credentials)
        return request


def _body(request: requests.PreparedRequest) -> bytes:
    body: Any = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        request.body = body = body.encode()
        request.prepare_content_length(body)
    if not isinstance(body, bytes):
        raise InvalidRequestError("A streamed body cannot be signed. Give the body as bytes or str.")
    return body


def _forget_credentials(response: requests.Response, *_args: Any, **_options: Any) -> None:
    """requests builds a redirected request from a copy of the one it sent, and drops only ``Authorization`` from it."""
    for name in CREDENTIAL_HEADERS:
        response.request.headers.pop(name, None)
